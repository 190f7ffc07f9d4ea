"""The real dispatcher over simulated workers: whoever pushes all the time does not make the others wait."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.job import JobState
from grader.steps import dispatch
from tests.contract.grading import LABS, NOW, Class, earning
from tests.fakes import ListQueue, ManualClock, make_service, worker_is_up

SPAMMER, STUDENTS = "spammer", 3
#: The spammer hands in for every lab each time; one run at a time, each as long as that. Seconds.
RUN_S, WHOLE_S = 1.0, 12


@dataclass
class Pushed:
    """A push: when, whose, for what; when it was over, and whether it ran."""

    at: float
    login: str
    lab: str
    ended: float = 0.0


def pushes(every_s: int) -> list[Pushed]:
    """Each student's one, right after some of a spammer's many."""
    spam = [Pushed(at, SPAMMER, lab) for at in range(0, WHOLE_S, every_s) for lab in LABS]
    return sorted([*spam, *(Pushed(4 * n + 0.5, f"student{n}", LABS[n]) for n in range(STUDENTS))], key=lambda p: p.at)


def first_come(made: list[Pushed]) -> None:
    """One run each, in the order of arrival."""
    free = 0.0
    for push in made:
        free = push.ended = max(push.at, free) + RUN_S


def dispatched(made: list[Pushed], school: Class, store: SqlStore) -> int:
    """By the dispatcher, whose worker runs one at a time; how many ran."""
    clock, queue = ManualClock(NOW), ListQueue()
    service = make_service(store, clock)
    service = replace(service, rules=replace(service.rules, worker_silent_s=10 * WHOLE_S))  # it says so once
    worker_is_up(service, slots=1)
    by_job: dict[str, Pushed] = {}
    coming, running, ran, free_at = list(made), "", 0, float("inf")
    while coming or running or queue.offered:
        if running and (not coming or free_at <= coming[0].at):
            clock.now = NOW + free_at
            assert store.jobs.finish(running, 1, earning(10), clock.now)
            by_job[running].ended, running, ran = free_at, "", ran + 1
        elif coming:
            push = coming.pop(0)
            clock.now = NOW + push.at
            by_job[school.hand_in(push.login, push.lab, clock.now).id] = push
        dispatch.tick(service, queue)
        while not running and queue.offered:
            job_id, _ = queue.offered.pop(0)
            if store.jobs.claim(job_id, "w1", f"{job_id:>064}", clock.now, service.rules) is not None:
                running, free_at = job_id, clock.now - NOW + RUN_S
    return ran


def waits(made: list[Pushed]) -> list[float]:
    """Of the students, from the push to its verdict."""
    assert all(push.ended for push in made if push.login != SPAMMER), "everybody was graded"
    return [push.ended - push.at for push in made if push.login != SPAMMER]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Class]:
    """The course with the students and the spammer."""
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    found = Class(store)
    for login in (SPAMMER, *(f"student{number}" for number in range(STUDENTS))):
        found.ids[login] = found.join(login)
    yield found
    store.close()


def test_somebodys_first_job_goes_before_anybodys_second(school: Class) -> None:
    """Behind the spammer's that runs and the one that the broker has already; before the third."""
    fair, fifo = pushes(every_s=4), pushes(every_s=4)
    first_come(fifo)
    assert dispatched(fair, school, school.store) == len(fair)
    assert waits(fair) == [2.5 * RUN_S] * STUDENTS
    assert waits(fifo) == [3.5 * RUN_S] * STUDENTS


def test_what_its_author_has_replaced_makes_nobody_wait(school: Class) -> None:
    fair, fifo = pushes(every_s=1), pushes(every_s=1)
    first_come(fifo)
    ran = dispatched(fair, school, school.store)
    assert max(waits(fair)) <= 4 * RUN_S
    assert max(waits(fifo)) > 5 * max(waits(fair))
    assert ran < len(fair) * 2 / 3
    last = {push.lab: push for push in fair if push.login == SPAMMER}
    assert all(push.ended for push in last.values()), "the spammer's last ones are graded too"
    states = {row.job.state for row in school.store.submissions.page("c", person_id=None, lab=None, limit=500)}
    assert states == {JobState.GRADED, JobState.SUPERSEDED}
