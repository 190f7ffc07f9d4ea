"""Brings waiting jobs to workers in fair order, and back what got lost on the way. Runs again and again; may run twice.

Only about twice as many jobs as workers can run at once are handed to the broker: the rest waits in the store, where
a newer submission can supersede it and everybody's first run of the past hour goes before anybody's second.
"""

import logging

from grader.domain.errors import QueueDown
from grader.domain.job import Lost
from grader.domain.operations import alarms
from grader.ports import Queue
from grader.steps.service import Service

log = logging.getLogger(__name__)


def tick(service: Service, queue: Queue) -> None:
    """One round. Raises StoreDown: the next round tries again."""
    reconcile(service)
    offer(service, queue)


def reconcile(service: Service) -> list[Lost]:
    """Take back what lost workers owned and lost messages offered."""
    lost = service.store.jobs.expire(service.clock(), service.rules)
    for one in lost:
        if one.dead:
            log.error("job given up: it has used up its attempts", extra={"job": one.job_id, "attempt": one.attempt})
        else:
            log.warning("worker lost: the job waits again", extra={"job": one.job_id, "attempt": one.attempt})
        service.changed(one.job_id)
    return lost


def offer(service: Service, queue: Queue) -> int:
    """Wake workers up for the next jobs; how many."""
    room: dict[str, int] = {}
    for worker in service.store.operations.workers(service.clock(), service.rules.worker_silent_s):
        for name in worker.queues if worker.state == "ready" else ():
            room[name] = room.get(name, 0) + worker.slots * service.rules.ahead
    offered = service.store.jobs.offer(room, service.clock()) if room else []
    for at, (job_id, name) in enumerate(offered):
        try:
            queue.offer(job_id, name)
        except QueueDown as error:
            log.error("broker down: %s", error.message)
            for unsent, _ in offered[at:]:
                service.store.jobs.unoffer(unsent)
            return at
    return len(offered)


def look(service: Service, known: frozenset[str]) -> frozenset[str]:
    """Raise an alarm in the log for what was not `known` yet; the kinds that are known now."""
    now = service.clock()
    workers = service.store.operations.workers(now, service.rules.worker_silent_s)
    found = alarms(service.store.operations.load(now), workers)
    for alarm in found:
        if alarm.kind not in known:
            log.error("alarm: %s %s", alarm.what, alarm.todo)
    return frozenset(alarm.kind for alarm in found)
