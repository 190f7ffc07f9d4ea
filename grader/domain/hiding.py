"""Tests whose results a reader may not see yet: everything that they read is made from a lab without them.

A lab without its hidden tests is one where they never were: a report read for it has no verdict of them, a score no
points, a diagnosis no word. What was worked out before, a job's sum or a live event, has them taken out here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from grader.domain.job import Job
from grader.domain.lab import Lab
from grader.domain.live import LiveEvent


@dataclass(frozen=True)
class Hidden:
    """These tests, until then (seconds since 1970); nothing is hidden where there are none."""

    tests: tuple[str, ...] = ()
    until: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.tests)


NOTHING = Hidden()


def without(lab: Lab, tests: Collection[str]) -> Lab:
    """The lab as if it had never had these tests."""
    if not tests:
        return lab
    return replace(
        lab,
        tests=tuple(test for test in lab.tests if test.name not in tests),
        max_score=max(0, lab.max_score - worth(lab, tests)),
    )


def worth(lab: Lab, tests: Collection[str]) -> int:
    """The points of these tests together."""
    return sum(test.points for test in lab.tests if test.name in tests and not test.stretch)


def job_without(job: Job, lab: Lab, tests: Collection[str], earned: int) -> Job:
    """A job as its reader may see it. `lab` is the whole one it was graded by, `earned` what it got for `tests`."""
    if not tests:
        return job
    shown = replace(job, problem=text_without(job.problem, tests))
    if job.points is None or job.max_points is None:
        return shown
    return replace(shown, points=job.points - earned, max_points=job.max_points - worth(lab, tests))


def event_without(event: LiveEvent, lab: Lab, tests: Collection[str], earned: int) -> LiveEvent | None:
    """The same of a live event of a job; None for one that tells of a hidden test alone."""
    if not tests:
        return event
    if event.kind == "test":
        listed = lab.test(str(event.data.get("test", "")))
        return None if listed is not None and listed.name in tests else event
    return replace(event, data=_data(event.data, lab, tests, earned))


def text_without(text: str, tests: Collection[str]) -> str:
    """A text that may name tests, such as what went wrong with a run."""
    for name in sorted(tests, key=len, reverse=True):
        text = text.replace(name, "a hidden test")
    return text


def _data(data: Mapping[str, Any], lab: Lab, tests: Collection[str], earned: int) -> dict[str, Any]:
    shown = dict(data)
    for key, value in data.items():
        if isinstance(value, str):
            shown[key] = text_without(value, tests)
    if isinstance(shown.get("tests"), int):
        shown["tests"] = max(0, shown["tests"] - sum(test.name in tests for test in lab.tests))
    if shown.get("points") is not None:
        shown["points"] -= earned
    if shown.get("max_points") is not None:
        shown["max_points"] -= worth(lab, tests)
    return shown
