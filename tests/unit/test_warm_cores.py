"""Guests divided among the cores: each on one, and two on the same only where there are more guests than cores."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from grader.domain.run import RunResult
from tests.awaiting import until
from tests.fake_grader import assignment
from tests.fake_sandbox import COLLECTED, RUN
from tests.unit.test_warm_pool import BEGUN, FREE, WORK, Place, run
from worker.attempt import read_assignment
from worker.warm.cores import Cores, usable
from worker.warm.pool import Warm


def test_guests_are_spread_and_fill_what_was_left() -> None:
    cores = Cores({7, 4, 5}, slots=4)
    assert [cores.enter() for _ in range(4)] == [4, 5, 7, 4]
    cores.leave(5)
    assert [cores.enter() for _ in range(2)] == [5, 5]


def test_one_that_waits_is_preferred_among_equals_alone() -> None:
    cores = Cores((0, 1, 2), slots=2)
    assert cores.enter(waiting=[2]) == 2
    assert cores.enter(waiting=[2]) == 0
    assert cores.enter(waiting=[2, 0]) == 1


def test_who_waits_is_spread_first_and_then_away_from_work() -> None:
    cores = Cores((0, 1), slots=2)
    assert cores.for_waiting([]) == 0
    assert cores.for_waiting([0, 1, 1]) == 0
    assert cores.enter() == 0
    assert cores.for_waiting([]) == 1
    assert cores.for_waiting([1]) == 0


@pytest.mark.parametrize(("cores", "slots"), [((3,), 8), ((0, 1), 1), ((), 1)])
def test_nothing_is_divided_where_there_is_nothing_to_divide(cores: tuple[int, ...], slots: int) -> None:
    every = Cores(cores, slots)
    assert [every.enter(), every.enter([None]), every.for_waiting([None])] == [None] * 3
    every.leave(None)


def test_many_threads_at_once_are_spread_as_well() -> None:
    cores = Cores(range(4), slots=32)
    found: list[int | None] = []
    threads = [threading.Thread(target=lambda: found.append(cores.enter())) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(found) == dict.fromkeys(range(4), 8)


def test_this_process_may_use_a_core() -> None:
    assert usable()


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def warm(place: Place) -> Iterator[Warm]:
    with Warm(place, slots=2, cores=(0, 1)) as pool:
        pool.prepare(WORK)
        until(lambda: pool.waiting(WORK) == (1, 2))
        yield pool


def used(place: Place) -> list[int | None]:
    """The cores of the guests that had orders, in the order in which they were started."""
    return [guest.core for guest in place.guests if guest.fed]


def under_way(warm: Warm, place: Place) -> tuple[threading.Thread, list[RunResult]]:
    """The first job: its judge has begun with it and says no more, its guest has its order."""
    judge = place.waiting_judges[0]
    judge.answers = [BEGUN, COLLECTED]
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(warm)))
    thread.start()
    until(lambda: used(place) == [0])
    return thread, results


def finish(place: Place, job: tuple[threading.Thread, list[RunResult]]) -> None:
    place.waiting_judges[0].say(*RUN[1:], FREE)
    job[0].join(20)
    assert job[1][0].report is not None


def test_two_who_wait_are_on_two_cores_and_judges_on_any(warm: Warm, place: Place) -> None:
    assert [guest.core for guest in place.guests] == [0, 1]
    assert [judge.core for judge in place.waiting_judges] == [None]


def test_a_job_beside_another_gets_the_other_core(warm: Warm, place: Place) -> None:
    job = under_way(warm, place)
    for _ in range(3):  # the first is cold: the only judge has work
        assert run(warm).report is not None
    finish(place, job)
    assert Counter(used(place)) == {0: 1, 1: 3}
    assert {one.core for one in place.cold_judges + place.waiting_judges} == {None}


def test_who_takes_down_its_guest_stays_on_its_core(warm: Warm, place: Place) -> None:
    job = under_way(warm, place)
    warm.cores.enter()  # somebody works on the other core
    place.waiting_judges[0].say(*[{"event": "guest", "token": "t"}] * 3)
    finish(place, job)
    assert used(place) == [0] * 4


def test_what_could_not_be_started_works_nowhere(warm: Warm, place: Place) -> None:
    for guest in place.guests:
        guest.end()
    place.no_guests = True
    for _ in range(3):
        assert run(warm).report is None
    place.no_guests = False
    assert warm.cores.enter() == 0
    assert run(warm).report is not None
    assert used(place) == [1]


def test_a_joined_run_has_a_core_too(warm: Warm, place: Place) -> None:
    joined = read_assignment(assignment(isolation="joined"))
    for _ in range(2):
        assert run(warm, joined).report is not None
    warm.cores.enter()
    assert run(warm, joined).report is not None
    assert [one.core for one in place.cold_judges] == [0, 0, 1]


def test_one_slot_leaves_every_core_to_its_guest(place: Place) -> None:
    with Warm(place, slots=1, cores=(0, 1)) as pool:
        assert run(pool).report is not None
        until(lambda: pool.waiting(WORK) == (1, 1))
        assert run(pool).report is not None
    assert {guest.core for guest in place.guests} == {None}


def test_idle_cores_are_those_nobody_works_on() -> None:
    for cores in (Cores((0, 1, 2), slots=2), Cores((0, 1, 2), slots=1)):
        assert cores.idle == 3
        mine = [cores.enter() for _ in range(4)]
        assert cores.idle == 0
        for core in mine:
            cores.leave(core)
        assert cores.idle == 3


def test_who_runs_in_the_background_is_in_nobodys_way() -> None:
    cores = Cores((0, 1), slots=2)
    assert cores.enter() == 0
    assert cores.enter(background=True) == 1
    assert cores.idle == 0
    assert cores.enter() == 1  # nobody works there but in the background
    assert cores.enter(background=True) == 0
    for core in (0, 1):
        cores.leave(core)
        cores.leave(core, background=True)
    assert cores.idle == 2
