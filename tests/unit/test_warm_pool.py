"""The pool: who is taken, who is replaced, and that whatever is broken in it costs time and nothing else."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from grader.domain.errors import Fault
from grader.domain.run import Assignment, Event, RunResult
from tests.awaiting import until
from tests.fake_grader import assignment
from tests.fake_sandbox import COLLECTED, PASSED, RUN, FakeRunning, FakeSandbox
from worker import supervisor
from worker.attempt import read_assignment
from worker.cancellation import Cancellation
from worker.limits import Limits
from worker.sandbox import Role, SandboxError
from worker.warm import bench, sizing
from worker.warm import judge as warm_judge
from worker.warm.pool import Warm

BEGUN = {"event": "begun"}
FREE = {"event": "free", "sockets": ["/channel/secret"]}


class Process(FakeRunning):
    """A judge or guest of the pool, on one `core` alone or on any; `answers` is what it says to each order."""

    def __init__(self, answers: Sequence[object] = (), core: int | None = None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.core = core
        self.closed = threading.Event()

    def feed(self, data: bytes, *, last: bool = False) -> None:
        super().feed(data, last=last)
        self.say(*self.answers)

    def close(self) -> None:
        self.closed.set()
        super().close()


class Place(FakeSandbox):
    """Judges that wait say `free`, and what `answers` holds to every order; those of one job alone say RUN."""

    def __init__(self, answers: Sequence[object] = (BEGUN, *RUN, FREE)) -> None:
        super().__init__()
        self.answers = list(answers)
        self.waiting_judges: list[Process] = []
        self.cold_judges: list[Process] = []
        self.guests: list[Process] = []
        self.no_guests = False
        self.no_cells = False

    @contextmanager
    def cell(self) -> Iterator["Place"]:
        if self.no_cells:
            raise SandboxError("no space left", "make some")
        with super().cell():
            yield self

    def start(
        self, role: Role, argv: Sequence[str], stdin: bytes, limits: Limits, *, more: bool = False
    ) -> FakeRunning:
        process = Process(self.answers if role is Role.JUDGE and more else (), limits.core)
        if role is Role.GUEST:
            if self.no_guests:
                raise SandboxError("no process left", "make some")
            self.guests.append(process)
        elif more:
            process.say(FREE)
            self.waiting_judges.append(process)
        else:
            process.say(*RUN)
            self.cold_judges.append(process)
        return process


WORK: Assignment = read_assignment(assignment())
OTHER: Assignment = replace(WORK, seed=8)


def run(warm: Warm, work: Assignment = WORK, cancellation: Cancellation | None = None) -> RunResult:
    return supervisor.run(work, warm, lambda event: None, cancellation)


@pytest.fixture
def place() -> Place:
    return Place()


@pytest.fixture
def warm(place: Place) -> Iterator[Warm]:
    with Warm(place, slots=2) as pool:
        pool.prepare(WORK)
        until(lambda: pool.waiting(WORK) == (1, 2))
        yield pool


def test_a_lab_is_cold_once_and_warm_from_then_on() -> None:
    place = Place()
    with Warm(place, slots=1) as pool:
        assert run(pool).fault is None
        assert (len(place.cold_judges), len(place.guests)) == (1, 1)
        until(lambda: pool.waiting(WORK) == (1, 1))
        events: list[Event] = []
        result = supervisor.run(OTHER, pool, events.append)
        assert (result.fault, json.loads(result.report or b"")) == (None, RUN[-1]["report"])
        assert [event["event"] for event in events] == ["collected", "test"]
        assert (len(place.cold_judges), len(place.waiting_judges)) == (1, 1)


def test_a_judge_serves_many_jobs_and_a_guest_one(warm: Warm, place: Place) -> None:
    for _ in range(5):
        until(lambda: warm.waiting(WORK) == (1, 2))
        assert run(warm).report is not None
    until(lambda: warm.waiting(WORK) == (1, 2))
    assert len(place.waiting_judges) == 1
    used = [guest for guest in place.guests if guest.fed]
    assert [len(guest.fed) for guest in used] == [1] * 5
    until(lambda: all(guest.closed.is_set() for guest in used))
    assert not any(guest.closed.is_set() for guest in place.guests if not guest.fed)


def test_the_judge_is_told_the_job_and_no_more(warm: Warm, place: Place) -> None:
    run(warm)
    (told,) = place.waiting_judges[0].fed
    assert json.loads(told[8:])["job"].keys() == {
        *("lab", "spec", "seed", "tests", "listed", "run_seconds", "measured", "history", "tokens", "took", "mark"),
    }
    assert b"def one" not in told  # the submission is not the judge's


def test_a_judge_is_told_how_long_tests_took_when_they_last_passed(warm: Warm, place: Place) -> None:
    def told() -> object:
        until(lambda: warm.waiting(WORK) == (1, 2))
        run(warm)
        return json.loads(place.waiting_judges[0].fed[-1][8:])["job"]["took"]

    failed = {**PASSED, "outcome": "failed", "duration_s": 9.0}
    judge = place.waiting_judges[0]
    assert told() == {}
    judge.answers = [BEGUN, COLLECTED, {**PASSED, "duration_s": 3.0}, RUN[-1], FREE]
    assert told() == {"test_one": PASSED["duration_s"]}
    judge.answers = [BEGUN, COLLECTED, failed, RUN[-1], FREE]
    assert told() == {"test_one": 3.0}
    assert told() == {"test_one": 3.0}


def test_another_lab_has_a_bench_of_its_own(warm: Warm, place: Place) -> None:
    changed = replace(WORK, bundle={**WORK.bundle, "tiny/test_lab.py": b"# another spec\n"})
    assert run(warm, changed).report is not None
    assert len(place.cold_judges) == 1
    until(lambda: warm.waiting(changed) == (1, 2))
    assert warm.waiting(WORK) == (1, 2)


def test_two_jobs_at_once_make_two_judges(warm: Warm, place: Place) -> None:
    place.waiting_judges[0].answers = [BEGUN, COLLECTED]
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(warm)))
    thread.start()
    until(lambda: bool(place.waiting_judges[0].fed))
    assert run(warm).report is not None  # cold: there was one judge
    place.waiting_judges[0].say(PASSED, RUN[-1], FREE)
    thread.join(20)
    assert results[0].report is not None
    until(lambda: warm.waiting(WORK) == (2, 2))


def test_a_job_waits_for_the_judge_that_the_last_one_gives_back(
    warm: Warm, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "RETURN_SECONDS", 60.0)
    judge = place.waiting_judges[0]
    judge.answers = [BEGUN, *RUN]  # not free yet
    assert run(warm).report is not None
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(warm)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    judge.say(FREE)
    thread.join(20)
    assert results[0].report is not None
    assert (len(judge.fed), place.cold_judges) == (2, [])
    judge.say(FREE)


def test_a_judge_that_does_not_come_back_is_not_waited_for_long(
    warm: Warm, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "RETURN_SECONDS", 0.05)
    place.waiting_judges[0].answers = [BEGUN, *RUN]
    assert run(warm).report is not None
    assert run(warm).report is not None
    assert len(place.cold_judges) == 1


BROKEN: dict[str, Callable[[Process], None]] = {
    "dead": lambda judge: judge.end(),
    "talking out of turn": lambda judge: judge.say({"event": "test"}),
}


@pytest.mark.parametrize("harm", BROKEN.values(), ids=BROKEN)
def test_a_judge_that_broke_while_it_waited_is_replaced_and_the_job_is_graded(
    warm: Warm, place: Place, harm: Callable[[Process], None]
) -> None:
    harm(place.waiting_judges[0])
    assert run(warm).report is not None
    assert len(place.cold_judges) == 1
    assert place.waiting_judges[0].closed.is_set()
    until(lambda: warm.waiting(WORK) == (1, 2))
    assert run(warm).report is not None
    assert len(place.cold_judges) == 1


REFUSALS = {
    "declines": [{"event": "declined"}, FREE],
    "says what is no event": [b"[1]"],
    "says what is no JSON": [b"\xff{"],
    "begins with something else": [COLLECTED, *RUN],
    "dies": [b""],
}


@pytest.mark.parametrize("said", REFUSALS.values(), ids=REFUSALS)
def test_a_judge_that_does_not_begin_leaves_the_job_to_another(warm: Warm, place: Place, said: list[object]) -> None:
    place.waiting_judges[0].answers = said
    events: list[Event] = []
    result = supervisor.run(WORK, warm, events.append)
    assert (result.fault, result.problem) == (None, "")
    assert [event["event"] for event in events] == ["collected", "test"]  # once
    assert len(place.cold_judges) == 1
    until(place.waiting_judges[0].closed.is_set)
    until(lambda: warm.waiting(WORK) == (1, 2))


def test_a_silent_judge_is_given_up(warm: Warm, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_judge, "BEGIN_SECONDS", 0.05)
    place.waiting_judges[0].answers = []
    assert run(warm).report is not None
    assert len(place.cold_judges) == 1


def test_a_judge_that_dies_in_a_job_is_the_jobs_end_as_ever(warm: Warm, place: Place) -> None:
    judge = place.waiting_judges[0]
    judge.answers = [BEGUN, COLLECTED]
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(warm)))
    thread.start()
    until(lambda: bool(judge.fed))
    judge.end()
    thread.join(20)
    assert (results[0].report, results[0].fault) == (None, Fault.US)
    assert place.cold_judges == []
    until(judge.closed.is_set)
    until(lambda: warm.waiting(WORK) == (1, 2))


def test_a_judge_that_is_not_free_after_its_report_is_replaced(warm: Warm, place: Place) -> None:
    place.waiting_judges[0].answers = [BEGUN, *RUN, COLLECTED]
    assert run(warm).report is not None
    until(place.waiting_judges[0].closed.is_set)
    until(lambda: warm.waiting(WORK) == (1, 2))


def test_a_cancelled_job_takes_its_judge_along(warm: Warm, place: Place) -> None:
    judge = place.waiting_judges[0]
    judge.answers = [BEGUN, COLLECTED]
    cancellation = Cancellation()
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(run(warm, cancellation=cancellation)))
    thread.start()
    until(lambda: bool(judge.fed))
    cancellation.cancel()
    thread.join(20)
    assert (results[0].report, results[0].fault, results[0].problem) == (None, None, supervisor.CANCELLED)
    assert judge.closed.is_set() or until(judge.closed.is_set)
    assert place.cold_judges == []


def test_a_judge_that_has_done_enough_goes(warm: Warm, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_judge, "MOST_JOBS", 2)
    for _ in range(2):
        until(lambda: warm.waiting(WORK)[0] == 1)
        assert run(warm).report is not None
    until(place.waiting_judges[0].closed.is_set)
    until(lambda: warm.waiting(WORK) == (1, 2))
    assert len(place.waiting_judges) == 2


def test_a_guest_that_died_while_it_waited_is_passed_over(warm: Warm, place: Place) -> None:
    for guest in place.guests:
        guest.end()
    assert run(warm).report is not None
    assert [bool(guest.fed) for guest in place.guests[:3]] == [False, False, True]
    assert place.guests[0].closed.is_set()
    assert place.guests[1].closed.is_set()


def test_a_replacement_comes_from_the_pool(warm: Warm, place: Place) -> None:
    place.waiting_judges[0].answers = [BEGUN, {"event": "guest", "token": "t"}, *RUN, FREE]
    assert run(warm).report is not None
    assert [bool(guest.fed) for guest in place.guests[:2]] == [True, True]
    until(place.guests[0].closed.is_set)


def test_without_a_guest_at_the_bench_the_job_starts_what_it_needs(warm: Warm, place: Place) -> None:
    for guest in place.guests:
        guest.end()
    place.no_guests = True
    result = run(warm)
    assert result.fault is Fault.OPERATOR  # as ever where no sandbox works
    place.no_guests = False
    assert run(warm).report is not None


def test_a_place_that_cannot_be_made_is_tried_again_later_and_jobs_go_on() -> None:
    place = Place()
    with Warm(place, slots=1) as pool:
        place.no_cells = True
        pool.prepare(WORK)
        until(lambda: not pool.wishing)
        place.no_cells = False
        assert run(pool).report is not None
        until(lambda: pool.waiting(WORK) == (1, 1))


def test_closing_leaves_nothing() -> None:
    before = threading.active_count()
    place = Place()
    pool = Warm(place, slots=2)
    run(pool)
    until(lambda: pool.waiting(WORK) == (1, 2))
    pool.close()
    pool.close()
    assert place.open == 0
    assert threading.active_count() == before
    assert run(pool).report is not None  # who comes too late is served cold
    assert pool.waiting(WORK) == (0, 0)
    assert place.open == 0


def test_a_pool_that_nobody_used_has_started_nothing() -> None:
    before = threading.active_count()
    place = Place()
    with Warm(place, slots=2):
        assert threading.active_count() == before
        assert place.open == 0


@pytest.mark.parametrize(
    ("slots", "lately", "idle", "room", "wanted"),
    [(2, 0, 0, 99, 2), (2, 10, 0, 99, 3), (2, 500, 0, 99, 4), (2, 500, 0, 1, 1), (2, 5, 901, 99, 0), (4, 0, 0, -1, 0)],
)
def test_guests_wanted(slots: int, lately: int, idle: float, room: int, wanted: int) -> None:
    assert sizing.guests_wanted(slots, lately, idle, room) == wanted


@pytest.mark.parametrize(
    ("idle", "tests", "streams"), [(2, 20, 2), (0, 20, 1), (16, 200, sizing.MOST_STREAMS), (2, 3, 1), (4, 9, 2)]
)
def test_streams_of_a_job(idle: int, tests: int, streams: int) -> None:
    assert sizing.streams(idle, tests) == streams


def test_judges_wanted() -> None:
    assert [sizing.judges_wanted(4, at_once, 0) for at_once in (0, 1, 3, 9)] == [1, 1, 3, 4]
    assert sizing.judges_wanted(4, 3, sizing.IDLE_SECONDS + 1) == 0


def test_memory_bounds_what_waits() -> None:
    assert sizing.room_for(0, "docker") == 0
    assert sizing.room_for(4096, "docker+runsc") < sizing.room_for(4096, "docker")
    assert sizing.available_mib() > 0


def test_a_lab_that_nobody_hands_in_for_keeps_nothing(
    warm: Warm, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "IDLE_SECONDS", 0.0)
    changed = replace(WORK, bundle={**WORK.bundle, "tiny/test_lab.py": b"# another spec\n"})
    run(warm, changed)  # wakes whoever tends
    until(lambda: warm.waiting(WORK) == (0, 0))
    until(lambda: place.open <= 1)
