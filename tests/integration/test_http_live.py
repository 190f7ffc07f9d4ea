"""What watchers and workers read and send while a job runs."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import worker_is_up
from tests.integration.site import CLAIM, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def report(**outcomes: str) -> str:
    phases = {"setup": {"outcome": "passed"}, "teardown": {"outcome": "passed"}}
    tests = [
        {"nodeid": f"basics/labs/toy-1/test_lab.py::{name}", "outcome": outcome, "call": {"outcome": outcome}, **phases}
        for name, outcome in outcomes.items()
    ]
    return base64.b64encode(json.dumps({"tests": tests}).encode()).decode()


def read(lines: Iterator[str]) -> list[dict[str, Any]]:
    """The events of a stream: kind, id, data."""
    events: list[dict[str, Any]] = []
    now: dict[str, Any] = {}
    for line in lines:
        field, _, value = line.partition(": ")
        if field in ("id", "event"):
            now[field] = value
        elif field == "data":
            now["data"] = json.loads(value)
        elif not line and "event" in now:
            events.append(now)
            now = {}
    return events


def test_the_events_of_an_ended_job_are_told_from_the_start_and_the_stream_ends(desk: Desk) -> None:
    job, worker = desk.claimed()
    sent = [{"event": "collected", "tests": ["a", "b"]}, {"event": "test", "test": "test_double", "outcome": "passed"}]
    assert worker.post(f"/api/worker/jobs/{job.id}/events", json={"events": sent}).status_code == 204
    done = {"report": report(test_double="passed", test_total="failed"), "sandbox": "fake", "duration_s": 0.5}
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=done).json() == {"state": "graded"}
    with desk.client("amy").stream("GET", f"/api/v1/submissions/{job.submission_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = read(stream.iter_lines())
    assert [event["event"] for event in events] == ["queued", "started", "collected", "test", "ended"]
    assert [event["id"] for event in events] == ["1", "2", "3", "4", "5"]
    assert events[-1]["data"]["points"] == 6


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_lost_stream_goes_on_behind_the_last_event(desk: Desk, how: str) -> None:
    job, worker = desk.claimed()
    worker.post(f"/api/worker/jobs/{job.id}/result", json={"report": report(test_double="passed")})
    client = desk.client("amy")
    for last, kinds in ((0, ["queued", "started", "ended"]), (1, ["started", "ended"]), (3, []), (99, [])):
        headers = {"Last-Event-ID": str(last)} if how == "header" else {}
        params = {"after": last} if how == "query" else {}
        url = f"/api/v1/submissions/{job.submission_id}/events"
        with client.stream("GET", url, headers=headers, params=params) as stream:
            assert [event["event"] for event in read(stream.iter_lines())] == kinds


def test_a_watcher_hears_its_place_and_then_each_event_as_it_happens(desk: Desk) -> None:
    worker_is_up(desk.service)
    receipt = desk.hand_in()
    told = threading.Event()

    def work() -> None:
        assert told.wait(10)
        claim = desk.worker().post(f"/api/worker/jobs/{receipt.job.id}/claim", json=CLAIM).json()
        held = {"Authorization": f"Bearer {claim['token']}"}
        body = {"report": report(test_double="passed", test_total="passed")}
        desk.client(**held).post(f"/api/worker/jobs/{receipt.job.id}/result", json=body)

    thread = threading.Thread(target=work)
    thread.start()
    with (
        desk.client("amy") as client,
        client.stream("GET", f"/api/v1/submissions/{receipt.handin.id}/events") as stream,
    ):
        # the test client hands the body over when it is complete, so the place must not wait for a reader
        told.set()
        events = read(stream.iter_lines())
    thread.join()
    kinds = [event["event"] for event in events]
    assert kinds[0] == "queued"
    assert kinds[-2:] == ["started", "ended"]
    assert all("id" not in event for event in events if event["event"] == "place")


def test_a_claim_has_all_it_takes_to_run_the_job_and_no_more(desk: Desk) -> None:
    receipt = desk.hand_in()
    worker = desk.worker()
    claim = worker.post(f"/api/worker/jobs/{receipt.job.id}/claim", json=CLAIM).json()
    assert set(claim) == {"attempt", "token", "lease_s", "assignment"}
    assignment = claim["assignment"]
    assert assignment["seed"] == receipt.job.seed
    assert list(assignment["files"]) == ["starter.py"]
    assert f"{assignment['lab_path']}/test_lab.py" in assignment["bundle"]
    assert "amy" not in json.dumps({**assignment, "bundle": {}})
    assert worker.post(f"/api/worker/jobs/{receipt.job.id}/claim", json=CLAIM).status_code == 409
    assert worker.post("/api/worker/jobs/nothing/claim", json=CLAIM).status_code == 404
    again = desk.hand_in("bob").job
    known = {**CLAIM, "known": [assignment["spec"]]}
    told = worker.post(f"/api/worker/jobs/{again.id}/claim", json=known).json()["assignment"]
    assert told == assignment | {"bundle": None, "files": told["files"], "seed": again.seed}


def test_the_last_events_come_with_the_result(desk: Desk) -> None:
    job, worker = desk.claimed()
    done = {"report": report(test_double="passed", test_total="failed"), "sandbox": "fake", "duration_s": 0.5}
    last = [{"event": "test", "test": "test_double", "outcome": "passed"}]
    answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=done | {"events": last})
    assert answer.json() == {"state": "graded"}
    assert [event.kind for event in desk.store.jobs.events(job.id)] == ["queued", "started", "test", "ended"]


def test_a_worker_is_told_to_stop_and_says_that_it_did(desk: Desk) -> None:
    job, worker = desk.claimed()
    assert worker.post(f"/api/worker/jobs/{job.id}/beat").json() == {"cancel": False}
    assert worker.post(f"/api/worker/jobs/{job.id}/stopped").status_code == 409
    assert desk.client("amy").post(f"/api/v1/submissions/{job.submission_id}/cancel").status_code == 200
    assert worker.post(f"/api/worker/jobs/{job.id}/beat").json() == {"cancel": True}
    assert worker.post(f"/api/worker/jobs/{job.id}/stopped").json() == {"state": "cancelled"}
    shown = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}").json()
    assert shown["job"]["state"] == "cancelled"


@pytest.mark.parametrize(
    "body",
    [
        {"report": "not base64!"},
        {"report": 3},
        {"fault": "nobody"},
        {"duration_s": -1},
        {"problem": 3},
        {"sandbox": "\0"},
        [],
    ],
)
def test_a_result_of_another_shape_is_refused_and_the_job_goes_on(desk: Desk, body: object) -> None:
    job, worker = desk.claimed()
    answer = worker.post(f"/api/worker/jobs/{job.id}/result", json=body)
    assert answer.status_code == 422, answer.text
    assert worker.post(f"/api/worker/jobs/{job.id}/beat").status_code == 200


def test_our_own_fault_is_told_as_ours_and_the_job_waits_again(desk: Desk) -> None:
    job, worker = desk.claimed()
    body = {"fault": "operator", "problem": "no space left"}
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=body).json() == {"state": "queued"}
    shown = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}").json()
    assert shown["job"]["state"] == "queued"
    assert shown["attempts"][0]["ending"] == "given_back"
    assert shown["attempts"][0]["problem"] == "no space left"


def test_hostile_text_of_a_run_is_clean_wherever_it_is_read(desk: Desk) -> None:
    job, worker = desk.claimed(data=b"x = 'evil'")
    nasty = "<script>alert(1)</script>\x1b]8;;http://evil\x07click\x1b]8;;\x07 \u202egnp.exe \ud800 \0 =cmd()"
    entry = {
        "nodeid": "basics/labs/toy-1/test_lab.py::test_double",
        "outcome": "failed",
        "setup": {"outcome": "passed"},
        "call": {"outcome": "failed"},
        "user_properties": [
            {"diagnosis": {"cause": nasty, "hint": nasty, "message": nasty}},
            {"output": nasty * 10},
            {"check": {"name": nasty, "observed": 1.0, "allowed": 0.5, "n": 3, "detectable": nasty}},
        ],
    }
    body = base64.b64encode(json.dumps({"tests": [entry]}).encode()).decode()
    live = {"event": "test", "test": "test_double", "outcome": "failed", "diagnosis": {"message": nasty}}
    sent = json.dumps({"events": [live]})  # escaped: a lone surrogate is no UTF-8
    kind = {"content-type": "application/json"}
    assert worker.post(f"/api/worker/jobs/{job.id}/events", content=sent, headers=kind).status_code == 204
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json={"report": body}).json() == {"state": "graded"}
    page = desk.client("amy").get(f"/submissions/{job.submission_id}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    told = desk.client("amy").get(f"/api/v1/submissions/{job.submission_id}").text
    with desk.client("amy").stream("GET", f"/api/v1/submissions/{job.submission_id}/events") as stream:
        told += "".join(stream.iter_lines())
    for shown in (page.text, json.dumps(json.loads(told.partition(": grader")[0])), told):
        for bad in ("\x1b", "\u202e", "\ud800", "\x00", "\\u001b", "\\u202e", "\\ud800", "\\u0000"):
            assert bad not in shown


def test_health_says_what_works(desk: Desk) -> None:
    client = desk.client()
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz")
    assert ready.json()["parts"] == {"database": True, "broker": True, "dispatcher": False, "workers": False}
    assert ready.status_code == 503  # nobody offers anything in this desk
    desk.queue.down = True
    worker_is_up(desk.service)
    assert client.get("/readyz").json()["parts"]["broker"] is False
    assert client.get("/readyz").json()["parts"]["workers"] is True


def test_metrics_tell_age_outcomes_lost_leases_and_retries(desk: Desk) -> None:
    job, worker = desk.claimed("amy")
    worker.post(f"/api/worker/jobs/{job.id}/result", json={"report": report(test_double="passed"), "duration_s": 2})
    desk.claimed("bob", b"x = 3")
    desk.clock.passes(1000)
    desk.store.jobs.expire(desk.clock(), desk.service.rules)
    text = desk.client().get("/metrics").text
    for line in (
        'grader_jobs_ended_total{state="graded"} 1.0',
        'grader_attempts_ended_total{ending="lost"} 1.0',
        'grader_jobs_waiting{queue="cpu"} 1.0',
        'grader_queue_age_seconds{queue="cpu"} 1000.0',
        'grader_run_seconds_sum{lab="toy-1"} 2.0',
        "grader_submissions_given_up 0.0",
        "grader_alarms 1.0",  # a job waits, and nobody is there to run it
    ):
        assert line in text


def test_a_database_that_is_gone_refuses_new_work_clearly(desk: Desk, tmp_path: Path) -> None:
    client = desk.client("amy")
    assert client.get("/api/v1/me").status_code == 200
    desk.store.close()
    for file in tmp_path.glob("grader.db*"):
        file.unlink()
    (tmp_path / "grader.db").mkdir()
    answer = client.get("/api/v1/me")
    assert answer.status_code == 503
    assert answer.json()["error"]["fault"] == "operator"
    assert answer.json()["error"]["retried"] is True
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
