"""What staff should know of the service while they look at their course: who works, what waits, what needs them."""

from dataclasses import dataclass

from grader.domain.course import Handed
from grader.domain.job import Job, JobState
from grader.domain.operations import Alarm, Figures, WorkerBeat, alarms
from grader.steps.service import Service
from grader.web.pages.wording import count, duration

#: Only so many of a course's newest submissions are searched for one that was given up.
SEARCHED = 200
LINKS = 10
PANEL_S = 1.0


@dataclass(frozen=True)
class Worker:
    """One that was heard of lately. `jobs` are those of the course it is shown for; others are only counted."""

    name: str
    queues: str
    sandbox: str
    state: str
    kind: str
    busy: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Queue:
    """One queue that has work."""

    name: str
    waiting: int
    oldest: str
    running: int


@dataclass(frozen=True)
class Health:
    """The panel. `given_up` are submissions of the course that nobody tries again."""

    alarms: tuple[Alarm, ...]
    given_up: tuple[Handed, ...]
    workers: tuple[Worker, ...]
    queues: tuple[Queue, ...]


class Panels:
    """The panels that staff look at, read once a second at most. May be used from any thread."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, Health]] = {}

    def of(self, service: Service, course: str) -> Health:
        """The service as staff of `course` see it, at most `PANEL_S` old."""
        now = service.clock()
        read = self._read.get(course)
        if read is None or not 0 <= now - read[0] < PANEL_S:
            read = self._read[course] = (now, health(service, course))
        return read[1]


def health(service: Service, course: str) -> Health:
    """The service as staff of `course` see it."""
    now = service.clock()
    beats = service.store.operations.workers(now, service.rules.worker_silent_s)
    figures = service.store.operations.load(now)
    return Health(
        alarms=tuple(alarms(figures, beats)),
        given_up=_given_up(service, course) if figures.given_up else (),
        workers=tuple(_worker(service, course, beat) for beat in beats),
        queues=tuple(_queue(figures, name) for name in sorted({*figures.waiting, *figures.running})),
    )


def _given_up(service: Service, course: str) -> tuple[Handed, ...]:
    rows = service.store.submissions.page(course, limit=SEARCHED)
    return tuple(row for row in rows if row.job.state is JobState.DEAD)[:LINKS]


def _worker(service: Service, course: str, beat: WorkerBeat) -> Worker:
    jobs = (service.store.jobs.get(job) for job in beat.running)
    return Worker(
        name=beat.name,
        queues=", ".join(beat.queues),
        sandbox=beat.sandbox,
        state=beat.state,
        kind="good" if beat.state == "ready" else "open",
        busy=f"{len(beat.running)} of {count(beat.slots, 'slot')} busy",
        jobs=tuple(job for job in jobs if job is not None and job.course == course),
    )


def _queue(figures: Figures, name: str) -> Queue:
    oldest = figures.oldest_waiting_s.get(name)
    return Queue(
        name, figures.waiting.get(name, 0), duration(oldest) if oldest is not None else "", figures.running.get(name, 0)
    )
