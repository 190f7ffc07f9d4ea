"""What can go wrong, whose fault it is, and what to do about it.

GraderError                  one family: whoever catches it can tell every reader what to do
├── BadLab                   lab_author   the lab's folder cannot be graded from
│   └── BadManifest          lab_author   lab.toml makes no sense; names every key at once
├── UnknownLab               student      no lab, or several, go by that name
├── UnreadableSubmission     student      the files handed in cannot be graded
├── UnreadableReport         us           the judge left no report that can be read; run again
├── NoSandbox                operator     this machine has nothing to run a submission in
├── GradingFailed            us, or as told   the run ended without a result
├── Refused                  student      what was asked for cannot be done, and the message says why
├── NotLoggedIn              student      nobody knows who asks
├── NotAllowed               student      who asks has no right to it
├── NotFound                 student      it does not exist, or who asks may not know that it does
├── TooOften                 student      more than is allowed in a time; says when to come back
│   └── NoAttemptLeft        student      the lab takes no more of them for now
├── QueueDown                operator     the broker cannot be reached; what was accepted is kept
├── StoreDown                operator     the database cannot be reached; nothing new is accepted
├── BadSettings              operator     a setting, or a program this service needs, is not as it must be
├── ForgeDown                operator     the forge a course is connected to does not answer; asked again
└── ForgeRefused             operator     it refuses us: a token, a right or an address is wrong

A class's docstring is its message where none is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """Whose move it is."""

    STUDENT = "student"
    LAB_AUTHOR = "lab_author"
    OPERATOR = "operator"
    US = "us"


class GraderError(Exception):
    """Grading went wrong."""

    default_fault: ClassVar[Fault] = Fault.US
    default_retried: ClassVar[bool] = False

    def __init__(self, message: str = "", advice: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0].removesuffix(".")
        self.advice = advice
        self.fault = self.default_fault
        self.retried = self.default_retried  # whether running the same thing again may help, so that we do
        super().__init__(f"{self.message}; {advice}" if advice else self.message)


class BadLab(GraderError):
    """This lab's folder cannot be graded from."""

    default_fault = Fault.LAB_AUTHOR


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a manifest: `key` is dotted (`tests[2].points`, counted from 1), empty for the whole file."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


class BadManifest(BadLab):
    """The lab's manifest makes no sense."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        self.key = self.problems[0].key if self.problems else ""
        if len(self.problems) == 1:
            super().__init__(f"{file}: {self.problems[0]}")
        else:
            lines = "".join(f"\n  {problem}" for problem in self.problems)
            super().__init__(f"{file} has {len(self.problems)} problems:{lines}")


class UnknownLab(GraderError):
    """There is no lab of that name."""

    default_fault = Fault.STUDENT  # whoever typed the name


class UnreadableSubmission(GraderError):
    """These files cannot be graded."""

    default_fault = Fault.STUDENT


class UnreadableReport(GraderError):
    """The run left no report that can be read."""

    default_retried = True


class NoSandbox(GraderError):
    """This machine has no sandbox to run a submission in."""

    default_fault = Fault.OPERATOR


class GradingFailed(GraderError):
    """The run ended without a result."""

    def __init__(self, fault: Fault = Fault.US, message: str = "", advice: str = "") -> None:
        super().__init__(message, advice)
        self.fault = fault
        self.retried = fault is Fault.US


class Refused(GraderError):
    """This cannot be done."""

    default_fault = Fault.STUDENT


class NotLoggedIn(GraderError):
    """You are not logged in."""

    default_fault = Fault.STUDENT


class NotAllowed(GraderError):
    """You may not do this."""

    default_fault = Fault.STUDENT


class NotFound(GraderError):
    """There is nothing here that you may see."""

    default_fault = Fault.STUDENT


class TooOften(GraderError):
    """That was too often in a short time."""

    default_fault = Fault.STUDENT

    def __init__(self, message: str = "", retry_after_s: float = 60.0, advice: str = "") -> None:
        super().__init__(message, advice or f"wait {retry_after_s:.0f} s and do it again")
        self.retry_after_s = retry_after_s


class NoAttemptLeft(TooOften):
    """This lab takes no more submissions of yours for now."""


class QueueDown(GraderError):
    """The broker cannot be reached; what was handed in is kept and will be graded."""

    default_fault = Fault.OPERATOR
    default_retried = True


class StoreDown(GraderError):
    """The database does not answer."""

    default_fault = Fault.OPERATOR
    default_retried = True

    def __init__(
        self, message: str = "", advice: str = "nothing that was accepted is lost; try again in a minute"
    ) -> None:
        super().__init__(message, advice)


class ForgeDown(GraderError):
    """The forge does not answer; what it told us is kept, and asked for again."""

    default_fault = Fault.OPERATOR
    default_retried = True

    def __init__(self, message: str = "", advice: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(message, advice)
        self.retry_after_s = retry_after_s  # what the forge itself asked for


class ForgeRefused(GraderError):
    """The forge refuses what we ask of it, and will again."""

    default_fault = Fault.OPERATOR


class BadSettings(GraderError):
    """The service cannot run like this."""

    default_fault = Fault.OPERATOR
