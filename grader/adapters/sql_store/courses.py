"""Courses, labs and every spec a job was ever made under."""

import json
from functools import lru_cache

from sqlalchemy import Engine, and_, bindparam, exists, func, insert, select, update

from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.rows import pack_files, unpack_files
from grader.adapters.sql_store.tables import course, job, lab, spec
from grader.domain.course import Course, CourseLab, KnownSpec, Spec

REMEMBERED_SPECS = 64
_COURSE = (course.c.id, course.c.title, course.c.folder)
#: Made once, for they are asked with every page.
_ONE = select(*_COURSE).where(course.c.id == bindparam("course"))
_LAB = (
    lab.c.course, lab.c.id, lab.c.title, lab.c.position, lab.c.queue, lab.c.max_score, lab.c.spec_digest,
    lab.c.submission,
)  # fmt: skip
_LABS = select(*_LAB).where(lab.c.course == bindparam("course")).order_by(lab.c.position, lab.c.id)


@lru_cache(maxsize=4_096)
def _to_lab(
    course_id: str, lab_id: str, title: str, order: int, queue: str, max_score: int, digest: str, submission: str
) -> CourseLab:
    """From a row of `_LAB`; what is read with every page has mostly been read before."""
    return CourseLab(course_id, lab_id, title, order, queue, max_score, digest, tuple(json.loads(submission)))


class SqlCourses(Transactions):
    """Satisfies `Courses`."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._specs: dict[str, Spec] = {}

    def put_course(self, one: Course) -> None:
        """See `Courses`."""
        values = {"title": one.title, "folder": one.folder}
        with self._write() as db:
            if db.execute(update(course).where(course.c.id == one.id).values(values)).rowcount == 0:
                db.execute(insert(course).values(id=one.id, **values))

    def courses(self) -> list[Course]:
        """See `Courses`."""
        with self._read() as db:
            return [Course(*row) for row in db.execute(select(*_COURSE).order_by(course.c.id)).all()]

    def course(self, course_id: str) -> Course | None:
        """See `Courses`."""
        with self._read() as db:
            row = db.execute(_ONE, {"course": course_id}).first()
        return None if row is None else Course(*row)

    def put_lab(self, course_id: str, one: Spec, calibration: str | None = None) -> bool:
        """See `Courses`."""
        manifest = one.lab
        values = {
            "title": manifest.title,
            "position": manifest.order,
            "queue": manifest.queue,
            "max_score": manifest.max_score,
            "submission": json.dumps(manifest.submission),
            "spec_digest": one.digest,
            "calibration": calibration,
        }
        here = and_(lab.c.course == course_id, lab.c.id == manifest.id)
        with self._write() as db:
            if not db.execute(select(exists().where(spec.c.digest == one.digest))).scalar():
                row = {"lab_path": one.lab_path, "manifest": one.manifest, "bundle": pack_files(one.bundle)}
                db.execute(insert(spec).values(digest=one.digest, **row))
            before = db.execute(select(lab.c.spec_digest).where(here)).scalar()
            if before is None:
                db.execute(insert(lab).values(course=course_id, id=manifest.id, **values))
            else:
                db.execute(update(lab).where(here).values(values))
        return bool(before != one.digest)

    def labs(self, course_id: str) -> list[CourseLab]:
        """See `Courses`."""
        with self._read() as db:
            return [_to_lab(*row) for row in db.execute(_LABS, {"course": course_id})]

    def calibration(self, course_id: str, lab_id: str) -> str | None:
        """See `Courses`."""
        here = and_(lab.c.course == course_id, lab.c.id == lab_id)
        with self._read() as db:
            found: str | None = db.execute(select(lab.c.calibration).where(here)).scalar()
        return found

    def spec(self, digest: str) -> Spec | None:
        """See `Courses`. A spec never changes, so the last few are remembered."""
        found = self._specs.get(digest) or self._load(digest)
        if found is not None and digest not in self._specs:
            if len(self._specs) >= REMEMBERED_SPECS:
                self._specs.clear()
            self._specs[digest] = found
        return found

    def specs(self, course_id: str, lab_id: str) -> list[KnownSpec]:
        """See `Courses`."""
        of_lab = and_(job.c.course == course_id, job.c.lab == lab_id)
        first = select(job.c.spec_digest, func.min(job.c.created_at)).where(of_lab).group_by(job.c.spec_digest)
        with self._read() as db:
            current = db.execute(
                select(lab.c.spec_digest).where(lab.c.course == course_id, lab.c.id == lab_id)
            ).scalar()
            found = {digest: float(at) for digest, at in db.execute(first).all()}
        used = sorted(found, key=lambda digest: found[digest], reverse=True)
        fresh = [current] if current is not None and current not in found else []
        return [KnownSpec(digest, found.get(digest), digest == current) for digest in (*fresh, *used)]

    def _load(self, digest: str) -> Spec | None:
        with self._read() as db:
            row = db.execute(select(spec).where(spec.c.digest == digest)).mappings().first()
        if row is None:
            return None
        return Spec(row["digest"], row["lab_path"], row["manifest"], unpack_files(row["bundle"]))
