"""The worker's half of the conversation: what it sends, what it makes of each answer, and how long it insists."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from grader.domain.errors import Fault
from grader.domain.run import RunResult
from tests.fake_grader import WORKER_TOKEN, FakeGrader
from worker import client as client_module
from worker.client import Claim, GraderClient, GraderDown, NotOurs, NotUnderstood

RESULT = RunResult(b'{"tests": []}', "fake", "split", 1.5, None, "", stages={"tests": 0.5})


@pytest.fixture
def grader() -> Iterator[FakeGrader]:
    found = FakeGrader()
    yield found
    found.down()


@pytest.fixture
def client(grader: FakeGrader) -> Iterator[GraderClient]:
    with GraderClient(grader.url, WORKER_TOKEN) as found:
        yield found


def test_a_claim_is_read(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    assert (claim.job_id, claim.attempt, claim.token, claim.lease_s) == ("job-1", 1, "job-token", 0.3)
    bundle = {path: base64.b64decode(text) for path, text in grader.assignment["bundle"].items()}
    assert claim.assignment == grader.assignment | {"bundle": bundle}


def test_a_bundle_is_sent_once(grader: FakeGrader, client: GraderClient) -> None:
    first = client.claim("job-1", "me", ["cpu"]).assignment
    grader.assignment["bundle"] = None
    assert client.claim("job-2", "me", ["cpu"]).assignment == first
    grader.assignment["spec"] = "6" * 64
    with pytest.raises(NotUnderstood):  # it never had that one
        client.claim("job-3", "me", ["cpu"])
    assert [call.body["known"] for call in grader.told("claim")] == [[], ["5" * 64], ["5" * 64]]


def test_the_oldest_bundle_is_forgotten(
    grader: FakeGrader, client: GraderClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_BUNDLES", 2)
    for digest in ("1", "2", "3"):
        grader.assignment["spec"] = digest
        client.claim("job-1", "me", ["cpu"])
    client.claim("job-1", "me", ["cpu"])
    assert grader.told("claim")[-1].body["known"] == ["2", "3"]
    assert grader.told("claim")[0].body == {"worker": "me", "queues": ["cpu"], "known": []}


@pytest.mark.parametrize("status", [401, 404, 409])
def test_a_refusal_says_that_it_is_not_ours(grader: FakeGrader, client: GraderClient, status: int) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    for what in ("claim", "beat", "events", "result", "stopped"):
        grader.always(what, (status, None))
    with pytest.raises(NotOurs):
        client.claim("job-1", "me", ["cpu"])
    for call in (client.beat, lambda c: client.events(c, []), lambda c: client.result(c, RESULT), client.stopped):
        with pytest.raises(NotOurs):
            call(claim)


def test_an_unwell_grader_is_asked_again(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    grader.say("result", (503, None), (500, {"error": {}}), (429, None))
    assert client.result(claim, RESULT) == "graded"
    assert len(grader.told("result")) == 4


def test_patience_ends(grader: FakeGrader, client: GraderClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PATIENCE_S", 0.2)
    claim = client.claim("job-1", "me", ["cpu"])
    grader.down()
    with pytest.raises(GraderDown):
        client.result(claim, RESULT)


def test_whoever_waits_to_try_again_can_be_hurried(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    grader.always("result", (503, None))
    ended = threading.Event()

    def deliver() -> None:
        with pytest.raises(GraderDown):
            client.result(claim, RESULT)
        ended.set()

    thread = threading.Thread(target=deliver)
    thread.start()
    grader.wait_for(lambda: grader.told("result"))
    client.hurry()
    assert ended.wait(5)
    thread.join()


def test_a_refused_body_is_not_sent_again(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    grader.say("result", (413, {"error": {"message": "too large"}}))
    with pytest.raises(NotUnderstood, match="too large"):
        client.result(claim, RESULT)


@pytest.mark.parametrize("answer", [None, [], {"attempt": 1}, {"attempt": "x", "token": "", "lease_s": 1}])
def test_a_claim_that_makes_no_sense_is_not_a_claim(grader: FakeGrader, client: GraderClient, answer: object) -> None:
    grader.say("claim", (200, answer))
    with pytest.raises(NotUnderstood):
        client.claim("job-1", "me", ["cpu"])


def test_a_beat_hears_of_a_cancel(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    grader.say("beat", (200, {"cancel": True}))
    assert client.beat(claim)
    assert not client.beat(claim)


def test_a_result_is_told_in_full(grader: FakeGrader, client: GraderClient) -> None:
    claim = client.claim("job-1", "me", ["cpu"])
    client.result(claim, replace(RESULT, canary=RESULT.report))
    client.result(claim, RunResult(None, "fake", "split", 0.5, Fault.OPERATOR, "no space"))
    first, second = (call.body for call in grader.told("result"))
    assert first.pop("events") == []
    assert first == {"report": "eyJ0ZXN0cyI6IFtdfQ==", "canary": "eyJ0ZXN0cyI6IFtdfQ==", "sandbox": "fake",
                     "isolation": "split", "duration_s": 1.5, "fault": None, "problem": "",
                     "stages": {"tests": 0.5}}  # fmt: skip
    assert (second["report"], second["canary"]) == (None, None)
    assert (second["fault"], second["problem"]) == ("operator", "no space")


def test_what_a_submission_says_cannot_break_the_message(grader: FakeGrader, client: GraderClient) -> None:
    claim = Claim("job-1", 1, "job-token", 1.0, {})
    client.events(claim, [{"event": "test", "text": "lone \ud800", "duration_s": float("nan"), "more": float("inf")}])
    assert grader.events() == [{"event": "test", "text": "lone \ud800", "duration_s": None, "more": None}]


def test_a_wrong_worker_token_is_told_apart(grader: FakeGrader) -> None:
    with GraderClient(grader.url, "wrong") as client, pytest.raises(NotOurs) as caught:
        client.heartbeat({})
    assert caught.value.status == 401
