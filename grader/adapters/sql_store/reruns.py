"""Reruns: their jobs count for nothing until the rerun is applied, and what was applied can be undone."""

import json
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select, tuple_, update

from grader.adapters.sql_store.attempts import UNOWNED
from grader.adapters.sql_store.board_tables import notice, rerun, rerun_item
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.publications import reopen_for
from grader.adapters.sql_store.rerun_rows import from_rerun, read_items, read_moves, read_reruns
from grader.adapters.sql_store.rows import from_job
from grader.adapters.sql_store.rules import extra_time, rules_of, teams
from grader.adapters.sql_store.selecting import select_submissions
from grader.adapters.sql_store.standing_updates import hold, restand
from grader.adapters.sql_store.tables import event, job, submission
from grader.domain.job import WAITING, Job, JobState
from grader.domain.rerun import Chosen, Fate, Item, Move, Rerun, RerunState, Selection, fate

MOST = 20_000
LISTED = 200
_AGAIN = "Your submission {number} for {lab} was graded again, and its score has changed."
_BACK = "What was changed by grading your submission {number} for {lab} again was taken back."
#: Each kind of end needs another state.
_ENDS = {RerunState.DISCARDED: RerunState.READY, RerunState.CANCELLED: RerunState.RUNNING}


class SqlReruns(Transactions):
    """Satisfies `Reruns`."""

    def select(self, course: str, selection: Selection, *, limit: int = MOST) -> list[Chosen]:
        """See `Reruns`."""
        with self._read() as db:
            return select_submissions(db, course, selection, min(limit, MOST))

    def begin(self, one: Rerun, jobs: Sequence[Job]) -> None:
        """See `Reruns`."""
        queued = [{"lane": str(job.lane), "queue": job.queue} for job in jobs]
        with self._write() as db:
            hold(db, one.course)
            db.execute(insert(rerun).values(from_rerun(one)))
            counted = _counted(db, [job.submission_id for job in jobs])
            if not jobs:
                return
            db.execute(insert(job), [{**from_job(replace(job, rerun_id=one.id)), "last_event": 1} for job in jobs])
            db.execute(insert(event), [
                {"job_id": job.id, "seq": 1, "kind": "queued", "at": job.created_at, "data": json.dumps(data)}
                for job, data in zip(jobs, queued, strict=True)
            ])  # fmt: skip
            db.execute(insert(rerun_item), [
                {"rerun_id": one.id, "submission_id": job.submission_id, "job_id": job.id,
                 "before_job_id": counted.get(job.submission_id)}
                for job in jobs
            ])  # fmt: skip

    def get(self, rerun_id: str) -> Rerun | None:
        """See `Reruns`."""
        with self._read() as db:
            return _get(db, rerun_id)

    def page(self, course: str, *, before: str = "", limit: int = 50) -> list[Rerun]:
        """See `Reruns`."""
        c = rerun.c
        query = select(rerun).where(c.course == course)
        with self._read() as db:
            if before:
                edge = db.execute(select(c.created_at, c.id).where(c.id == before, c.course == course)).first()
                if edge is None:
                    return []
                query = query.where(tuple_(c.created_at, c.id) < tuple_(*edge))
            newest = query.order_by(c.created_at.desc(), c.id.desc())
            return read_reruns(db, newest.limit(min(max(1, limit), LISTED)))

    def items(self, rerun_id: str, *, offset: int = 0, limit: int = MOST) -> list[Item]:
        """See `Reruns`."""
        with self._read() as db:
            return read_items(db, rerun_id, max(0, offset), min(max(1, limit), MOST))

    def moves(self, submission_id: str) -> list[Move]:
        """See `Reruns`."""
        with self._read() as db:
            return read_moves(db, submission_id)

    def apply(self, rerun_id: str, by: str, now: float, *, never_lower: bool | None = None) -> list[Item] | None:
        """See `Reruns`."""
        with self._write() as db:
            one = _held(db, rerun_id)
            if one is None or one.state is not RerunState.READY:
                return None
            lowers = one.never_lower if never_lower is None else never_lower
            moving = [item for item in read_items(db, rerun_id) if fate(item, never_lower=lowers) is Fate.MOVES]
            for item in moving:
                _count(db, item.submission_id, item.job_id)
                _stamp(db, rerun_id, item, applied_at=now)
            _conclude(db, rerun_id, RerunState.APPLIED, now, never_lower=lowers)
            _tell(db, one, moving, _AGAIN, now)
        return [replace(item, applied=True) for item in moving]

    def revert(self, rerun_id: str, by: str, now: float) -> list[Item] | None:
        """See `Reruns`."""
        with self._write() as db:
            one = _held(db, rerun_id)
            if one is None or one.state is not RerunState.APPLIED:
                return None
            moving = [item for item in read_items(db, rerun_id) if item.applied]
            for item in moving:
                _count(db, item.submission_id, item.before_job_id or None)
                _stamp(db, rerun_id, item, reverted_at=now)
            _conclude(db, rerun_id, RerunState.REVERTED, now)
            _tell(db, one, moving, _BACK, now)
        return [replace(item, applied=False) for item in moving]

    def end(self, rerun_id: str, state: RerunState, now: float) -> bool:
        """See `Reruns`."""
        with self._write() as db:
            one = _held(db, rerun_id)
            if one is None or one.state is not _ENDS.get(state):
                return False
            _conclude(db, rerun_id, state, now)
            if state is RerunState.CANCELLED:
                _cancel_jobs(db, rerun_id, now)
        return True


def _get(db: Connection, rerun_id: str) -> Rerun | None:
    return next(iter(read_reruns(db, select(rerun).where(rerun.c.id == rerun_id))), None)


def _held(db: Connection, rerun_id: str) -> Rerun | None:
    """The rerun as it is while nobody else can change anything in its course."""
    course = db.execute(select(rerun.c.course).where(rerun.c.id == rerun_id)).scalar()
    if course is None:
        return None
    hold(db, course)
    return _get(db, rerun_id)


def _counted(db: Connection, submissions: Sequence[str]) -> dict[str, str]:
    c = submission.c
    rows = db.execute(select(c.id, c.counted_job_id).where(c.id.in_(submissions))).all()
    return {submission_id: job_id for submission_id, job_id in rows if job_id}


def _count(db: Connection, submission_id: str, job_id: str | None) -> None:
    db.execute(update(submission).where(submission.c.id == submission_id).values(counted_job_id=job_id))


def _stamp(db: Connection, rerun_id: str, item: Item, **at: float) -> None:
    c = rerun_item.c
    db.execute(update(rerun_item).where(c.rerun_id == rerun_id, c.submission_id == item.submission_id).values(at))


def _conclude(db: Connection, rerun_id: str, state: RerunState, now: float, **more: bool) -> None:
    db.execute(update(rerun).where(rerun.c.id == rerun_id).values(state=str(state), ended_at=now, **more))


def _tell(db: Connection, one: Rerun, moved: Sequence[Item], words: str, now: float) -> None:
    """Let standings and forges follow, and tell whoever sees another score than before."""
    restand(db, one.course, one.lab, [item.person_id for item in moved])
    reopen_for(db, [item.submission_id for item in moved])
    policy = rules_of(db, one.course).of(one.lab)
    people = teams(db, one.course, policy, {item.person_id for item in moved})
    extra = extra_time(db, one.course, one.lab, people)
    c = submission.c
    found = db.execute(select(c.id, c.number).where(c.id.in_([item.submission_id for item in moved]))).all()
    numbers = {submission_id: number for submission_id, number in found}
    told = []
    for item in moved:
        team = people[item.person_id]
        hidden = policy.extended(max(extra.get(member, 0.0) for member in team)).hides(now)
        if _differs(item, hidden):
            text = words.format(number=numbers[item.submission_id], lab=one.lab)
            what = {"course": one.course, "submission_id": item.submission_id, "text": text, "at": now}
            told += [{"person_id": member, **what} for member in team]
    if told:
        db.execute(insert(notice), told)


def _differs(item: Item, hidden: Sequence[str]) -> bool:
    """Whether somebody from whom these tests are hidden sees a change."""
    move = Move("", 0.0, "", item.before, item.after, item.tests_before, item.tests_after).without(hidden)
    return move.before != move.after


def _cancel_jobs(db: Connection, rerun_id: str, now: float) -> None:
    mine = job.c.rerun_id == rerun_id
    ended = {"state": str(JobState.CANCELLED), "finished_at": now, "last_event": job.c.last_event + 1, **UNOWNED}
    waiting = update(job).where(mine, job.c.state.in_(WAITING)).values(ended).returning(job.c.id, job.c.last_event)
    data = json.dumps({"state": str(JobState.CANCELLED)})
    events = [{"job_id": id, "seq": seq, "kind": "ended", "at": now, "data": data} for id, seq in db.execute(waiting)]
    if events:
        db.execute(insert(event), events)
    running = update(job).where(mine, job.c.state == str(JobState.RUNNING))
    db.execute(running.values(cancel_requested=True))
