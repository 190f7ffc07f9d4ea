"""A test that is hidden until the due time is told of nowhere a student looks: every route, the live stream, a commit's
status. What git prints is in test_git_deadlines."""

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from rich.console import Console

from grader.commands import following, status
from grader.commands.seen import Seen
from grader.domain.forge import Publication, StatusState
from grader.domain.job import Job
from grader.domain.rerun import Selection
from grader.steps import publishing, reruns
from grader.steps.publishing import Told
from tests.integration.site import Desk, upload
from tests.marking import report
from tests.rules_of import DAY, course_toml

SHOWN, HIDDEN = "test_double", "test_total"
SECRET = "the-sum-of-nothing"
#: The sums that points of the hidden test would be part of, and its own.
SUMS = re.compile(r"\b(?:10|4|0) of (?:10|4)\b|\b6 of 10\b|\b(?:10|4|0)/(?:10|4)\b|\b6/10\b")
FILLED = {"course": "toy", "lab": "toy-1", "login": "amy", "person": "amy", "test": HIDDEN}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The course, in which test_total is hidden for a day."""
    one = Desk(tmp_path)
    text = course_toml(due=one.clock() + DAY, hidden_until_due=f'["{HIDDEN}"]', counts='"best"')
    assert one.store.standings.put_rules("toy", text)
    assert one.store.standings.list_me("toy", one.people["amy"].person.id, "Owl", True)
    yield one
    one.store.close()


def run(desk: Desk, data: bytes, *passed: str, end: bool = True) -> Job:
    """Amy hands in, and a worker tells of each test and brings the report."""
    desk.clock.passes(60)
    job, worker = desk.claimed("amy", data)
    tests = [{"event": "test", "test": name, "outcome": "passed" if name in passed else "failed",
              "diagnosis": {"message": SECRET if name == HIDDEN else "fine"}} for name in (SHOWN, HIDDEN)]  # fmt: skip
    events = [{"event": "collected", "tests": [SHOWN, HIDDEN]}, *tests]
    assert worker.post(f"/api/worker/jobs/{job.id}/events", json={"events": events}).status_code == 204
    if end:
        result = {"report": _encoded(report(*passed, cause=SECRET)), "sandbox": "fake", "duration_s": 0.5}
        assert worker.post(f"/api/worker/jobs/{job.id}/result", json=result).status_code == 200
    return job


def _encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def read_everything(desk: Desk, login: str, jobs: list[Job]) -> dict[str, str]:
    """What every GET route that lets them in answers, by address; pages as a browser, the rest as a program."""
    told: dict[str, str] = {}
    browser = desk.browser(login)
    pair = [job.submission_id for job in jobs]
    answer = browser.get(f"/c/toy/compare?a={pair[0]}&b={pair[-1]}")
    assert answer.status_code == 200
    told["/c/toy/compare"] = answer.text
    for route in iter_route_contexts(desk.app.routes):
        path = str(route.path)
        if "GET" not in (route.methods or ()) or path.startswith(
            ("/git/", "/login", "/metrics", "/readyz", "/healthz")
        ):
            continue
        for job in jobs:
            names = {**FILLED, "submission_id": job.submission_id, "other_id": jobs[0].submission_id}
            missing = set(re.findall(r"\{(\w+)", path)) - set(names)
            # a stream without an end; the board's is for graders: test_http_access
            live = path.endswith("/events") and ("{submission_id}" not in path or not _ended(desk, job))
            if missing or live or path == "/static/{path:path}":
                continue
            address = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found, all=names: all[found[1]], path)
            client = desk.client(login) if path.startswith("/api/") else browser
            answer = client.get(address)
            if answer.status_code == 200:
                told[address] = answer.text
    return told


def _ended(desk: Desk, job: Job) -> bool:
    now = desk.store.jobs.get(job.id)
    return now is not None and now.state.final


def leaks(address: str, text: str) -> list[str]:
    """What of the hidden test is in an answer."""
    found = [word for word in (HIDDEN, SECRET) if word in text]
    plain = re.sub(r"<[^>]+>", "", text)
    # on the public board: points that can be seen, of what the lab is worth to everybody
    found += SUMS.findall(plain.replace("6/10", "") if address == "/c/toy/public" else plain)
    if address.startswith("/api/") and not address.endswith("/events"):
        found += [f"points {value}" for value in _points(json.loads(text)) if value in (10, 4)]
    return found


def _points(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("points", "max_points", "raw_points", "before", "after", "hidden_points"):
                yield inner
            yield from _points(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _points(inner)


def test_no_student_reads_anything_of_it_and_graders_read_all(desk: Desk) -> None:
    jobs = [run(desk, b"x = 1", SHOWN, HIDDEN), run(desk, b"x = 2", SHOWN), run(desk, b"x = 3", end=False)]
    hers = read_everything(desk, "amy", jobs)
    expected = {"/c/toy", "/c/toy/labs/toy-1", "/c/toy/submissions", "/api/v1/courses/toy/submissions",
                "/api/v1/courses/toy/scores"}  # fmt: skip
    for job in jobs:
        where = f"/submissions/{job.submission_id}"
        expected |= {where, f"/api/v1{where}", f"/api/v1{where}/events"} - (
            {f"/api/v1{where}/events"} if job is jobs[2] else set()
        )
    assert expected <= set(hers)
    assert {address: found for address, text in hers.items() if (found := leaks(address, text))} == {}
    told = hers[f"/submissions/{jobs[0].submission_id}"]
    assert "1 test is hidden until 13 Jan 1970, 13:46 UTC" in told
    assert re.search(r"6</span>\s*<span class=\"of\">of 6 points", told)
    assert "1 test is hidden until" in hers["/c/toy/labs/toy-1"]
    detail = json.loads(hers[f"/api/v1/submissions/{jobs[0].submission_id}"])
    assert (detail["job"]["points"], detail["job"]["max_points"], len(detail["tests"])) == (6, 6, 1)
    assert detail["hidden"] == {"tests": 1, "until": 1_000_000.0 + DAY}
    assert any("1 test is hidden" in note for note in detail["notes"])

    ginas = read_everything(desk, "gina", jobs)
    whole = ginas[f"/submissions/{jobs[1].submission_id}"]
    assert HIDDEN in whole and SECRET in whole
    assert json.loads(ginas[f"/api/v1/submissions/{jobs[0].submission_id}"])["job"]["points"] == 10
    assert "from students, until they are due: test_total" in ginas["/c/toy/labs/toy-1"]
    assert HIDDEN in ginas[f"/api/v1/submissions/{jobs[0].submission_id}/events"]

    desk.clock.passes(DAY)
    after = read_everything(desk, "amy", jobs[:2])
    assert HIDDEN in after[f"/submissions/{jobs[0].submission_id}"]
    assert SECRET in after[f"/api/v1/submissions/{jobs[1].submission_id}/events"]
    assert json.loads(after[f"/api/v1/submissions/{jobs[0].submission_id}"])["job"]["points"] == 10


def test_a_stream_leaves_it_out_and_its_end_has_no_point_of_it(desk: Desk) -> None:
    job = run(desk, b"x = 1", SHOWN, HIDDEN)
    text = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}/events").text
    told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert [one["test"] for one in told if "test" in one] == [SHOWN]
    assert [one["tests"] for one in told if "tests" in one] == [1]
    assert (told[-1]["points"], told[-1]["max_points"]) == (6, 6)


def test_the_same_upload_again_shows_no_more(desk: Desk) -> None:
    run(desk, b"x = 1", SHOWN, HIDDEN)
    answer = upload(desk.client("amy"), b"x = 1")
    assert (answer.status_code, answer.json()["duplicate"]) == (200, True)
    assert (answer.json()["job"]["points"], leaks("/api/", answer.text)) == (6, [])


def test_the_command_line_prints_no_more_than_the_page(desk: Desk) -> None:
    job = run(desk, b"x = 1", SHOWN)
    answer = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}").json()
    seen = Seen.read(answer, "http://grader.test")
    out = Console(file=io.StringIO(), width=100)
    assert following.conclude(seen, "A lab", out) == 0
    rows = desk.client("amy").get("/api/v1/courses/toy/submissions").json()
    text = f"{out.file.getvalue()}\n{[status.in_words(Seen.read(row, 'http://grader.test')) for row in rows]}"  # type: ignore[attr-defined]
    assert "6 of 6" in text and "1 test is hidden until 13 Jan 1970, 13:46 UTC" in text
    assert leaks("", text) == []


def test_a_commits_status_is_what_a_student_may_see(desk: Desk) -> None:
    def shown(job: Job) -> Told:
        one = Publication(1, "toy", "org/amy", "c" * 40, "toy-1", job.submission_id, "", "", 1, 0)
        return publishing.tell(desk.service, one)

    full, half = run(desk, b"x = 1", SHOWN, HIDDEN), run(desk, b"x = 2", SHOWN)
    words = "6 of 6 points; 1 more hidden until it is due"
    expected = Told(StatusState.SUCCESS, words, changes_at=1_000_000.0 + DAY)
    assert (shown(full), shown(half)) == (expected, expected)
    desk.clock.passes(DAY)
    assert shown(full) == Told(StatusState.SUCCESS, "10 of 10 points")
    assert shown(half) == Told(StatusState.FAILURE, "6 of 10 points")


def test_a_reruns_notice_and_its_change_say_nothing_of_it(desk: Desk) -> None:
    job = run(desk, b"x = 1", SHOWN)
    gina = desk.people["gina"]
    desk.clock.passes(1)
    rerun = reruns.begin(desk.service, gina, "toy", Selection("toy-1", submission_id=job.submission_id))
    [item] = desk.store.reruns.items(rerun.id)
    again = desk.store.jobs.get(item.job_id)
    assert again is not None
    _, worker = desk.claim(again)
    body = {"report": _encoded(report(SHOWN, HIDDEN)), "sandbox": "fake", "duration_s": 0.5}
    assert worker.post(f"/api/worker/jobs/{again.id}/result", json=body).status_code == 200
    hers = read_everything(desk, "amy", [job])
    assert {address: found for address, text in hers.items() if (found := leaks(address, text))} == {}
    desk.clock.passes(1)
    reruns.apply(desk.service, gina, rerun.id)
    hers = read_everything(desk, "amy", [job])
    assert {address: found for address, text in hers.items() if (found := leaks(address, text))} == {}


def test_a_lab_that_is_not_open_says_when_in_place_of_the_form(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml(opens=desk.clock() + DAY))
    page = desk.browser("amy").get("/c/toy/labs/toy-1").text
    assert "toy-1 opens 13 Jan 1970, 13:46 UTC" in page
    assert 'type="file"' not in page
    assert 'type="file"' in desk.browser("gina").get("/c/toy/labs/toy-1").text
    answer = upload(desk.client("amy"), b"x = 1")
    assert (answer.status_code, answer.json()["error"]["advice"]) == (409, "hand it in in 24 hours")


def test_an_attempt_too_many_is_told_when_the_next_is_free(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml(cap="{ submissions = 1, hours = 2 }"))
    assert upload(desk.client("amy"), b"x = 1").status_code == 201
    answer = upload(desk.client("amy"), b"x = 2")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7200")
    assert "the next one is free 12 Jan 1970, 15:46 UTC (in 2 hours)" in answer.json()["error"]["advice"]
    page = desk.browser("amy").get("/c/toy/labs/toy-1").text
    assert "none left, the next from 12 Jan 1970, 15:46 UTC" in page


def test_late_work_is_told_over_http(desk: Desk) -> None:
    desk.store.standings.put_rules("toy", course_toml(due=desk.clock() - 1, late_percent_per_day=10))
    answer = upload(desk.client("amy"), b"x = 1")
    assert (answer.status_code, answer.json()["notes"]) == (201, ["1 day late: −10 %"])
    page = desk.browser("amy").get(answer.json()["url"]).text
    assert "1 day late: −10 %" in page
