"""What was handed in."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, exists, func, insert, select, tuple_, update

from grader.adapters.sql_store.board_tables import standing
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.events import append
from grader.adapters.sql_store.rows import from_job, pack_files, to_handin, to_person, unpack_files
from grader.adapters.sql_store.ruling import taken_up
from grader.adapters.sql_store.standing_rows import read_shown
from grader.adapters.sql_store.standing_updates import hold, restand
from grader.adapters.sql_store.tables import content, job, person, submission
from grader.domain.course import Best, Handed, Handin
from grader.domain.job import ACTIVE, WAITING, Job, JobState
from grader.domain.policy import Cap, CapReached
from grader.domain.submission import Submission


class SqlSubmissions(Transactions):
    """Satisfies `Submissions`."""

    def add(self, handin: Handin, files: Submission, first: Job, cap: Cap | None = None) -> Handin:
        """See `Submissions`."""
        with self._write() as db:
            hold(db, handin.course)  # one submission at a time: numbers have no gap and no double
            if (same := _unchanged(db, handin, first)) is not None:
                return same
            if cap is not None:
                _check_cap(db, handin, cap)
            _supersede(db, first)
            if not db.execute(select(exists().where(content.c.digest == handin.digest))).scalar():
                db.execute(insert(content).values(digest=handin.digest, files=pack_files(files.files)))
            number = (db.execute(select(func.max(submission.c.number)).where(_theirs(handin))).scalar() or 0) + 1
            row = db.execute(
                insert(submission).values({**vars(handin), "number": number}).returning(submission)
            ).mappings().one()  # fmt: skip
            db.execute(insert(job).values(from_job(first)))
            append(db, first.id, [("queued", {"lane": str(first.lane), "queue": first.queue})], first.created_at)
            restand(db, handin.course, handin.lab, [handin.person_id], marks=False)
        return to_handin(row)

    def get(self, submission_id: str) -> Handin | None:
        """See `Submissions`."""
        with self._read() as db:
            row = db.execute(select(submission).where(submission.c.id == submission_id)).mappings().first()
        return None if row is None else to_handin(row)

    def files(self, digest: str) -> Submission | None:
        """See `Submissions`."""
        with self._read() as db:
            packed = db.execute(select(content.c.files).where(content.c.digest == digest)).scalar()
        return None if packed is None else Submission(unpack_files(packed))

    def latest(self, course: str, lab: str, person_id: int) -> Handin | None:
        """See `Submissions`."""
        c = submission.c
        query = select(submission).where(c.course == course, c.lab == lab, c.person_id == person_id)
        with self._read() as db:
            row = db.execute(query.order_by(c.number.desc()).limit(1)).mappings().first()
        return None if row is None else to_handin(row)

    def until(self, handin: Handin, people: Sequence[int], limit: int) -> list[tuple[float, Submission]]:
        """See `Submissions`."""
        c = submission.c
        own = and_(c.person_id == handin.person_id, c.number <= handin.number)
        others = and_(c.person_id.in_(people), c.person_id != handin.person_id, c.created_at < handin.created_at)
        query = (
            select(c.created_at, content.c.files)
            .join(content, content.c.digest == c.digest)
            .where(c.course == handin.course, c.lab == handin.lab, own | others)
            .order_by(c.id == handin.id, c.created_at, c.number)
            .limit(limit)
        )
        with self._read() as db:
            rows = db.execute(query).all()
        return [(at, Submission(unpack_files(packed))) for at, packed in rows]

    def page(
        self, course: str, *, person_id: int | None = None, lab: str | None = None, before: str = "", limit: int = 50
    ) -> list[Handed]:
        """See `Submissions`."""
        c = submission.c
        wanted = [c.course == course]
        if person_id is not None:
            wanted.append(c.person_id == person_id)
        if lab is not None:
            wanted.append(c.lab == lab)
        with self._read() as db:
            if before:
                edge = db.execute(select(c.created_at, c.id).where(c.id == before)).first()
                if edge is None:
                    return []
                wanted.append(tuple_(c.created_at, c.id) < tuple_(*edge))
            query = select(submission).where(*wanted).order_by(c.created_at.desc(), c.id.desc()).limit(limit)
            handins = [to_handin(row) for row in db.execute(query).mappings()]
            jobs = read_shown(db, [handin.id for handin in handins])
            found = select(person).where(person.c.id.in_({handin.person_id for handin in handins}))
            people = {row["id"]: to_person(row) for row in db.execute(found).mappings()}
        return [Handed(handin, people[handin.person_id], jobs[handin.id]) for handin in handins]

    def since(self, person_id: int, moment: float) -> int:
        """See `Submissions`."""
        c = submission.c
        query = select(func.count()).select_from(submission).where(c.person_id == person_id, c.created_at > moment)
        with self._read() as db:
            return int(db.execute(query).scalar() or 0)

    def best(self, course: str, *, person_id: int | None = None, limit: int = 10_000) -> list[Best]:
        """See `Submissions`."""
        c = standing.c
        columns = (person.c.login, person.c.name, c.lab, c.points, c.max_points, c.submission_id)
        query = (
            select(*columns).join(person, person.c.id == c.person_id).where(c.course == course, c.points.is_not(None))
        )
        if person_id is not None:
            query = query.where(c.person_id == person_id)
        names = ("login", "name", "lab", "points", "max_points", "submission_id")
        with self._read() as db:
            rows = db.execute(query.order_by(person.c.login, c.lab).limit(limit)).mappings().all()
        return [Best(**{name: row[name] for name in names}) for row in rows]


def _check_cap(db: Connection, handin: Handin, cap: Cap) -> None:
    """Raises CapReached. Whoever came first counts, whenever it arrived: nobody else adds anything meanwhile."""
    at = handin.created_at
    taken = taken_up(db, handin.course, handin.lab, handin.person_id, at - cap.window_s)
    if not cap.left(taken, max(at, *taken) if taken else at):
        raise CapReached


def _unchanged(db: Connection, handin: Handin, first: Job) -> Handin | None:
    """Their newest for this lab, if it is the same files under the same spec and is graded or about to be."""
    row = db.execute(
        select(submission).where(_theirs(handin)).order_by(submission.c.number.desc()).limit(1)
    ).mappings().first()  # fmt: skip
    if row is None or row["digest"] != handin.digest:
        return None
    newest = read_shown(db, [row["id"]])[row["id"]]
    counts = newest.state in ACTIVE or newest.state is JobState.GRADED
    return to_handin(row) if counts and newest.spec_digest == first.spec_digest else None


def _theirs(handin: Handin) -> Any:
    c = submission.c
    return and_(c.course == handin.course, c.lab == handin.lab, c.person_id == handin.person_id)


def _supersede(db: Connection, newer: Job) -> None:
    """End what still waits of the same person for the same lab: nobody needs its answer any more."""
    waits = and_(
        job.c.person_id == newer.person_id,
        job.c.course == newer.course,
        job.c.lab == newer.lab,
        job.c.state.in_(WAITING),
        job.c.rerun_id.is_(None),
    )
    ended = {"state": str(JobState.SUPERSEDED), "finished_at": newer.created_at}
    for (old,) in db.execute(update(job).where(waits).values(ended).returning(job.c.id)).all():
        data = {"state": ended["state"], "by": newer.submission_id}
        append(db, old, [("ended", data)], newer.created_at)
