"""The line from an upload to a score, step by step, over a real store and a worker that is played by the test."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.errors import (
    Fault,
    NotAllowed,
    NotFound,
    Refused,
    TooOften,
    UnknownLab,
    UnreadableSubmission,
)
from grader.domain.job import Job, JobState, Lane
from grader.domain.people import CredentialKind, Role, Viewer
from grader.domain.run import RunResult
from grader.steps import access, courses, dispatch, intake, rerunning, running, viewing
from grader.steps.service import Bounds, Service
from tests.fakes import TOY, ListQueue, ManualClock, enrolled, make_service, stranger, worker_is_up

RIGHT = b"def double(x):\n    return 2 * x\n"


@pytest.fixture
def clock() -> ManualClock:
    """The time, standing still."""
    return ManualClock()


@pytest.fixture
def service(tmp_path: Path, clock: ManualClock) -> Iterator[Service]:
    """A course of toy labs, nobody in it."""
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    service = make_service(store, clock)
    courses.init_course(service, "toy", "Toys", str(TOY))
    yield service
    store.close()


@pytest.fixture
def amy(service: Service) -> Viewer:
    """A student."""
    return enrolled(service, "amy")


def hand_in(service: Service, viewer: Viewer, data: bytes = RIGHT, lab: str = "toy-1") -> intake.Receipt:
    return intake.submit(service, viewer, "toy", lab, name="starter.py", data=data, source="test")


def report(**outcomes: str) -> bytes:
    phases = {"setup": {"outcome": "passed"}, "teardown": {"outcome": "passed"}}
    tests = [
        {"nodeid": f"basics/labs/toy-1/test_lab.py::{name}", "outcome": outcome, "call": {"outcome": outcome}, **phases}
        for name, outcome in outcomes.items()
    ]
    return json.dumps({"tests": tests}).encode()


def ran(body: bytes | None, fault: Fault | None = None, problem: str = "") -> RunResult:
    return RunResult(body, "fake", "split", 0.25, fault, problem)


def claimed(service: Service, job: Job) -> Job:
    found = running.claim(service, job.id, "w1")
    assert found is not None
    return found.job


def test_a_submission_is_graded_under_the_spec_it_was_handed_in_for(service: Service, amy: Viewer) -> None:
    receipt = hand_in(service, amy)
    found = running.claim(service, receipt.job.id, "w1")
    assert found is not None
    assert found.files.files == {"starter.py": RIGHT}
    assert found.spec.lab.id == "toy-1"
    assert f"{found.spec.lab_path}/test_lab.py" in found.spec.bundle
    assert not any(path.endswith("starter.py") for path in found.spec.bundle)
    state = running.accept(service, found.job, ran(report(test_double="passed", test_total="failed")))
    assert state is JobState.GRADED
    view = viewing.view(service, amy, receipt.handin.id)
    assert view.score is not None
    assert (view.score.points, view.job.points, view.job.max_points) == (6, 6, 10)
    assert [finding.tests for finding in view.findings] == [("test_total",)]


@pytest.mark.parametrize("fault", [Fault.US, Fault.OPERATOR])
def test_our_fault_is_retried_and_costs_nothing(service: Service, amy: Viewer, fault: Fault) -> None:
    receipt = hand_in(service, amy)
    job = claimed(service, receipt.job)
    assert running.accept(service, job, ran(None, fault, "the disk is full")) is JobState.QUEUED
    told = service.store.jobs.events(job.id)[-1]
    assert (told.kind, told.data["fault"], told.data["problem"]) == ("requeued", str(fault), "the disk is full")
    again = claimed(service, receipt.job)
    assert running.accept(service, again, ran(report(test_double="passed", test_total="passed"))) is JobState.GRADED


def test_a_labs_own_fault_fails_at_once_and_scores_nothing(service: Service, amy: Viewer) -> None:
    receipt = hand_in(service, amy)
    job = claimed(service, receipt.job)
    assert running.accept(service, job, ran(None, Fault.LAB_AUTHOR, "the spec hangs")) is JobState.FAILED
    view = viewing.view(service, amy, receipt.handin.id)
    assert (view.job.fault, view.job.points, view.score) == (Fault.LAB_AUTHOR, None, None)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"tests": []}', b'{"tests": [{"nodeid": "x::y", "outcome": "passed"}]}']
)
def test_a_report_that_says_nothing_of_the_lab_is_ours_to_mend(service: Service, amy: Viewer, body: bytes) -> None:
    receipt = hand_in(service, amy)
    for attempt in range(1, receipt.job.max_attempts + 1):
        service.store.jobs.offer({"cpu": 1}, service.clock() + 1e6)
        state = running.accept(service, claimed(service, receipt.job), ran(body))
        assert state is (JobState.DEAD if attempt == receipt.job.max_attempts else JobState.QUEUED)


def test_a_result_counts_once(service: Service, amy: Viewer) -> None:
    job = claimed(service, hand_in(service, amy).job)
    assert running.accept(service, job, ran(report(test_double="passed"))) is JobState.GRADED
    assert running.accept(service, job, ran(report(test_double="failed"))) is None


def test_watchers_hear_cleaned_events_of_listed_tests(service: Service, amy: Viewer) -> None:
    job = claimed(service, hand_in(service, amy).job)
    hostile = {"message": "\x1b[31mred\u202e", "cause": "x"}
    raw = [
        {"event": "collected", "tests": ["test_double", "test_total"]},
        {"event": "test", "test": "test_double", "outcome": "passed", "duration_s": float("nan")},
        {"event": "test", "test": "test_total", "outcome": "failed", "verdict": "timed_out", "diagnosis": hostile},
        {"event": "test", "test": "test_forged", "outcome": "passed"},
        {"event": "guest", "token": "secret"},
        {"event": "test", "test": ["no"], "outcome": 3},
    ]
    assert running.tell(service, job, raw)
    told = [(e.kind, e.data) for e in service.store.jobs.events(job.id, after=2)]
    assert [kind for kind, _ in told] == ["collected", "test", "test"]
    assert told[0][1] == {"tests": 2}
    assert (told[1][1]["verdict"], told[1][1]["points"], told[1][1]["duration_s"]) == ("passed", 6, 0)
    assert (told[2][1]["verdict"], told[2][1]["points"], told[2][1]["message"]) == ("timed_out", 0, "red")


def test_the_same_program_gets_the_same_seed_and_another_one_another(service: Service, amy: Viewer) -> None:
    first = hand_in(service, amy).job
    assert hand_in(service, amy, RIGHT + b"# a comment\n").job.seed == first.seed
    assert hand_in(service, enrolled(service, "bob")).job.seed == first.seed
    assert hand_in(service, amy, RIGHT + b"y = 1\n").job.seed != first.seed


def test_handed_in_twice_it_is_graded_once(service: Service, amy: Viewer) -> None:
    first = hand_in(service, amy)
    second = hand_in(service, amy)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.handin == first.handin


def test_who_hands_in_too_often_is_told_when_to_come_back(tmp_path: Path, clock: ManualClock) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'often.db'}")
    store.migrate()
    service = make_service(store, clock, bounds=Bounds(submissions_per_minute=2, submissions_per_hour=3))
    courses.init_course(service, "toy", "Toys", str(TOY))
    amy = enrolled(service, "amy")
    for n in range(2):
        hand_in(service, amy, b"x = %d" % n)
    with pytest.raises(TooOften, match="2 times in the last 1 min") as refused:
        hand_in(service, amy, b"x = 3")
    assert refused.value.retry_after_s == 30
    assert hand_in(service, amy, b"x = 1").duplicate  # what was accepted may be asked for again
    clock.passes(61)
    hand_in(service, amy, b"x = 3")
    clock.passes(61)
    with pytest.raises(TooOften, match="in the last 60 min"):
        hand_in(service, amy, b"x = 4")
    store.close()


@pytest.mark.parametrize(
    ("lab", "data", "error"),
    [("toy-9", RIGHT, UnknownLab), ("", RIGHT, UnknownLab), ("toy-1", b"", UnreadableSubmission)],
)
def test_what_cannot_be_graded_is_refused_and_not_kept(
    service: Service, amy: Viewer, lab: str, data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        hand_in(service, amy, data, lab)
    assert service.store.submissions.page("toy") == []


def test_a_student_sees_their_own_and_a_grader_everybodys(service: Service, amy: Viewer) -> None:
    handin = hand_in(service, amy).handin
    assert viewing.visible(service, amy, handin.id) == handin
    assert viewing.visible(service, enrolled(service, "gina", Role.GRADER), handin.id) == handin
    for other in (enrolled(service, "bob"), stranger()):
        with pytest.raises(NotFound, match="no such submission"):
            viewing.visible(service, other, handin.id)
    bob = enrolled(service, "bob")
    asked = {"person_id": amy.person.id, "lab": None, "before": "", "limit": 10}
    assert viewing.handed_in(service, bob, "toy", **asked) == []  # type: ignore[arg-type]
    assert len(viewing.handed_in(service, enrolled(service, "gina", Role.GRADER), "toy", **asked)) == 1  # type: ignore[arg-type]


def test_a_stranger_cannot_hand_in(service: Service) -> None:
    with pytest.raises(NotFound, match="no course"):
        hand_in(service, stranger())


def test_a_grader_reruns_behind_what_students_wait_for(service: Service, amy: Viewer) -> None:
    grader = enrolled(service, "gina", Role.GRADER)
    receipt = hand_in(service, amy)
    with pytest.raises(NotAllowed):
        rerunning.rerun(service, amy, receipt.handin.id)
    with pytest.raises(Refused, match="being graded already"):
        rerunning.rerun(service, grader, receipt.handin.id)
    running.accept(service, claimed(service, receipt.job), ran(None, Fault.LAB_AUTHOR, "the spec hangs"))
    again = rerunning.rerun(service, grader, receipt.handin.id)
    assert isinstance(again, Job)  # with a score it would be a rerun: test_reruns
    waiting = hand_in(service, enrolled(service, "bob"), b"x = 1").job
    assert again.lane is Lane.RERUN
    assert again.seed == receipt.job.seed
    assert list(service.store.jobs.line("cpu", service.clock(), service.rules).places) == [waiting.id, again.id]
    assert "rerun" in [entry["action"] for entry in service.store.operations.audit("toy")]


def test_cancelling_ends_a_waiting_job_and_asks_a_running_one_to_stop(service: Service, amy: Viewer) -> None:
    receipt = hand_in(service, amy)
    with pytest.raises(NotFound):
        rerunning.cancel(service, enrolled(service, "bob"), receipt.handin.id)
    assert rerunning.cancel(service, amy, receipt.handin.id).state is JobState.CANCELLED
    with pytest.raises(Refused, match="cancelled already"):
        rerunning.cancel(service, amy, receipt.handin.id)
    job = claimed(service, hand_in(service, amy, b"x = 1").job)
    assert rerunning.cancel(service, amy, job.submission_id).cancel_requested
    assert running.beat(service, job).cancel
    assert running.stopped(service, job)


def test_links_open_once_and_tokens_are_limited(service: Service, amy: Viewer) -> None:
    link = courses.login_link(service, "amy")
    assert access.redeem_link(service, link) == amy.person
    with pytest.raises(NotAllowed, match="has been used"):
        access.redeem_link(service, link)
    tokens = [access.issue(service, amy.person, CredentialKind.TOKEN, "t") for _ in range(access.MOST_TOKENS)]
    with pytest.raises(Refused, match="50 tokens"):
        access.issue(service, amy.person, CredentialKind.TOKEN, "t")
    assert len({token.secret for token in tokens}) == access.MOST_TOKENS
    assert tokens[0].secret not in repr(tokens[0])
    assert access.holder(service, tokens[0].secret, CredentialKind.TOKEN) == amy
    assert access.holder(service, tokens[0].secret, CredentialKind.SESSION) is None


def test_only_new_people_get_a_link(service: Service) -> None:
    row = courses.Enrolment("dan", "Dan", "dan@example.org", Role.STUDENT, "B")
    ((dan, link),) = courses.enrol(service, "toy", [row])
    assert link is not None
    assert courses.enrol(service, "toy", [row]) == [(dan, None)]
    with pytest.raises(Refused, match="cannot be a login"):
        courses.enrol(service, "toy", [row, courses.Enrolment("=cmd()", "x", "", Role.STUDENT)])


def test_the_dispatcher_offers_twice_what_workers_can_run(service: Service, clock: ManualClock) -> None:
    queue = ListQueue()
    jobs = []
    for n in range(6):
        jobs.append(hand_in(service, enrolled(service, f"s{n}"), b"x = %d" % n).job)
        clock.passes(1)
    dispatch.tick(service, queue)
    assert queue.offered == []  # nobody is there to run anything
    worker_is_up(service, slots=2)
    dispatch.tick(service, queue)
    assert queue.offered == [(job.id, "cpu") for job in jobs[:4]]
    claimed(service, jobs[0])
    dispatch.tick(service, queue)
    assert len(queue.offered) == 4


def test_a_gpu_labs_job_is_offered_to_workers_of_its_queue_alone(service: Service, amy: Viewer) -> None:
    queue = ListQueue()
    job = hand_in(service, amy).job
    gpu = replace(job, id="gpu-job", queue="gpu", lane=Lane.BULK)
    service.store.jobs.add(gpu)
    worker_is_up(service, slots=9)
    dispatch.tick(service, queue)
    assert queue.offered == [(job.id, "cpu")]
    worker_is_up(service, queue="gpu", name="with a gpu")
    dispatch.tick(service, queue)
    assert queue.offered == [(job.id, "cpu"), (gpu.id, "gpu")]


def test_a_broker_that_is_down_loses_nothing(service: Service, amy: Viewer) -> None:
    queue = ListQueue()
    job = hand_in(service, amy).job
    worker_is_up(service)
    queue.down = True
    dispatch.tick(service, queue)
    queue.down = False
    dispatch.tick(service, queue)
    assert queue.offered == [(job.id, "cpu")]


def test_a_lost_message_is_sent_again_and_a_lost_worker_replaced(
    service: Service, amy: Viewer, clock: ManualClock
) -> None:
    queue = ListQueue()
    job = hand_in(service, amy).job
    for _ in range(2):
        worker_is_up(service)
        dispatch.tick(service, queue)
        clock.passes(service.rules.offer_s + 1)
    assert queue.offered == [(job.id, "cpu")] * 2
    claimed(service, job)
    clock.passes(service.rules.lease_s + 1)
    assert [lost.dead for lost in dispatch.reconcile(service)] == [False]
    clock.passes(service.rules.retry_s + 1)
    worker_is_up(service)
    dispatch.tick(service, queue)
    assert queue.offered == [(job.id, "cpu")] * 3


def test_a_poison_job_ends_and_blocks_nobody(service: Service, amy: Viewer, clock: ManualClock) -> None:
    poison = hand_in(service, amy).job
    for _ in range(service.rules.max_attempts):
        clock.passes(service.rules.lease_s + 100)
        dispatch.reconcile(service)
        claimed(service, poison)
    clock.passes(service.rules.lease_s + 1)
    assert [lost.dead for lost in dispatch.reconcile(service)] == [True]
    assert service.store.operations.figures(clock()).outcomes == {"dead": 1}
    view = viewing.view(service, amy, poison.submission_id)
    assert (view.job.state, view.job.fault) == (JobState.DEAD, Fault.US)


def test_a_place_in_the_line_is_told_while_a_job_waits(service: Service, amy: Viewer, clock: ManualClock) -> None:
    first = hand_in(service, enrolled(service, "bob"), b"x = 0")
    clock.passes(1)
    receipt = hand_in(service, amy)
    worker_is_up(service)
    place = viewing.view(service, amy, receipt.handin.id).place
    assert place is not None
    assert (place.ahead, place.waiting) == (1, 2)
    claimed(service, first.job)
    claimed(service, receipt.job)
    assert viewing.view(service, amy, receipt.handin.id).place is None


def test_a_changed_lab_is_taken_up_for_new_submissions_alone(service: Service, amy: Viewer, tmp_path: Path) -> None:
    before = hand_in(service, amy).job
    copy = tmp_path / "course"
    for file in TOY.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            target = copy / file.relative_to(TOY)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    spec = copy / "basics" / "labs" / "toy-1" / "test_lab.py"
    spec.write_text(spec.read_text(encoding="utf-8") + "\n# stricter\n", encoding="utf-8")
    assert courses.init_course(service, "toy", "Toys", str(copy)) == ["toy-1"]
    after = hand_in(service, amy).job
    assert after.spec_digest != before.spec_digest
    found = viewing.the_spec(service, before.spec_digest)
    assert b"stricter" not in found.bundle[f"{found.lab_path}/test_lab.py"]


def test_an_alarm_rings_once_before_a_student_asks(
    service: Service, amy: Viewer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = hand_in(service, amy)
    assert dispatch.look(service, frozenset()) == frozenset()
    clock.passes(60)
    known = dispatch.look(service, frozenset())
    assert known == {"unserved"}
    assert dispatch.look(service, known) == known
    assert [record.message for record in caplog.records] == [
        "alarm: No worker serves the cpu queue, where 1 job waits. "
        "Start one: grader worker --queues cpu. Nothing is lost meanwhile."
    ]
    worker_is_up(service)
    assert dispatch.look(service, known) == frozenset()
    clock.passes(1000)
    worker_is_up(service)
    assert dispatch.look(service, frozenset()) == {"stuck"}
    for _ in range(service.rules.max_attempts):
        claimed(service, receipt.job)
        clock.passes(1000)
        dispatch.reconcile(service)
    assert dispatch.look(service, frozenset()) == {"given-up"}
    rerunning.rerun(service, enrolled(service, "gina", Role.GRADER), receipt.handin.id)
    assert dispatch.look(service, frozenset()) == frozenset()
