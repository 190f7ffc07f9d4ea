"""What a pusher reads: its width, its words, and nothing that a stranger's text could do to a terminal."""

import re
from typing import Any

import pytest

from grader.domain.diagnosis import Finding
from grader.domain.errors import Fault
from grader.domain.job import Job, JobState, Lane, Place
from grader.domain.live import LiveEvent
from grader.domain.remote_lines import WIDTH, end_lines, event_lines, finding_lines, place_lines, score_lines
from grader.domain.report import Verdict
from grader.domain.score import Score

HOSTILE = "\x1b[31mred\x1b]8;;http://evil\x07link\x07 \u202egnp\u202c\u200b \x9b2J\r\x00\x08\x0c\x85\u2028end\ud800"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff]")


def job(state: JobState, **more: Any) -> Job:
    return Job("j", "s", "c", "lab-01", 1, "d", "cpu", Lane.INTERACTIVE, 1, 5, 0.0, state, **more)


def event(kind: str, **data: Any) -> LiveEvent:
    return LiveEvent(1, kind, 0.0, data)


def a_test(verdict: Verdict, **more: Any) -> str:
    told = {"test": "test_law", "verdict": str(verdict), "points": 0, "max_points": 12, "duration_s": 0.314}
    [line] = event_lines(event("test", **{**told, **more}))
    return line


def finding(message: str, *tests: str, points: int = 4) -> Finding:
    return Finding(tests or ("test_a",), points, Verdict.FAILED, Fault.STUDENT, "wrong-answer", message, "")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (Place(0, 3, 2, 5.0), "Waiting: you are next."),
        (Place(4, 9, 2, None), "Waiting: 4 before you."),
        (Place(4, 9, 2, 0.2), "Waiting: 4 before you, about 1 s."),
        (Place(4, 9, 2, 89.4), "Waiting: 4 before you, about 89 s."),
        (Place(40, 90, 2, 150.0), "Waiting: 40 before you, about 2 min."),
    ],
)
def test_a_place_in_the_line_says_how_many_and_how_long(place: Place, line: str) -> None:
    assert place_lines(place, "cpu") == [line]


@pytest.mark.parametrize(("ahead", "turn"), [(0, "you are next"), (3, "3 before you")])
def test_without_a_worker_the_lines_say_whose_the_place_and_that_nothing_is_lost(ahead: int, turn: str) -> None:
    first, second = place_lines(Place(ahead, 9, 0, None), "gpu")
    assert first == f"Waiting: {turn}, but no worker of the gpu queue is up."
    assert "Nothing is lost" in second
    assert max(len(first), len(second)) <= WIDTH


def test_a_test_that_passed_has_its_points_and_time_in_columns() -> None:
    line = a_test(Verdict.PASSED, points=12)
    assert re.fullmatch(r"✓   12/12  law +0\.31s", line)
    assert len(line) == WIDTH


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_line_of_its_own_width(verdict: Verdict) -> None:
    assert len(a_test(verdict)) == WIDTH
    assert a_test(verdict)[0] in "✓✗!?–"


@pytest.mark.parametrize(
    ("verdict", "word"),
    [(Verdict.TIMED_OUT, "timed out"), (Verdict.CRASHED, "crashed"), (Verdict.INCONCLUSIVE, "not settled")],
)
def test_a_verdict_that_a_mark_does_not_tell_is_told_in_words(verdict: Verdict, word: str) -> None:
    assert f"law ({word})" in a_test(verdict)


def test_a_stretch_test_shows_no_points() -> None:
    assert re.match(r"✓ stretch  law", a_test(Verdict.PASSED, stretch=True, points=0, max_points=0))


def test_a_long_name_is_not_cut_off_silently() -> None:
    line = a_test(Verdict.PASSED, test=f"test_{'n' * 90}", points=12)
    assert f"{'n' * 90}  0.31s" in line


@pytest.mark.parametrize("kind", ["queued", "collected", "ended", "something new"])
def test_what_a_pusher_need_not_know_has_no_line(kind: str) -> None:
    assert event_lines(event(kind)) == []


def test_only_another_attempt_is_told() -> None:
    assert event_lines(event("started", attempt=1)) == []
    assert event_lines(event("started", attempt=2)) == ["Running again, attempt 2."]
    assert "our fault" in event_lines(event("requeued", attempt=1))[0]
    assert "2 before you" in event_lines(event("measuring", ahead=2))[0]
    assert "is measuring" in event_lines(event("measuring", ahead=0))[0]


def test_two_findings_are_shown_and_the_rest_counted() -> None:
    lines = finding_lines((finding("one"), finding("two"), finding("three", "test_c", "test_d"), finding("four")))
    assert lines == ["", "  one", "", "  two", "", "3 more to mend; see the page."]


def test_a_long_finding_is_cut_with_a_note_of_how_much() -> None:
    lines = finding_lines((finding("\n".join(f"line {n}" for n in range(24))),))
    assert lines[1:19] == [f"  line {n}" for n in range(18)]
    assert lines[19] == " … 6 more lines on the page"


LAW = """\
[lab-03] test_step_law - 12 points
 Claim     : for every draft, the tokens returned follow the law of the
             accept-or-resample rule
 In short  : Your code answers “token 2” too rarely: in 25 of 100 draws, where
             a correct one does in about 42 of 100. Luck does not explain
             that.
 Measured  : evidence against your code: 10^15.8 to 1, after 512 draws
 Allowed   : evidence below 10^9.5: a correct implementation gets this far off
             in at most 1 of 3 billion runs, whenever one stops to look
 Needed    : evidence that stays below the limit
 Picture   : outcome               law   yours  █ yours, ░ allowed
             token 2             42.0%   25.1%  ██████████████      ░░░░░░░░ ✗
 Margin    : ─────┃╌╌╌●  10,000 times the limit
 Try       : x
 Replay    : LAB_IMPL=starter LAB_SEED=7 pytest phase-08-speculative-decoding/labs/lab-03-rejection-sampling -k test_step_law
 Hint      : python -m labkit hint lab-03 speculative_step"""  # noqa: E501


def test_the_plain_words_of_a_law_come_in_our_width_and_its_numbers_stay_on_the_page() -> None:
    lines = finding_lines((finding(LAW),))
    assert lines[1:9] == [
        "[lab-03] test_step_law - 12 points",
        " Claim     : for every draft, the tokens returned follow the law of the",
        "             accept-or-resample rule",
        " In short  : Your code answers “token 2” too rarely: in 25 of 100 draws,",
        "             where a correct one does in about 42 of 100. Luck does not",
        "             explain that.",
        " Try       : x",
        LAW.splitlines()[-2],
    ]
    assert all(len(line) <= WIDTH for line in lines if "Replay" not in line)
    assert not any(mark in "".join(lines) for mark in "█░┃")


def test_tests_with_the_same_cause_are_named() -> None:
    assert " Same cause: b, c" in finding_lines((finding("text", "test_a", "test_b", "test_c"),))


def test_nothing_to_mend_is_no_line() -> None:
    assert finding_lines(()) == []


@pytest.mark.parametrize(
    ("before", "line"),
    [(None, "L: 6 of 10 points"), (6, "L: 6 of 10 points, as before"), (0, "L: 6 of 10 points (+6)"),
     (10, "L: 6 of 10 points (-4)")],
)  # fmt: skip
def test_a_score_says_what_changed(before: int | None, line: str) -> None:
    assert score_lines(Score(6, 10, {}), "L", before) == ["", line]


def test_why_there_is_no_score_is_said_with_whose_fault_it_is() -> None:
    assert "Superseded" in end_lines(job(JobState.SUPERSEDED))[0]
    assert "Cancelled" in end_lines(job(JobState.CANCELLED))[0]
    assert "our fault" in end_lines(job(JobState.DEAD))[0]
    assert end_lines(job(JobState.FAILED, fault=Fault.STUDENT, problem="it died")) == [
        "Not graded; the fault is in your code.",
        "  it died",
    ]
    assert "the lab's, not yours" in end_lines(job(JobState.FAILED, fault=Fault.LAB_AUTHOR, problem="x"))[0]


def test_a_fault_of_ours_is_never_called_the_labs() -> None:
    for fault in (Fault.US, Fault.OPERATOR):
        [first, *_] = end_lines(job(JobState.FAILED, fault=fault, problem="x"))
        assert "lab" not in first
        assert "not yours" in first


def test_hostile_text_is_harmless_wherever_it_stands() -> None:
    lines = [
        a_test(Verdict.FAILED, test=f"test_{HOSTILE}"),
        *finding_lines((finding(HOSTILE, "test_a", f"test_{HOSTILE}"), finding(HOSTILE))),
        *score_lines(Score(1, 2, {}), HOSTILE, None),
        *end_lines(job(JobState.FAILED, fault=Fault.STUDENT, problem=HOSTILE)),
    ]
    assert [line for line in lines if CONTROL.search(line)] == []
    assert not any("evil" in line for line in lines), "the target of a link is part of it"


def test_a_message_without_end_is_short_when_it_is_shown() -> None:
    lines = finding_lines((finding("x" * 1_000_000), finding("y\n" * 1_000_000)))
    assert sum(map(len, lines)) < 6_000
    assert len(lines) < 2 * 22
