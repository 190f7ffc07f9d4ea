"""What staff should know of the service while they look at their course: who works, what waits, what needs them."""

from dataclasses import dataclass

from grader.domain.course import Handed
from grader.domain.job import Job, JobState
from grader.domain.operations import Figures, WorkerBeat
from grader.steps.service import Service
from grader.web.wording import count, duration

#: Only so many of a course's newest submissions are searched for one that was given up.
SEARCHED = 200
LINKS = 10


@dataclass(frozen=True)
class Alarm:
    """Something that does not mend itself. `links` are the submissions it is about."""

    what: str
    todo: str
    links: tuple[Handed, ...] = ()


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
    """The panel."""

    alarms: tuple[Alarm, ...]
    workers: tuple[Worker, ...]
    queues: tuple[Queue, ...]


def health(service: Service, course: str) -> Health:
    """The service as staff of `course` see it."""
    now = service.clock()
    beats = service.store.operations.workers(now, service.rules.worker_silent_s)
    figures = service.store.operations.figures(now)
    return Health(
        alarms=(*_unserved(figures, beats), *_dead(service, course)),
        workers=tuple(_worker(service, course, beat) for beat in beats),
        queues=tuple(_queue(figures, name) for name in sorted({*figures.waiting, *figures.running})),
    )


def _unserved(figures: Figures, beats: list[WorkerBeat]) -> list[Alarm]:
    served = {queue for beat in beats if beat.state == "ready" for queue in beat.queues}
    return [
        Alarm(
            f"No worker serves the {queue} queue, where {count(waiting, 'job')} {_plural(waiting, 'waits', 'wait')}.",
            f"Start one: grader worker, with GRADER_QUEUES={queue}. Nothing is lost meanwhile.",
        )
        for queue, waiting in sorted(figures.waiting.items())
        if waiting and queue not in served
    ]


def _dead(service: Service, course: str) -> list[Alarm]:
    rows = service.store.submissions.page(course, limit=SEARCHED)
    given_up = [row for row in rows if row.job.state is JobState.DEAD]
    if not given_up:
        return []
    n = len(given_up)
    what = f"{count(n, 'submission')} could not be graded and {_plural(n, 'is', 'are')} not tried again."
    return [Alarm(what, "Look at why, mend that, and run each again.", tuple(given_up[:LINKS]))]


def _plural(n: int, one: str, many: str) -> str:
    return one if n == 1 else many


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
