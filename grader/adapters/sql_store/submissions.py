"""What was handed in."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, and_, bindparam, exists, insert, select, tuple_, update

from grader.adapters.sql_store.board_tables import standing
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.events import append
from grader.adapters.sql_store.rows import from_job, pack_files, to_handin, to_person, unpack_files
from grader.adapters.sql_store.ruling import taken_up
from grader.adapters.sql_store.standing_rows import read_shown
from grader.adapters.sql_store.standing_updates import hold, restand
from grader.adapters.sql_store.tables import content, job, person, submission
from grader.domain.course import Best, Handed, Handin, Kept
from grader.domain.job import ACTIVE, WAITING, Job, JobState
from grader.domain.policy import Cap, CapReached
from grader.domain.submission import Submission

_c = submission.c
_THEIRS = (_c.course == bindparam("course"), _c.lab == bindparam("lab"), _c.person_id == bindparam("person_id"))
_NEWEST = select(submission).where(*_THEIRS).order_by(_c.number.desc()).limit(1)
_TIMES = select(_c.created_at).where(_c.person_id == bindparam("person_id"), _c.created_at > bindparam("since"))
_ONE = select(submission).where(_c.id == bindparam("id"))
_FILES = select(content.c.files).where(content.c.digest == bindparam("digest"))
_KNOWN = select(exists().where(content.c.digest == bindparam("digest")))
_KEEP_FILES, _KEEP, _KEEP_JOB = insert(content), insert(submission).returning(submission), insert(job)
_SUPERSEDE = (
    update(job)
    .where(
        job.c.person_id == bindparam("of_person"),
        job.c.course == bindparam("of_course"),
        job.c.lab == bindparam("of_lab"),
        job.c.state.in_(WAITING),
        job.c.rerun_id.is_(None),
    )
    .values(state=str(JobState.SUPERSEDED))
    .returning(job.c.id)
)


class SqlSubmissions(Transactions):
    """Satisfies `Submissions`."""

    def add(self, handin: Handin, files: Submission, first: Job, cap: Cap | None = None) -> Kept:
        """See `Submissions`."""
        with self._write() as db:
            hold(db, handin.course)  # one submission at a time: numbers have no gap and no double
            newest = db.execute(_NEWEST, vars(handin)).mappings().first()
            if newest is not None and _is_unchanged(db, newest, handin, first):
                return Kept(to_handin(newest))
            if cap is not None:
                _check_cap(db, handin, cap)
            superseded = _supersede(db, first)
            if not db.execute(_KNOWN, {"digest": handin.digest}).scalar():
                db.execute(_KEEP_FILES, {"digest": handin.digest, "files": pack_files(files.files)})
            number = 1 if newest is None else newest["number"] + 1
            row = db.execute(_KEEP, {**vars(handin), "number": number}).mappings().one()
            db.execute(_KEEP_JOB, from_job(first))
            append(db, first.id, [("queued", {"lane": str(first.lane), "queue": first.queue})], first.created_at)
            restand(db, handin.course, handin.lab, [handin.person_id], marks=False)
        return Kept(to_handin(row), superseded)

    def get(self, submission_id: str) -> Handin | None:
        """See `Submissions`."""
        with self._read() as db:
            row = db.execute(_ONE, {"id": submission_id}).mappings().first()
        return None if row is None else to_handin(row)

    def files(self, digest: str) -> Submission | None:
        """See `Submissions`."""
        with self._read() as db:
            packed = db.execute(_FILES, {"digest": digest}).scalar()
        return None if packed is None else Submission(unpack_files(packed))

    def latest(self, course: str, lab: str, person_id: int) -> Handin | None:
        """See `Submissions`."""
        with self._read() as db:
            row = db.execute(_NEWEST, {"course": course, "lab": lab, "person_id": person_id}).mappings().first()
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

    def since(self, person_id: int, moment: float, shorter: float) -> tuple[int, int]:
        """See `Submissions`."""
        with self._read() as db:
            times = db.execute(_TIMES, {"person_id": person_id, "since": moment}).scalars().all()
        return len(times), sum(at > shorter for at in times)

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


def _is_unchanged(db: Connection, newest: RowMapping, handin: Handin, first: Job) -> bool:
    """Whether their newest for this lab is the same files under the same spec, and graded or about to be."""
    if newest["digest"] != handin.digest:
        return False
    shown = read_shown(db, [newest["id"]])[newest["id"]]
    return (shown.state in ACTIVE or shown.state is JobState.GRADED) and shown.spec_digest == first.spec_digest


def _supersede(db: Connection, newer: Job) -> tuple[str, ...]:
    """End what still waits of the same person for the same lab: nobody needs its answer any more. What that was."""
    theirs = {"of_person": newer.person_id, "of_course": newer.course, "of_lab": newer.lab}
    ended = db.execute(_SUPERSEDE, {**theirs, "finished_at": newer.created_at}).scalars().all()
    for old in ended:
        data = {"state": str(JobState.SUPERSEDED), "by": newer.submission_id}
        append(db, old, [("ended", data)], newer.created_at)
    return tuple(ended)
