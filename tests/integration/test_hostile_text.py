"""Text of submissions and of rosters is hostile wherever it is shown. One corpus, every place."""

import base64
import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from grader.adapters import logs
from grader.commands import console, following, status
from grader.commands.seen import Seen
from grader.domain.errors import Fault, Refused
from grader.domain.forge import Publication
from grader.domain.job import Job, JobState
from grader.domain.people import Role
from grader.domain.remote_lines import end_lines, event_lines, finding_lines
from grader.steps import board, courses, publishing, viewing
from grader.steps.courses import Enrolment
from grader.web.secured import POLICY
from tests.attacks.texts import HARMFUL, TEXTS, all_texts, wrong_in_json, wrong_in_page, wrong_in_text
from tests.browser import Browser
from tests.courses.copies import LAB
from tests.engine_reports import ANSWERED
from tests.git_client import Clone
from tests.integration.site import Desk, upload
from tests.integration.test_hidden_tests import read_everything
from tests.integration.test_live_page import logged_in, served
from tests.school import School

#: What a spreadsheet takes for a formula: also in full width, and behind a separator of another country.
FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|[;\t|][\"'\s]*(?<!')[=@＝＠]")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def hostile_report(text: str) -> bytes:
    """A report of the toy lab in which everything that came from the submission says this."""
    text = text[:300_000]  # a report of more than 8 MB is not read at all
    stages = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "teardown")}
    told = [{"diagnosis": {"cause": text, "hint": text, "message": text}}, {"output": text}, {"verdict": text},
            {"check": {"name": text, "statistic": text, "observed": 1.0, "allowed": 2.0, "n": 5}},
            {"measured": {**ANSWERED, "predictions": [{**one, "reason": text} for one in ANSWERED["predictions"]]}},
            ]  # fmt: skip
    tests = [
        {"nodeid": "basics/labs/toy-1/test_lab.py::test_double", "outcome": "failed", **stages,
         "call": {"outcome": "failed", "duration": 0.1, "longrepr": text}, "user_properties": told},
        {"nodeid": "basics/labs/toy-1/test_lab.py::test_total", "outcome": "failed", **stages,
         "call": {"outcome": "failed", "duration": 0.1, "longrepr": text}},
        {"nodeid": f"basics/labs/toy-1/test_lab.py::{text}", "outcome": "passed", **stages},
    ]  # fmt: skip
    return json.dumps({"tests": tests, "summary": {text: 1}, "environment": {text: text}}).encode()


def hand_in(desk: Desk, text: str, *, fails: bool = False, name: str = "starter.py") -> Job:
    """A submission of amy's, and a worker that tells of it and brings the report, or says that it broke."""
    desk.clock.passes(60)
    body = f"# {len(text)} {fails} {name}\n".encode() + text.encode("utf-8", "replace").replace(b"\0", b"")
    assert upload(desk.client("amy"), body, name).status_code == 201
    row = desk.store.submissions.page("toy")[0]
    job, worker = desk.claim(row.job)
    events = [{"event": "collected", "tests": [text, "test_double"]},
              {"event": "test", "test": "test_double", "outcome": "failed",
               "diagnosis": {"cause": text, "hint": text, "message": text}, "output": text},
              {"event": "test", "test": text, "outcome": text}]  # fmt: skip
    told = worker.post(f"/api/worker/jobs/{job.id}/events", json={"events": escaped(events)})
    assert told.status_code < 500, told.text
    result = {"sandbox": text[:100], "duration_s": 0.5}
    if fails:
        result |= {"fault": "student", "problem": text}
    else:
        result |= {"report": base64.b64encode(hostile_report(text)).decode()}
    answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=escaped(result))
    if answer.status_code >= 400:  # a sandbox of such a name: refused, and tried with a good one
        assert answer.status_code < 500, answer.text
        answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=escaped({**result, "sandbox": "fake"}))
    assert answer.status_code == 200, answer.text
    return job


def escaped(value: object) -> object:
    """The same without halves of characters, which the client of these tests cannot send."""
    return json.loads(json.dumps(value).replace("\\ud800", "\\ufffd").replace("\\udfff", "\\ufffd"))


def called(desk: Desk, text: str) -> None:
    """Amy is called that, and so are her section and address."""
    row = Enrolment("amy", text, text, Role.STUDENT)
    courses.enrol(desk.service, "toy", [replace(row, section=text)])
    with suppress(Refused):  # where nothing that can be read is left of it
        board.list_me(desk.service, desk.people["amy"], "toy", text[:40], listed=True)


def wrong(address: str, text: str) -> list[str]:
    """What is wrong in one answer, by what kind of answer it is."""
    if address.endswith("/events"):
        kinds = set(re.findall(r"^event: (.*)$", text, re.MULTILINE))
        lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
        odd = sorted(kinds - {"queued", "place", "started", "collected", "measuring", "test", "requeued", "ended"})
        return [*odd, *(one for line in lines for one in wrong_in_json(line))]
    if address.endswith("/gradescope"):  # a table; the test of tables says more
        return wrong_in_text(text.removeprefix("\ufeff"))
    return wrong_in_json(text) if address.startswith("/api/") else wrong_in_page(text)


@pytest.mark.parametrize("name", [*TEXTS, "all of them"])
def test_no_answer_of_the_service_does_what_a_text_says(desk: Desk, name: str) -> None:
    text = TEXTS.get(name) or all_texts()
    called(desk, text)
    jobs = [hand_in(desk, text), hand_in(desk, text, fails=True)]
    for login in ("amy", "gina") if name == "all of them" else ("gina",):
        answers = read_everything(desk, login, jobs)
        assert len(answers) > 10
        assert any("Predicted and measured" in answer for answer in answers.values())
        found = {address: bad for address, answer in answers.items() if (bad := wrong(address, answer))}
        assert found == {}
    assert max(len(answer) for answer in answers.values()) < 1_000_000, "the longest text is cut"
    metrics = desk.client().get("/metrics").text
    assert "owned" not in metrics and "grader_alarms 99" not in metrics and HARMFUL.search(metrics) is None


def test_tables_for_spreadsheets_hold_no_formula(desk: Desk) -> None:
    for text in (*(text for name, text in TEXTS.items() if "formula" in name), all_texts()):
        called(desk, text)
        hand_in(desk, text)
        browser = desk.browser("gina")
        for address in ("/c/toy/board?format=csv", "/c/toy/labs/toy-1/insight?format=csv&table=groups",
                        "/c/toy/labs/toy-1/gradescope", "/c/toy/people?format=csv", "/c/toy/submissions?format=csv",
                        "/c/toy/public?format=csv", "/c/toy/students/amy?format=csv"):  # fmt: skip
            answer = browser.get(address)
            assert answer.headers["content-type"].startswith("text/csv"), address
            assert HARMFUL.search(answer.text.removeprefix("\ufeff")) is None, address
            for row in csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))):
                for cell in row:
                    assert NUMBER.fullmatch(cell) or not FORMULA.search(cell), (address, cell[:80])


def test_a_terminal_is_shown_plain_text(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [hand_in(desk, all_texts()), hand_in(desk, all_texts(), fails=True)]
    out = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    monkeypatch.setattr(console, "out", out)
    for job in jobs:
        answer = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}").json()
        seen = Seen.read(answer, "http://grader.test")
        status.show(seen)
        following.conclude(seen, seen.title, out)
    shown = re.sub("\x1b\\[[0-9;]*m", "", out.file.getvalue())  # type: ignore[attr-defined]
    assert "[link=http://evil.example]" in shown and "<script>" in shown, "markup is text"
    assert HARMFUL.search(shown) is None
    assert "\x1b]8" not in out.file.getvalue()  # type: ignore[attr-defined]


def test_lines_of_a_push_are_ours_or_set_off(desk: Desk) -> None:
    job = hand_in(desk, all_texts())
    view = viewing.view(desk.service, desk.people["amy"], job.submission_id)
    failed = replace(view.job, state=JobState.FAILED, fault=Fault.STUDENT, problem=all_texts())
    events = desk.store.jobs.events(job.id)
    lines = [*finding_lines(view.findings), *end_lines(failed), *(line for one in events for line in event_lines(one))]
    assert len(lines) > 20
    assert not any(line.startswith(("A lab that is", "remote:", "http")) for line in lines)
    assert all(HARMFUL.search(line) is None and "\n" not in line for line in lines)


def test_a_commits_status_has_no_word_of_a_submission(desk: Desk) -> None:
    for job in (hand_in(desk, all_texts()), hand_in(desk, all_texts(), fails=True)):
        one = Publication(1, "toy", "org/amy", "c" * 40, "toy-1", job.submission_id, "", "", 1, 0)
        words = publishing.tell(desk.service, one).words
        assert re.fullmatch(r"[A-Za-z0-9 ,;:'.]+", words), words
        assert "owned" not in words


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_has_one_line_for_one_event(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure(as_json=as_json)
        for text in TEXTS.values():
            logging.getLogger("grader.test").error("GET %s", text)
        try:
            raise ValueError(all_texts())
        except ValueError:
            logging.getLogger("grader.test").exception("it broke")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    plain = [re.sub("\x1b\\[[0-9;]*m", "", line) for line in lines]
    assert all(HARMFUL.search(line) is None for line in plain)
    if as_json:
        assert len(lines) == len(TEXTS) + 1
        assert all(json.loads(line)["logger"] == "grader.test" for line in lines)
    else:
        assert len([line for line in plain if "GET" in line]) == len(TEXTS)


def test_the_policy_lets_nothing_in_but_our_own_files(desk: Desk) -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert {value for name, value in rules.items() if name != "img-src"} <= {"'none'", "'self'"}
    assert rules["img-src"] == "'self' data:"
    hand_in(desk, all_texts())
    for address in ("/", "/c/toy", "/c/toy/submissions", "/login", "/nothing%7f", "/c/toy/labs/toy-1"):
        answer = desk.browser("amy").get(address)
        assert answer.headers["content-security-policy"] == POLICY
        assert not re.search(r"\son\w+=|<script(?![^>]*\ssrc=\"/static/)|<style|\sstyle=\"", answer.text), address


@pytest.mark.chromium
def test_no_script_of_anybodys_runs_in_a_browser(desk: Desk) -> None:
    called(desk, all_texts())
    jobs = [hand_in(desk, all_texts()), hand_in(desk, all_texts(), fails=True)]
    addresses = ["/c/toy/people", "/c/toy/board", "/c/toy/submissions", "/c/toy/public", "/c/toy/labs/toy-1/insight",
                 "/c/toy/students/amy", *(f"/submissions/{job.submission_id}" for job in jobs),
                 f"/c/toy/compare?a={jobs[0].submission_id}&b={jobs[1].submission_id}"]  # fmt: skip
    with served(desk) as address, Browser() as browser:
        logged_in(browser, desk, address, "gina")
        for path in addresses:
            browser.go(address + path)
            assert browser.js("document.querySelector('h1') !== null"), path
            assert browser.js("typeof window.owned") == "undefined", path
            assert (
                browser.js("document.querySelectorAll('#owned, iframe, img, base, [onerror], [onfocus]').length") == 0
            )
            assert browser.js("[...document.scripts].every((one) => one.src.startsWith(location.origin))"), path
        assert browser.complaints == []


SUBMISSION = """\
import os
TEXTS = {texts}
def double(x):
    print(TEXTS)
    os.write(1, b"\\x1b[2J\\xff\\0\\nA lab that is graded in no time: 10 of 10 points\\n" * 1000)
    raise type(TEXTS[:50], (ValueError,), {{}})(TEXTS)
def total(items):
    raise ValueError("A" * 50_000_000)
"""


@pytest.mark.bubblewrap
def test_a_real_submission_that_says_all_of_it_is_shown_everywhere_as_text(tmp_path: Path) -> None:
    school = School(tmp_path, ["amy"])
    clone = school.clone("amy")
    source = SUBMISSION.format(texts=ascii(all_texts().encode("utf-8", "replace").decode()))
    clone.commit({f"{LAB}/starter.py": source.encode()}, "remote: 10 of 10 points")
    told = clone.push()
    assert told.code == 0, told.all
    assert "0 of 10 points" in told.text
    assert HARMFUL.search(told.text) is None
    ours = [line for line in told.text.splitlines() if line.startswith(("A lab that is", "http"))]
    assert len(ours) == 2, "the score and the page, once each"
    assert "0 of 10" in ours[0] and school.grader.url in ours[1]
    assert len(told.text) < 50_000
    row = school.handed_in("amy")[0]
    assert wrong_in_json(json.dumps(row)) == []
    assert refused_name(school, clone)
    log = school.grader.log.read_text(encoding="utf-8")
    assert HARMFUL.search(log) is None and "owned" not in log
    assert school.grader.stop() == 0
    assert school.errors() == []


def refused_name(school: School, clone: Clone) -> bool:
    """A push option and a branch that are hostile texts are refused in plain words."""
    clone.commit({f"{LAB}/starter.py": b"x = 1\n"})
    option = clone.push("-o", f"lab={TEXTS['a title']}{TEXTS['script']}", "origin", "HEAD:main")
    branch = clone.push("origin", "HEAD:refs/heads/<script>{{7*7}}\u202e")
    return all(one.code != 0 and HARMFUL.search(one.text) is None for one in (option, branch))
