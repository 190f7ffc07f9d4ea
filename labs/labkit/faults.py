"""What a submission can do wrong, one class each. The text of each is the sentence the student reads after 'Yours :'.

StudentFault                 fails the test; never an error of the spec
├── Unloadable               the file does not import
├── MissingFunction          a contract function is not there
├── NotWritten               still raises NotImplementedError
├── WrongArguments           takes other arguments than the contract says
├── WrongType                returns something the contract does not allow
├── ChangedArgument          modifies what it was given
├── OverBudget               calls the target more often than any correct implementation
├── StudentRaised            raised an exception (also an instance of that builtin exception)
├── TimedOut                 no answer in time
├── Crashed                  its process died
├── CheckFailed              answered, and the answer is wrong
└── Undecided                a statistical check reached its cap without a verdict
    └── NotMeasured          what an engine measured is too uncertain to judge anything by
"""

import builtins
from collections.abc import Mapping
from typing import Any

#: Exceptions that keep their type when they come from a submission; every other one arrives as plain StudentRaised.
#: Not StopIteration: a spec that maps or zips over calls would take it for the end, and check nothing more.
KEPT = (
    "ArithmeticError", "AssertionError", "AttributeError", "BufferError", "EOFError", "FloatingPointError",
    "ImportError", "IndexError", "KeyError", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError",
    "OSError", "OverflowError", "PermissionError", "RecursionError", "RuntimeError", "TimeoutError",
    "TypeError", "UnboundLocalError", "ValueError", "ZeroDivisionError",
)  # fmt: skip


class StudentFault(Exception):
    """Something the submission did. `cause` names it for grouping, `advice` says what to try."""

    verdict = "failed"
    cause = "failed"

    def __init__(self, sentence: str, advice: str = "", function: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.advice = advice
        self.function = function


class Unloadable(StudentFault):
    """The file could not be imported."""

    cause = "does-not-import"


class MissingFunction(StudentFault):
    """A function of the contract is missing."""

    cause = "missing-function"


class NotWritten(StudentFault):
    """The body is still the starter's."""

    cause = "not-written"


class WrongArguments(StudentFault):
    """The function cannot be called as the contract says."""

    cause = "wrong-arguments"


class WrongType(StudentFault):
    """The function returned something of another type."""

    cause = "wrong-type"


class ChangedArgument(StudentFault):
    """The function modified an argument."""

    cause = "changed-argument"


class OverBudget(StudentFault):
    """The function asked the target more often than any correct implementation needs."""

    cause = "over-budget"


class StudentRaised(StudentFault):
    """The function raised. Instances are also instances of the builtin exception, where it is one of KEPT."""

    cause = "raised"

    def __init__(self, sentence: str, advice: str = "", function: str | None = None) -> None:
        super().__init__(sentence, advice, function)
        self.type_name = ""
        self.message = ""
        self.where = ""


class TimedOut(StudentFault):
    """No answer within the test's time."""

    verdict = "timed_out"
    cause = "timed-out"


class Crashed(StudentFault):
    """The process that ran the submission died."""

    verdict = "crashed"
    cause = "crashed"


class CheckFailed(StudentFault):
    """A check did not hold; carries the expected value, the known mistake it matches, and the input.

    `check` is what the report keeps of a check that measured something (the fields of labkit.expect.Check): the text
    then says in numbers how far off the answer was, what is allowed, and what would have been needed.
    """

    cause = "wrong-answer"

    def __init__(
        self, sentence: str, *, given: str = "", expected: str = "", function: str | None = None,
        looks_like: str = "", advice: str = "", cause: str = "", check: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(sentence, advice, function)
        self.given = given
        self.expected = expected
        self.looks_like = looks_like
        self.check = check
        self.cause = cause or type(self).cause


class Undecided(CheckFailed):
    """A statistical check could not decide within its cap: never a pass, never the student's fault."""

    verdict = "inconclusive"
    cause = "inconclusive"


class NotMeasured(Undecided):
    """The measurement was too noisy or too short: it is repeated, at no cost."""


def raised(type_name: str, message: str, where: str, function: str | None) -> StudentRaised:
    """The fault for an exception of type `type_name` in the submission. `where` is a place such as 'line 31'."""
    type_name = type_name if type_name.isidentifier() else "Exception"  # a class may be given any name at all
    fault = _not_written(message, function) if type_name == "NotImplementedError" else None
    if fault is None:
        label = f"{function}() raised " if function else ""
        sentence = f"{label}{type_name}{': ' if message else ''}{message}{f' ({where})' if where else ''}"
        kind: type[StudentRaised] = StudentRaised
        if type_name in KEPT:
            kind = type(f"Student{type_name}", (StudentRaised, getattr(builtins, type_name)), {})
        fault = kind(sentence, function=function)
        fault.cause = f"raised-{type_name}"
    fault.type_name, fault.message, fault.where = type_name, message, where
    return fault


def _not_written(message: str, function: str | None) -> StudentRaised:
    kind = type("StudentNotImplementedError", (NotWritten, StudentRaised, NotImplementedError), {})
    fault: StudentRaised = kind(
        f"not written yet ({message or function})", "write the body; the README section named above says what", function
    )
    return fault
