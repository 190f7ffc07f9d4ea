"""Rules, extensions, teams and aliases; standings follow each."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, and_, delete, exists, func, insert, literal, select, true, update

from grader.adapters.sql_store.board_tables import extension, standing
from grader.adapters.sql_store.engine import Transactions
from grader.adapters.sql_store.folding import folded
from grader.adapters.sql_store.old_scores import describe
from grader.adapters.sql_store.roll import renew
from grader.adapters.sql_store.rules import dump_rules, labs_of, load_rules, rules_of, teams
from grader.adapters.sql_store.standing_rows import read_shown
from grader.adapters.sql_store.standing_updates import chunks, hold, restand, settle, stand_again
from grader.adapters.sql_store.tables import course, lab, member, score, submission
from grader.domain.course_rules import read_rules
from grader.domain.errors import Fault
from grader.domain.job import ACTIVE, Job, JobState
from grader.domain.policy import CourseRules, Extension


class Ruling(Transactions):
    """The part of `Standings` about what they are made by."""

    def rules(self, course_id: str) -> CourseRules:
        """See `Standings`."""
        with self._read() as db:
            return rules_of(db, course_id)

    def put_rules(self, course_id: str, text: str) -> bool:
        """See `Standings`."""
        here = course.c.id == course_id
        with self._write() as db:
            hold(db, course_id)
            before = db.execute(select(course.c.policies).where(here)).scalar() or ""
            new = dump_rules(read_rules(text, labs_of(db, course_id)))
            old, rules = load_rules(before), load_rules(new)
            stale = old != rules
            db.execute(update(course).where(here).values(rules=text, policies=new, stale=course.c.stale | stale))
        if stale:
            self._follow(course_id, None if old.frozen_at != rules.frozen_at else _changed(old, rules))
        return stale

    def stale(self) -> list[str]:
        """See `Standings`."""
        with self._read() as db:
            return list(db.execute(select(course.c.id).where(course.c.stale).order_by(course.c.id)).scalars())

    def rebuild(self, course_id: str) -> int:
        """See `Standings`."""
        describe(self._engine, course_id)
        self._follow(course_id)
        with self._read() as db:
            count = select(func.count()).select_from(standing).where(standing.c.course == course_id)
            return db.execute(count).scalar() or 0

    def extend(self, one: Extension) -> None:
        """See `Standings`."""
        c = extension.c
        values = {**vars(one)}
        with self._write() as db:
            hold(db, one.course)
            db.execute(delete(extension).where(c.course == one.course, c.lab == one.lab, c.person_id == one.person_id))
            if one.extra_s:
                db.execute(insert(extension).values(values))
            restand(db, one.course, one.lab, [one.person_id])

    def extensions(self, course_id: str, *, person_id: int | None = None) -> list[Extension]:
        """See `Standings`."""
        c = extension.c
        query = select(extension).where(
            c.course == course_id, true() if person_id is None else c.person_id == person_id
        )
        with self._read() as db:
            rows = db.execute(query.order_by(c.lab, c.person_id)).mappings().all()
        return [Extension(**row) for row in rows]

    def team(self, course_id: str, person_id: int) -> list[int]:
        """See `Standings`."""
        with self._read() as db:
            return _team(db, course_id, person_id)

    def put_team(self, course_id: str, person_id: int, team: str) -> None:
        """See `Standings`."""
        with self._write() as db:
            hold(db, course_id)
            before = _team(db, course_id, person_id)
            own = and_(member.c.course == course_id, member.c.person_id == person_id)
            db.execute(update(member).where(own).values(team=team))
            affected = {*before, *_team(db, course_id, person_id)}
            rules = rules_of(db, course_id)
            for name in db.execute(select(lab.c.id).where(lab.c.course == course_id)).scalars().all():
                if rules.of(name).groups:
                    restand(db, course_id, name, affected)

    def list_me(self, course_id: str, person_id: int, alias: str, listed: bool) -> bool:
        """See `Standings`."""
        c = member.c
        own = and_(c.course == course_id, c.person_id == person_id)
        taken = exists().where(
            c.course == course_id, c.person_id != person_id, folded(c.alias) == folded(literal(alias)), c.alias != ""
        )
        with self._write() as db:
            hold(db, course_id)
            if (listed and not alias) or db.execute(select(taken)).scalar():
                return False
            renew(db, [course_id])
            return db.execute(update(member).where(own).values(alias=alias, listed=listed)).rowcount > 0

    def taken_up(self, course_id: str, lab_id: str, person_id: int, since: float) -> list[float]:
        """See `Standings`."""
        with self._read() as db:
            return taken_up(db, course_id, lab_id, person_id, since)

    def _follow(self, course_id: str, labs: Collection[str] | None = None) -> None:
        """Work the standings of these labs out again, of all for None, and everybody's totals.

        In steps, for thousands of results may not wait for it; whoever comes in between is scored by the new rules.
        """
        c = submission.c
        with self._read() as db:
            handed = select(c.lab, c.person_id).where(c.course == course_id).distinct()
            people: dict[str, set[int]] = {}
            for name, person_id in db.execute(handed).all():
                people.setdefault(name, set()).add(person_id)
        for name, theirs in people.items():
            for some in chunks(theirs if labs is None or name in labs else ()):
                with self._write() as db:
                    hold(db, course_id)
                    stand_again(db, course_id, name, some, rules_of(db, course_id))
        for some in chunks(person_id for theirs in people.values() for person_id in theirs):
            with self._write() as db:
                hold(db, course_id)
                settle(db, course_id, some, rules_of(db, course_id), set(people))
        with self._write() as db:
            db.execute(update(course).where(course.c.id == course_id).values(stale=False))


def _changed(old: CourseRules, new: CourseRules) -> set[str] | None:
    """The labs whose own rules changed; None where those of any lab may have."""
    if old.default != new.default:
        return None
    names = {name for name, _ in (*old.labs, *new.labs)}
    return {name for name in names if old.of(name) != new.of(name)}


def _team(db: Connection, course_id: str, person_id: int) -> list[int]:
    c = member.c
    theirs = select(c.team).where(c.course == course_id, c.person_id == person_id, c.team != "").scalar_subquery()
    found = db.execute(select(c.person_id).where(c.course == course_id, c.team == theirs)).scalars().all()
    return sorted({*found, person_id})


def taken_up(db: Connection, course_id: str, lab_id: str, person_id: int, since: float) -> list[float]:
    """When they, or their team, handed in since then what costs an attempt; oldest first."""
    c = submission.c
    together = teams(db, course_id, rules_of(db, course_id).of(lab_id), [person_id])[person_id]
    mine = (c.course == course_id, c.lab == lab_id, c.person_id.in_(together), c.created_at >= since)
    handed = db.execute(select(c.id, c.created_at).where(*mine).order_by(c.created_at)).all()
    jobs = read_shown(db, [handed_id for handed_id, _ in handed])
    costing = _costing(db, jobs.values())
    return [at for handed_id, at in handed if jobs[handed_id].id in costing]


def _costing(db: Connection, jobs: Iterable[Job]) -> set[str]:
    """Those of these jobs that cost an attempt, by id: what is under way does until it shows that it need not."""
    some = list(jobs)
    graded = [job.id for job in some if job.state is JobState.GRADED]
    costs = set(db.execute(select(score.c.job_id).where(score.c.job_id.in_(graded), score.c.costs)).scalars())
    others = {job.id for job in some if job.state in ACTIVE or (job.state, job.fault) == _OWN}
    return costs | others


#: Without a score it costs one only where that is the student's own doing.
_OWN = (JobState.FAILED, Fault.STUDENT)
