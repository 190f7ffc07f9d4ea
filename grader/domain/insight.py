"""What a class's results say about a lab: which tests are hard, which tell students apart, why they fail, how close.

Formulas, for n students with a score, of whom p·n pass a test:

difficulty       1 - p
discrimination   the point-biserial correlation of passing a test with the points of all *other* tests, so that no test
                 is compared with itself: r = (M₁ - M₀) / s · √(p(1 - p)), with the mean rest score M₁ of who passes, M₀
                 of who fails, and the standard deviation s over n (the corrected item-total correlation: Henrysson,
                 Psychometrika 28, 1963; Lord & Novick, Statistical Theories of Mental Test Scores, 1968, ch. 15)
median time      from a student's first submission to the first that passed the test, of those who ever passed it
margin           observed over allowed of a test's closest check: above 1 it failed
"""

import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress
from operator import mul

from grader.domain.lab import Lab, TestSpec
from grader.domain.marks import TestMark
from grader.domain.report import Verdict
from grader.domain.standings import Marks
from grader.domain.text import clean_line

#: Below so many students a correlation says nothing.
FEWEST = 8
CAUSE_CHARACTERS = 120
_NOISE = (
    (re.compile(r"0x[0-9a-f]+"), "…"),
    (re.compile(r"""(["'`]).*?\1"""), "…"),
    (re.compile(r"(?<!\w)/[\w./-]+"), "…"),
    (re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?"), "#"),
)


@dataclass(frozen=True)
class TestInsight:
    """One test over a class; None where there is nothing to work it out from. `verdicts` counts how it ended.

    `margins` are those of who has one, in no order; `median_s` is in seconds, of `solvers` students.
    """

    __test__ = False

    test: TestSpec
    passed: int
    share: float | None
    difficulty: float | None
    discrimination: float | None
    median_s: float | None
    solvers: int
    verdicts: Mapping[str, int] = field(hash=False)
    margins: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Fallen:
    """A student in a group of the same failure."""

    login: str
    name: str
    submission_id: str


@dataclass(frozen=True)
class Group:
    """Students whom the same tests failed for the same cause. `causes` are the causes as they were told, and how often:
    they differ in numbers and quoted words alone."""

    tests: tuple[str, ...]
    verdict: str
    cause: str
    causes: tuple[tuple[str, int], ...]
    people: tuple[Fallen, ...]


@dataclass(frozen=True)
class Insight:
    """A lab over a class: `scored` of `students` who handed in have a score."""

    students: int
    scored: int
    tests: tuple[TestInsight, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class _Sorted:
    """One test's marks, in one pass over the class: by student whether it passed, and what else there is of it."""

    wins: list[bool]
    verdicts: list[str] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    failed: dict[tuple[str, str], list[tuple[Marks, TestMark]]] = field(default_factory=dict)


def insight(lab: Lab, marks: Sequence[Marks]) -> Insight:
    """All of it, of what counts of each student."""
    scored = [one for one in marks if one.tests]
    sorted_out = _sorted_out(lab, scored)
    worth = {test.name: 0 if test.stretch else test.points for test in lab.tests}
    points = [0] * len(scored)
    for name, found in sorted_out.items():
        points = [total + worth[name] * win for total, win in zip(points, found.wins, strict=True)]
    tests = tuple(_test(test, worth[test.name], scored, sorted_out[test.name], points) for test in lab.tests)
    return Insight(len(marks), len(scored), tests, _groups(lab, sorted_out))


def point_biserial(passed: Sequence[bool], scores: Sequence[float]) -> float | None:
    """The correlation of passing with a score; None for too few, or where either is the same for everybody."""
    n, wins = len(passed), sum(passed)
    if n < FEWEST or wins in (0, n):
        return None
    total = sum(scores)
    spread = n * sum(map(mul, scores, scores)) - total * total  # the variance times n²; exact for whole points
    if spread <= 0:
        return None
    won = sum(compress(scores, passed))
    p = wins / n
    return (won / wins - (total - won) / (n - wins)) / (math.sqrt(spread) / n) * math.sqrt(p * (1 - p))


@lru_cache(maxsize=4_096)
def normalised(cause: str) -> str:
    """A cause without what differs from student to student: numbers, quoted words, paths, addresses, case."""
    text = clean_line(cause, 4 * CAUSE_CHARACTERS).casefold()
    for pattern, instead in _NOISE:
        text = pattern.sub(instead, text)
    return clean_line(text, CAUSE_CHARACTERS)


def _sorted_out(lab: Lab, scored: Sequence[Marks]) -> dict[str, _Sorted]:
    found = {test.name: _Sorted([False] * len(scored)) for test in lab.tests}
    for index, one in enumerate(scored):
        for mark in one.tests:
            its = found.get(mark.test)
            if its is None:
                continue
            verdict = mark.verdict
            its.verdicts.append(verdict)
            if mark.margin is not None:
                its.margins.append(mark.margin)
            if verdict == Verdict.PASSED:
                its.wins[index] = True
            elif verdict != Verdict.MISSING:
                its.failed.setdefault((verdict, mark.cause), []).append((one, mark))
    return found


def _test(
    test: TestSpec, worth: int, scored: Sequence[Marks], found: _Sorted, points: Sequence[int]
) -> TestInsight:  # fmt: skip
    """`points` are those of each of `scored`."""
    passed = sum(found.wins)
    share = passed / len(scored) if scored else None
    rest = [total - worth * win for total, win in zip(points, found.wins, strict=True)]
    times = [one.solved_s[test.name] for one in scored if test.name in one.solved_s]
    return TestInsight(
        test=test,
        passed=passed,
        share=share,
        difficulty=None if share is None else 1 - share,
        discrimination=point_biserial(found.wins, rest),
        median_s=statistics.median(times) if times else None,
        solvers=len(times),
        verdicts=Counter(found.verdicts),
        margins=tuple(found.margins),
    )


def _groups(lab: Lab, sorted_out: Mapping[str, _Sorted]) -> tuple[Group, ...]:
    """Largest first; tests that fail the same students for the same cause are one group."""
    joined: dict[tuple[str, str, frozenset[int]], list[str]] = {}
    members: dict[tuple[str, str, str], list[tuple[Marks, TestMark]]] = {}
    for test in lab.tests:
        causes: dict[tuple[str, str], list[tuple[Marks, TestMark]]] = {}
        for (verdict, cause), failed in sorted_out[test.name].failed.items():
            causes.setdefault((verdict, normalised(cause)), []).extend(failed)
        for (verdict, cause), failed in causes.items():
            joined.setdefault((verdict, cause, frozenset(one.person_id for one, _ in failed)), []).append(test.name)
            members[test.name, verdict, cause] = sorted(failed, key=lambda pair: pair[0].login)
    groups = [
        _group(tests, verdict, cause, members[tests[0], verdict, cause])
        for (verdict, cause, _), tests in joined.items()
    ]
    order = {test.name: index for index, test in enumerate(lab.tests)}
    return tuple(sorted(groups, key=lambda group: (-len(group.people), order[group.tests[0]])))


def _group(tests: Sequence[str], verdict: str, cause: str, members: Sequence[tuple[Marks, TestMark]]) -> Group:
    told = Counter(mark.cause for _, mark in members)
    people = tuple(Fallen(one.login, one.name, one.submission_id) for one, _ in members)
    return Group(tuple(tests), verdict, cause, tuple(told.most_common()), people)
