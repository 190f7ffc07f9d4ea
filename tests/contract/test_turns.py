"""Whose job is next, on SQLite and on Postgres."""

from grader.adapters.sql_store import SqlStore
from grader.domain.errors import Fault
from grader.domain.job import JobState, Lane
from tests.contract.desk import GRADED, NOW, RULES, Desk


def test_everybodys_first_job_goes_before_anybodys_second(store: SqlStore, desk: Desk) -> None:
    many = [desk.hand_in("amy", at=NOW + n, lab=f"lab{n}")[1].id for n in range(5)]
    late = desk.hand_in("bob", at=NOW + 90)[1].id
    last = desk.hand_in("cat", at=NOW + 91)[1].id
    order = [job_id for job_id, _ in store.jobs.offer({"cpu": 7}, NOW + 100)]
    assert order == [many[0], late, last, *many[1:]]


def test_what_somebody_has_running_is_their_turn(store: SqlStore, desk: Desk) -> None:
    desk.running("amy", lab="one")
    second = desk.hand_in("amy", at=NOW, lab="two")[1].id
    others = desk.hand_in("bob", at=NOW + 50)[1].id
    assert [job_id for job_id, _ in store.jobs.offer({"cpu": 9}, NOW + 60)] == [others, second]


def test_runs_of_the_past_hour_are_turns(store: SqlStore, desk: Desk) -> None:
    """Amy pushes all the time: what she pushed first today waits for those who were given fewer runs lately."""
    for n in range(2):
        assert store.jobs.finish(desk.running("amy", at=NOW + n, lab="one").id, 1, GRADED, NOW + n)
    assert store.jobs.finish(desk.running("bob", at=NOW + 2).id, 1, GRADED, NOW + 2)
    amys, bobs = (desk.hand_in(login, at=NOW + 3 + n, lab="two")[1].id for n, login in enumerate(("amy", "bob")))
    cats = [desk.hand_in("cat", at=NOW + 5 + n, lab=f"lab{n}")[1].id for n in range(3)]
    fair = [cats[0], bobs, cats[1], amys, cats[2]]
    assert list(store.jobs.line("cpu", NOW + 9, RULES).places) == fair
    assert [job_id for job_id, _ in store.jobs.offer({"cpu": 9}, NOW + 9)] == fair


def test_a_run_is_a_turn_for_an_hour(store: SqlStore, desk: Desk) -> None:
    """So nobody starves, whoever comes."""
    assert store.jobs.finish(desk.running("amy", lab="one").id, 1, GRADED, NOW + 1)
    amys = desk.hand_in("amy", at=NOW + 1800)[1].id
    bobs = desk.hand_in("bob", at=NOW + 1801)[1].id
    assert list(store.jobs.line("cpu", NOW + 3599, RULES).places) == [bobs, amys]
    assert list(store.jobs.line("cpu", NOW + 3600, RULES).places) == [amys, bobs]
    assert store.jobs.offer({"cpu": 1}, NOW + 3600) == [(amys, "cpu")]


def test_a_run_is_a_turn_in_its_own_queue_and_lane(store: SqlStore, desk: Desk) -> None:
    """A rerun, which a grader wanted, puts nobody behind; nor does a run on the GPU."""
    for how in ({"lane": Lane.RERUN}, {"queue": "gpu"}):
        assert store.jobs.finish(desk.running("amy", lab="one", **how).id, 1, GRADED, NOW)
    amys = desk.hand_in("amy", at=NOW + 1)[1].id
    bobs = desk.hand_in("bob", at=NOW + 2)[1].id
    assert list(store.jobs.line("cpu", NOW + 3, RULES).places) == [amys, bobs]


def test_what_we_lost_is_nobodys_turn_and_what_they_cancelled_is_theirs(store: SqlStore, desk: Desk) -> None:
    dead = desk.running("amy", lab="one", max_attempts=1)
    assert store.jobs.give_back(dead.id, 1, Fault.US, "it broke", NOW, RULES) is JobState.DEAD
    retried = desk.running("amy", lab="two")
    assert store.jobs.give_back(retried.id, 1, Fault.US, "it broke", NOW, RULES) is JobState.QUEUED
    cancelled = desk.running("bob", lab="one")
    store.jobs.cancel(cancelled.id, NOW)
    assert store.jobs.stopped(cancelled.id, 1, NOW)
    bobs = desk.hand_in("bob", at=NOW - 1, lab="two")[1].id
    cats = desk.hand_in("cat", at=NOW + 1)[1].id
    assert list(store.jobs.line("cpu", NOW + 9, RULES).places) == [retried.id, cats, bobs]


def test_what_the_broker_has_goes_first(store: SqlStore, desk: Desk) -> None:
    first = desk.hand_in("amy", lab="one")[1].id
    assert store.jobs.finish(desk.running("bob", lab="one").id, 1, GRADED, NOW)
    offered = desk.hand_in("bob", at=NOW + 1)[1].id
    assert store.jobs.offer({"cpu": 2}, NOW + 1) == [(first, "cpu"), (offered, "cpu")]
    late = desk.hand_in("cat", at=NOW + 2)[1].id
    assert list(store.jobs.line("cpu", NOW + 3, RULES).places) == [first, offered, late]


def test_lanes_are_served_in_order_and_queues_apart(store: SqlStore, desk: Desk) -> None:
    bulk = desk.hand_in("amy", at=NOW, lane=Lane.BULK, lab="a")[1].id
    rerun = desk.hand_in("bob", at=NOW + 1, lane=Lane.RERUN)[1].id
    now = desk.hand_in("cat", at=NOW + 2)[1].id
    gpu = desk.hand_in("cat", at=NOW + 3, queue="gpu", lab="b")[1].id
    assert list(store.jobs.line("cpu", NOW + 5, RULES).places) == [now, rerun, bulk]
    assert store.jobs.offer({"gpu": 3}, NOW + 5) == [(gpu, "gpu")]
    assert [job_id for job_id, _ in store.jobs.offer({"cpu": 2}, NOW + 5)] == [now, rerun]
