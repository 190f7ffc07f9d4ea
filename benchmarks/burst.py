"""A deadline: 1,000 students push 3,000 times in ten minutes. How long each waits for the verdict on their last push.

The grader's own store and dispatcher decide what runs next, on a clock that is moved from one event to the next; only
the workers are simulated. Beside it the same pushes and run times, served first come, first served, each one run.
"""

import heapq
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import crowd
from benchmarks.history import quantile
from grader.adapters.sql_store import SqlStore
from grader.domain.course import Handin
from grader.domain.job import Job, JobState, Lane, Outcome
from grader.domain.submission import Submission
from grader.steps import dispatch
from tests.fakes import ListQueue, ManualClock, make_service, worker_is_up

STUDENTS, PUSHES, SECONDS = 1000, 3000, 600.0
#: Three students in a hundred push twenty times; the others share the rest. Later is likelier: Beta(4, 1).
SPAMMERS, SPAM = 30, 20
LATE = 4.0
#: Run times are lognormal with this coefficient of variation.
VARIATION = 0.3
FEW = 3
BEAT_S = 5.0
LAB = "lab-01"
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Push:
    """One push: when, whose, and how long it runs, in seconds."""

    at: float
    student: int
    runs: float


@dataclass(frozen=True)
class Waits:
    """Seconds from each student's last push to its verdict; of those who pushed a few times; and after the deadline."""

    last: list[float]
    patient: list[float]
    drained: float
    runs: int


def pushes(seed: int, service_s: float) -> list[Push]:
    """A deadline's pushes in their order."""
    dice = random.Random(seed)
    counts = {student: SPAM if student < SPAMMERS else 1 for student in range(STUDENTS)}
    while sum(counts.values()) < PUSHES:
        counts[dice.randrange(SPAMMERS, STUDENTS)] += 1
    sigma = sqrt(log(1 + VARIATION**2))
    return sorted(
        (
            Push(SECONDS * dice.betavariate(LATE, 1), student, service_s * exp(dice.gauss(-(sigma**2) / 2, sigma)))
            for student, count in counts.items()
            for _ in range(count)
        ),
        key=lambda push: push.at,
    )


def first_come(made: Sequence[Push], slots: int) -> Waits:
    """Every push is run, in the order of arrival."""
    free = [0.0] * slots
    ended = []
    for push in made:
        begins = max(push.at, heapq.heappop(free))
        ended.append(begins + push.runs)
        heapq.heappush(free, ended[-1])
    return _waits(made, dict(enumerate(ended)))


class Deadline:
    """The same by the grader's own store and dispatcher, in a database at `url`."""

    def __init__(self, url: str, made: Sequence[Push], slots: int) -> None:
        crowd.fill(url, STUDENTS, 1, 1)
        self._made, self._slots = made, slots
        self._store = SqlStore(url)
        self._store.standings.put_rules(crowd.COURSE, crowd.rules(1))
        self._began = crowd.BEGAN
        self._clock = ManualClock(self._began)
        self._service = make_service(self._store, self._clock)
        self._queue = ListQueue()
        accounts = self._store.accounts
        found = (accounts.person(f"student-{number:04}") for number in range(STUDENTS))
        self._people = [person.id for person in found if person is not None]
        [lab] = self._store.courses.labs(crowd.COURSE)
        self._spec = lab.spec_digest
        self._beaten = -BEAT_S
        self._running: list[tuple[float, int]] = []
        self._newest: dict[int, int] = {}

    def run(self) -> Waits:
        """Until the last verdict."""
        ended: dict[int, float] = {}
        coming = list(range(len(self._made)))[::-1]
        while coming or self._running:
            next_push = self._made[coming[-1]].at if coming else float("inf")
            if self._running and self._running[0][0] <= next_push:
                at, number = heapq.heappop(self._running)
                self._moment(at)
                self._finish(number)
                ended[number] = at
            else:
                self._moment(next_push)
                self._push(coming.pop())
            if self._has_room():
                dispatch.tick(self._service, self._queue)
            self._take_up()
        self._store.close()
        return _waits(self._made, ended)

    def _moment(self, at: float) -> None:
        self._clock.now = self._began + at
        if at - self._beaten >= BEAT_S:
            worker_is_up(self._service, slots=self._slots)
            self._beaten = at

    def _push(self, number: int) -> None:
        push = self._made[number]
        person, name, now = self._people[push.student], f"p{number}", self._clock()
        files = Submission({"starter.py": b"x = %d" % number})
        handin = Handin(name, crowd.COURSE, LAB, person, 0, files.digest, "git", now)
        job = Job(name, name, crowd.COURSE, LAB, person, self._spec, "cpu", Lane.INTERACTIVE, 1, 5, now)
        self._store.submissions.add(handin, files, job)
        self._newest[push.student] = number

    def _finish(self, number: int) -> None:
        graded = Outcome(JobState.GRADED, b"{}", 40, 40, tuple((test, crowd.WORTH) for test in crowd.TESTS))
        assert self._store.jobs.finish(f"p{number}", 1, graded, self._clock())

    def _take_up(self) -> None:
        """Free workers claim what the broker gives them, in its order; what was superseded meanwhile is nothing."""
        while len(self._running) < self._slots and self._queue.offered:
            job_id, _ = self._queue.offered.pop(0)
            token = f"{job_id:>064}"
            if self._store.jobs.claim(job_id, "w1", token, self._clock(), self._service.rules) is not None:
                number = int(job_id[1:])
                heapq.heappush(self._running, (self._clock() - self._began + self._made[number].runs, number))

    def _has_room(self) -> bool:
        """Whether a round of the dispatcher could offer anything: the others would only cost time here.

        What was offered and then superseded by its own student's next push has left room again.
        """
        offered = [int(job_id[1:]) for job_id, _ in self._queue.offered]
        live = sum(self._newest[self._made[number].student] == number for number in offered)
        return live + len(self._running) < self._slots * self._service.rules.ahead


def _waits(made: Sequence[Push], ended: dict[int, float]) -> Waits:
    last = {push.student: number for number, push in enumerate(made)}
    counts = {student: 0 for student in last}
    for push in made:
        counts[push.student] += 1
    waits = {student: ended[number] - made[number].at for student, number in last.items()}
    patient = [wait for student, wait in waits.items() if counts[student] <= FEW]
    return Waits(list(waits.values()), patient, max(0.0, max(ended.values()) - SECONDS), len(ended))


def simulate(seed: int, service_s: float, slots: int) -> tuple[Waits, Waits]:
    """First come first served, and the grader."""
    made = pushes(seed, service_s)
    with TemporaryDirectory(prefix="grader-bench-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        return first_come(made, slots), Deadline(f"sqlite:///{folder}/grader.db", made, slots).run()


def measure(times: dict[str, float], slots: Iterable[int], seeds: int, cores: int) -> dict[str, Any]:
    """Means over the seeds of p50 and p99 in seconds, by what is run (seconds of one run by name) and by workers."""
    asked = [(name, n, seed) for name in times for n in slots for seed in range(seeds)]
    rows = []
    with ProcessPoolExecutor(cores) as pool:
        jobs = {key: pool.submit(simulate, key[2], times[key[0]], key[1]) for key in asked}
        for name in times:
            for n in dict.fromkeys(key[1] for key in asked):
                both = [jobs[name, n, seed].result() for seed in range(seeds)]
                fifo, fair = ([one[at] for one in both] for at in (0, 1))
                row = {"of": name, "run_s": round(times[name], 3), "slots": n}
                rows.append({**row, "fifo": _told(fifo), "fair": _told(fair)})
    return {"students": STUDENTS, "pushes": PUSHES, "seeds": seeds, "rows": rows}


def _told(waits: Sequence[Waits]) -> dict[str, float]:
    return {
        "p50": round(mean(quantile(one.last, 0.5) for one in waits), 2),
        "p99": round(mean(quantile(one.last, 0.99) for one in waits), 2),
        "few_p50": round(mean(quantile(one.patient, 0.5) for one in waits), 2),
        "few_p99": round(mean(quantile(one.patient, 0.99) for one in waits), 2),
        "drained": round(mean(one.drained for one in waits), 1),
        "runs": round(mean(one.runs for one in waits)),
    }
