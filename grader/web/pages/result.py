"""What the result page shows of a view: rows by stage, what to mend first, what was measured, in the page's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.domain.diagnosis import Finding
from grader.domain.lab import Lab, TestSpec
from grader.domain.live import LiveEvent
from grader.domain.report import Report, TestResult, Verdict
from grader.domain.score import Score
from grader.web.pages.measured import Measurement, measurements
from grader.web.pages.telling import Told, told
from grader.web.pages.wording import VERDICTS, WHOSE, count, duration

#: Of what the code printed, per finding; the rest stays on the server.
PRINTED_CHARACTERS = 8_000
#: The same of a test that has no card of its own.
PRINTED_PASSING = 1_000
NOT_SETTLED = "This is neither a pass nor a fail. It earns no points yet and costs no attempt."


@dataclass(frozen=True)
class Row:
    """One test of the lab. `mark`, `word` and `kind` are its verdict; `card` numbers the finding that explains it."""

    test: TestSpec
    mark: str
    word: str
    kind: str
    points: str
    seconds: str
    card: int = 0
    measurements: tuple[Measurement, ...] = ()
    unshown: int = 0
    printed: str = ""


@dataclass(frozen=True)
class Stage:
    """Tests that belong together, with what they earned of what they are worth."""

    title: str
    points: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Card:
    """One cause, told once: as `lines` where the message has labkit's shape, else as the finding's whole message."""

    number: int
    finding: Finding
    mark: str
    word: str
    kind: str
    title: str
    worth: str
    whose: str
    also: tuple[str, ...]
    lines: tuple[Told, ...]
    measurements: tuple[Measurement, ...]
    printed: str


def stages(lab: Lab, rows: Mapping[str, Row], earned: Mapping[str, int]) -> tuple[Stage, ...]:
    """The lab's tests in its order, stage by stage; stretch tests of one stage stay in it."""
    groups: dict[int, list[TestSpec]] = {}
    for test in sorted(lab.tests, key=lambda test: test.stage or 0):
        groups.setdefault(test.stage or 0, []).append(test)
    return tuple(
        Stage(
            _stage_title(number, tests, len(groups)), _stage_points(tests, earned), tuple(rows[t.name] for t in tests)
        )
        for number, tests in groups.items()
    )


def _stage_title(number: int, tests: Sequence[TestSpec], stages: int) -> str:
    if all(test.stretch for test in tests):
        return "Stretch: worth no points, worth the thought"
    return f"Stage {number}" if number and stages > 1 else "Tests"


def _stage_points(tests: Sequence[TestSpec], earned: Mapping[str, int]) -> str:
    worth = sum(test.points for test in tests if not test.stretch)
    if not worth:
        return ""
    return f"{sum(earned.get(t.name, 0) for t in tests)} of {worth}" if earned else f"{worth} points"


def judged(lab: Lab, report: Report, score: Score, cards: Sequence[Card]) -> tuple[Stage, ...]:
    """The table of a graded job."""
    card_of = {name: card.number for card in cards for name in card.finding.tests}
    first = {card.finding.tests[0] for card in cards}
    rows = {
        test.name: _judged_row(
            test, report.of(test.name), score.per_test.get(test.name, 0), card_of.get(test.name, 0), test.name in first
        )
        for test in lab.tests
    }
    return stages(lab, rows, score.per_test)


def _judged_row(test: TestSpec, result: TestResult, points: int, card: int, in_card: bool) -> Row:
    """`in_card`: its measurements and its output stand in its card already."""
    mark, word, kind = VERDICTS[result.verdict]
    seconds, earned = duration(result.duration_s), _points(test, points)
    if in_card:
        return Row(test, mark, word, kind, earned, seconds, card)
    shown = measurements(result.checks)
    unshown = max(0, len(result.checks) - len(shown))
    return Row(test, mark, word, kind, earned, seconds, card, shown, unshown, _printed(result, PRINTED_PASSING))


def _points(test: TestSpec, points: int) -> str:
    return "stretch" if test.stretch else f"{points} of {test.points}"


def watched(lab: Lab, events: Sequence[LiveEvent]) -> tuple[Stage, ...]:
    """The table of a job that is not over: what its newest attempt has told so far."""
    known: dict[str, LiveEvent] = {}
    to_come = measuring = "to come"
    for event in events:
        if event.kind in ("started", "requeued"):
            known.clear()
            measuring = to_come
        elif event.kind == "measuring":
            ahead = event.data.get("ahead", 0)
            measuring = f"waiting for the engine, {ahead} before you" if ahead else "being measured"
        elif event.kind == "test":
            known[str(event.data.get("test", ""))] = event
    rows = {
        test.name: _watched_row(test, known.get(test.name), measuring if test.measured else to_come)
        for test in lab.tests
    }
    return stages(lab, rows, {})


def _watched_row(test: TestSpec, event: LiveEvent | None, to_come: str) -> Row:
    if event is None:
        return Row(test, "·", to_come, "wait", "stretch" if test.stretch else str(test.points), "")
    mark, word, kind = VERDICTS[Verdict(event.data["verdict"])]
    return Row(test, mark, word, kind, _points(test, event.data["points"]), duration(event.data["duration_s"]))


def cards(lab: Lab, report: Report, found: Sequence[Finding]) -> tuple[Card, ...]:
    """One for each cause, in the order to mend them."""
    return tuple(_card(number, lab, report, finding) for number, finding in enumerate(found, start=1))


def _card(number: int, lab: Lab, report: Report, finding: Finding) -> Card:
    mark, word, kind = VERDICTS[finding.verdict]
    first = report.of(finding.tests[0])
    listed = lab.test(finding.tests[0])
    measured = measurements(first.checks)
    lines = told(finding.message, measured=bool(measured))
    not_settled = "" if any(line.lead for line in lines) else NOT_SETTLED
    return Card(
        number=number,
        finding=finding,
        mark=mark,
        word=word,
        kind=kind,
        title=listed.claim if listed else first.name,
        worth=count(finding.points, "point") if finding.points else "stretch",
        whose=not_settled if finding.verdict is Verdict.INCONCLUSIVE else WHOSE[finding.fault],
        also=finding.tests[1:],
        lines=lines,
        measurements=measured,
        printed=_printed(first, PRINTED_CHARACTERS),
    )


def _printed(result: TestResult, most: int) -> str:
    text = result.output.strip()
    return text if len(text) <= most else f"{text[:most]}\n… {len(text) - most:,} more characters"
