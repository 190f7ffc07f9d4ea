"""A large class, made by a few statements inside the database, the same on SQLite and PostgreSQL.

Everything is as the store would have written it, but for reports, events and attempts, which no board reads.
"""

import json
from datetime import UTC, datetime

from sqlalchemy import Connection, create_engine, insert, text

from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.tables import content, member, person
from grader.domain.course import Course, Spec
from grader.domain.marks import TestMark
from grader.domain.people import Role

COURSE = "bench"
TESTS = tuple(f"test_{number}" for number in range(8))
WORTH = 5
#: Seconds since 1970 of the first submission, and between the labs' due times.
BEGAN, WEEK = 1_700_000_000.0, 604_800.0
VARIANTS = 64
_CAUSES = ("off-by-one", "wrong-shape", "wrong-answer", "not-a-probability")

_TABLES = (
    "CREATE TABLE bench_n (n INTEGER PRIMARY KEY)",
    "CREATE TABLE bench_variant (k INTEGER PRIMARY KEY, points INTEGER, per_test TEXT, detail TEXT)",
)
#: One row per submission: who, which lab, their how-manieth, at which second, how good.
_EACH = """
FROM person p CROSS JOIN lab l CROSS JOIN bench_n n
JOIN bench_variant v ON v.k = (p.id * 7 + l.position * 13 + (n.n % 3) * 5) % {variants}
WHERE l.course = '{course}' AND p.login LIKE 'student-%'
"""
_ID = "CAST(p.id AS TEXT) || '-' || CAST(l.position AS TEXT) || '-' || CAST(n.n AS TEXT)"
_AT = "{began} + l.position * {week} - (40 - n.n * 2) * 3600.0 + p.id"
_SUBMISSIONS = f"""
INSERT INTO submission (id, course, lab, person_id, number, digest, source, created_at, counted_job_id)
SELECT 's' || {_ID}, l.course, l.id, p.id, n.n, '{{digest}}', 'git', {_AT}, 'j' || {_ID} {_EACH}
"""
_JOBS = f"""
INSERT INTO job (id, submission_id, course, lab, person_id, spec_digest, queue, lane, seed, max_attempts, created_at,
    state, attempt, worker, available_at, finished_at, cancel_requested, problem, sandbox, duration_s, points,
    max_points, last_event)
SELECT 'j' || {_ID}, 's' || {_ID}, l.course, l.id, p.id, l.spec_digest, 'cpu', 0, '1', 5, {_AT}, 'graded', 1, 'w',
    {_AT}, {_AT} + 3.0, {{no}}, '', 'bubblewrap', 1.5, v.points, {{most}}, 0 {_EACH}
"""
_SCORES = f"""
INSERT INTO score (job_id, points, max_points, per_test, at, detail, costs)
SELECT 'j' || {_ID}, v.points, {{most}}, v.per_test, {_AT} + 3.0, v.detail, {{yes}} {_EACH}
"""


def rules(labs: int) -> str:
    """A course.toml with a due time per lab, late work, free days, and hidden tests in the last three labs."""
    tables = []
    for number in range(1, labs + 1):
        hidden = 'hidden_until_due = ["test_7"]\n' if number > labs - 3 else ""
        due = datetime.fromtimestamp(BEGAN + number * WEEK, UTC)
        tables.append(f"[labs.lab-{number:02}]\ndue = {due:%Y-%m-%dT%H:%M:%SZ}\nlate_percent_per_day = 10\n{hidden}")
    return "late_days = 5\n" + "".join(tables)


def fill(url: str, students: int, labs: int, submissions: int) -> None:
    """Make the class in an empty database; its standings are not worked out yet."""
    store = SqlStore(url)
    store.migrate()
    store.courses.put_course(Course(COURSE, "A large course"))
    for number in range(1, labs + 1):
        store.courses.put_lab(COURSE, Spec(f"{number:064}", f"labs/lab-{number:02}", _manifest(number), {}))
    store.close()
    engine = create_engine(url)
    with engine.begin() as db:
        _people(db, students)
        for statement in _TABLES:
            db.execute(text(statement))
        db.execute(text("INSERT INTO bench_n VALUES (:n)"), [{"n": n} for n in range(1, submissions + 1)])
        db.execute(text("INSERT INTO bench_variant VALUES (:k, :points, :per_test, :detail)"), _variants())
        db.execute(insert(content).values(digest="d" * 64, files=b""))
        flags = {"yes": "true", "no": "false"} if db.dialect.name == "postgresql" else {"yes": "1", "no": "0"}
        known = {"began": BEGAN, "week": WEEK, "course": COURSE, "variants": VARIANTS, "digest": "d" * 64}
        for statement in (_SUBMISSIONS, _JOBS, _SCORES):
            db.execute(text(statement.format(**known, **flags, most=WORTH * len(TESTS))))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("VACUUM ANALYZE"))  # as it does by itself some minutes later
    engine.dispose()


def _people(db: Connection, students: int) -> None:
    people = [
        {"login": f"student-{number:04}", "name": f"Student Number {number * 7919 % students:04}", "email": ""}
        for number in range(students)
    ]
    db.execute(insert(person), [*people, {"login": "grader", "name": "Grader", "email": ""}])
    found = db.execute(person.select()).mappings().all()
    db.execute(insert(member), [_member(row["id"], row["login"]) for row in found])


def _member(person_id: int, login: str) -> dict[str, object]:
    role = Role.STUDENT if login != "grader" else Role.GRADER
    listed = role is Role.STUDENT and person_id % 2 == 0
    section, alias = f"Section {person_id % 8}", f"alias {person_id}" if listed else ""
    return {"course": COURSE, "person_id": person_id, "role": str(role), "section": section, "alias": alias,
            "listed": listed, "team": ""}  # fmt: skip


def _manifest(number: int) -> str:
    head = f'id = "lab-{number:02}"\ntitle = "Lab {number}"\norder = {number}\nsubmission = ["starter.py"]\n'
    contract = f'max_score = {WORTH * len(TESTS)}\n[functions]\nanswer = "() -> int"\n'
    tests = (f'[[tests]]\nname = "{name}"\npoints = {WORTH}\nstage = 1\nclaim = "it works"\n' for name in TESTS)
    return head + contract + "".join(tests)


def _variants() -> list[dict[str, object]]:
    """Results of every kind: each passes about two tests in three."""
    made = []
    for k in range(VARIANTS):
        passed = [name for at, name in enumerate(TESTS) if (k * 5 + at * at * 3) % 3]
        marks = [_mark(name, k, at, passed=name in passed) for at, name in enumerate(TESTS)]
        detail = [(mark.test, mark.verdict, mark.cause, mark.margin) for mark in marks]
        per_test = [(name, WORTH if name in passed else 0) for name in TESTS]
        made.append(
            {"k": k, "points": WORTH * len(passed), "per_test": json.dumps(per_test), "detail": json.dumps(detail)}
        )
    return made


def _mark(name: str, k: int, at: int, *, passed: bool) -> TestMark:
    if passed:
        return TestMark(name, "passed", "", round((k % 10) / 12, 3))
    return TestMark(name, "failed", _CAUSES[(k + at) % len(_CAUSES)], round(1.1 + k / 7, 3))
