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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


def insight(lab: Lab, marks: Sequence[Marks]) -> Insight:
    """All of it, of what counts of each student."""
    scored = [one for one in marks if one.tests]
    ended = [{mark.test: mark for mark in one.tests} for one in scored]
    worth = {test.name: 0 if test.stretch else test.points for test in lab.tests}
    points = [sum(worth.get(mark.test, 0) for mark in one.tests if mark.passed) for one in scored]
    tests = tuple(_test(test, worth[test.name], scored, ended, points) for test in lab.tests)
    return Insight(len(marks), len(scored), tests, _groups(lab, scored))


def point_biserial(passed: Sequence[bool], scores: Sequence[float]) -> float | None:
    """The correlation of passing with a score; None for too few, or where either is the same for everybody."""
    n, wins = len(passed), sum(passed)
    if n < FEWEST or wins in (0, n):
        return None
    if min(scores) == max(scores):
        return None
    mean = math.fsum(scores) / n
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / n)
    won = math.fsum(score for score, win in zip(scores, passed, strict=True) if win) / wins
    lost = (math.fsum(scores) - won * wins) / (n - wins)
    p = wins / n
    return (won - lost) / spread * math.sqrt(p * (1 - p))


def normalised(cause: str) -> str:
    """A cause without what differs from student to student: numbers, quoted words, paths, addresses, case."""
    text = clean_line(cause, 4 * CAUSE_CHARACTERS).casefold()
    for pattern, instead in _NOISE:
        text = pattern.sub(instead, text)
    return clean_line(text, CAUSE_CHARACTERS)


def _test(
    test: TestSpec, worth: int, scored: Sequence[Marks], ended: Sequence[Mapping[str, TestMark]], points: Sequence[int]
) -> TestInsight:
    """`ended` and `points` are those of each of `scored`."""
    mine = [marks.get(test.name) for marks in ended]
    wins = [mark is not None and mark.passed for mark in mine]
    rest = [float(total - worth * win) for total, win in zip(points, wins, strict=True)]
    times = [one.solved_s[test.name] for one in scored if test.name in one.solved_s]
    share = sum(wins) / len(wins) if wins else None
    return TestInsight(
        test=test,
        passed=sum(wins),
        share=share,
        difficulty=None if share is None else 1 - share,
        discrimination=point_biserial(wins, rest),
        median_s=statistics.median(times) if times else None,
        solvers=len(times),
        verdicts=Counter(mark.verdict for mark in mine if mark is not None),
        margins=tuple(mark.margin for mark in mine if mark is not None and mark.margin is not None),
    )


def _groups(lab: Lab, scored: Iterable[Marks]) -> tuple[Group, ...]:
    """Largest first; tests that fail the same students for the same cause are one group."""
    order = {test.name: index for index, test in enumerate(lab.tests)}
    alike: dict[tuple[str, str, str], list[tuple[Marks, TestMark]]] = {}
    for one in scored:
        for mark in one.tests:
            if not mark.passed and mark.verdict != Verdict.MISSING and mark.test in order:
                alike.setdefault((mark.test, mark.verdict, normalised(mark.cause)), []).append((one, mark))
    joined: dict[tuple[str, str, tuple[int, ...]], list[str]] = {}
    for test, verdict, cause in sorted(alike, key=lambda key: order[key[0]]):
        people = tuple(one.person_id for one, _ in alike[test, verdict, cause])
        joined.setdefault((verdict, cause, people), []).append(test)
    groups = [
        _group(tests, verdict, cause, alike[tests[0], verdict, cause]) for (verdict, cause, _), tests in joined.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-len(group.people), order[group.tests[0]])))


def _group(tests: Sequence[str], verdict: str, cause: str, members: Sequence[tuple[Marks, TestMark]]) -> Group:
    told = Counter(mark.cause for _, mark in members)
    people = tuple(Fallen(one.login, one.name, one.submission_id) for one, _ in members)
    return Group(tuple(tests), verdict, cause, tuple(told.most_common()), people)
