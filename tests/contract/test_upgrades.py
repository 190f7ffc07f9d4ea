"""A database of an earlier release keeps every score, and its standings are worked out of them."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, update

from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.tables import content, course, job, lab, member, person, report, score, spec, submission
from grader.domain.job import JobState
from tests.contract.grading import NOW, OLD, TESTS, manifest

REVISIONS = ("0001", "0002", "0003", "0004")


def fill(db: Connection) -> None:
    """A course in which Amy was graded twice for one submission and not at all for the next, and Bob once."""
    db.execute(insert(course).values(id="c", title="Course", folder=""))
    db.execute(insert(spec).values(digest=OLD, lab_path="labs/toy", manifest=manifest("toy"), bundle=b""))
    its = {"title": "Toy", "position": 1, "queue": "cpu", "max_score": 10, "submission": '["starter.py"]'}
    db.execute(insert(lab).values(course="c", id="toy", spec_digest=OLD, **its))
    db.execute(insert(content).values(digest="d" * 64, files=b""))
    for number, login in enumerate(("amy", "bob"), start=1):
        db.execute(insert(person).values(id=number, login=login, name=login.title(), email=""))
        db.execute(insert(member).values(course="c", person_id=number, role="student", section=""))
    handed = (("s1", 1, 1), ("s2", 1, 2), ("s3", 2, 1))
    for name, who, number in handed:
        its = {"course": "c", "lab": "toy", "source": "api", "digest": "d" * 64}
        db.execute(insert(submission).values(id=name, person_id=who, number=number, created_at=NOW + number, **its))
    grade(db, "j1", "s1", 1, 10, NOW + 1)
    grade(db, "j2", "s1", 1, 6, NOW + 50, report_of("test_a"))
    grade(db, "j3", "s2", 1, None, NOW + 2)
    grade(db, "j4", "s3", 2, 4, NOW + 1, b"this is no report")


def grade(
    db: Connection, name: str, handed: str, who: int, points: int | None, at: float, body: bytes | None = None
) -> None:
    """A job that ended, with what was kept of it."""
    state = JobState.FAILED if points is None else JobState.GRADED
    its: dict[str, Any] = {"course": "c", "lab": "toy", "person_id": who, "spec_digest": OLD, "queue": "cpu", "lane": 0}
    its |= {"seed": "1", "max_attempts": 3, "attempt": 1, "worker": "w", "cancel_requested": False, "problem": ""}
    its |= {"sandbox": "fake", "duration_s": 1.0, "last_event": 0, "available_at": at, "finished_at": at}
    most = None if points is None else 10
    row = {"id": name, "submission_id": handed, "created_at": at, "state": str(state), "points": points}
    db.execute(insert(job).values(**row, max_points=most, **its))
    if points is not None:
        db.execute(insert(score).values(job_id=name, points=points, max_points=10, per_test="[]", at=at))
    if body is not None:
        db.execute(insert(report).values(job_id=name, attempt=1, body=zlib.compress(body)))


def report_of(*passed: str) -> bytes:
    """A report in which these tests passed."""
    tests = []
    for name in TESTS:
        outcome = "passed" if name in passed else "failed"
        stages = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "teardown")}
        call = {"outcome": outcome, "duration": 0.1}
        tests.append({"nodeid": f"labs/toy/test_lab.py::{name}", "outcome": outcome, **stages, "call": call})
    return json.dumps({"tests": tests}).encode()


@pytest.fixture(params=REVISIONS)
def upgraded(request: pytest.FixtureRequest, url: str) -> Iterator[SqlStore]:
    """A store over a database that an earlier release made."""
    store = SqlStore(url)
    store.migrate(request.param)
    engine = create_engine(url)
    with engine.begin() as db:
        fill(db)
    engine.dispose()
    store.migrate()
    yield store
    store.close()


def test_every_score_is_kept_and_counts(upgraded: SqlStore) -> None:
    assert upgraded.standings.counted(["s1", "s2", "s3"]) == {"s1": "j2", "s3": "j4"}
    assert upgraded.standings.stale() == ["c"]
    assert upgraded.standings.rebuild("c") == 2
    assert upgraded.standings.stale() == []
    assert [(one.login, one.points, one.submission_id) for one in upgraded.submissions.best("c")] == [
        ("amy", 6, "s1"), ("bob", 4, "s3"),
    ]  # fmt: skip
    amy, _ = upgraded.standings.board("c")[0]
    assert (amy.cells["toy"].state, amy.cells["toy"].attempts, amy.total.points) == (JobState.FAILED, 2, 6)


def test_how_tests_ended_is_read_from_the_reports_there_are(upgraded: SqlStore) -> None:
    upgraded.standings.rebuild("c")
    amy, bob = upgraded.standings.marks("c", "toy")
    assert [(mark.test, mark.verdict) for mark in amy.tests] == [("test_a", "passed"), ("test_b", "failed")]
    assert (bob.points, bob.tests) == (4, ())


def test_a_database_where_nobody_handed_in_has_nothing_to_work_out(url: str) -> None:
    store = SqlStore(url)
    store.migrate("0004")
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(insert(course).values(id="c", title="Course", folder=""))
    engine.dispose()
    store.migrate()
    assert store.standings.stale() == []
    assert store.courses.courses()[0].id == "c"
    store.close()


def test_of_jobs_that_ended_before_nobody_knows_where_their_time_went(url: str) -> None:
    store = SqlStore(url)
    store.migrate("0005")
    engine = create_engine(url)
    with engine.begin() as db:
        fill(db)
        db.execute(update(submission).where(submission.c.id == "s1").values(counted_job_id="j2"))
    engine.dispose()
    store.migrate()
    assert store.jobs.stages("j2") == {}
    assert store.operations.figures(NOW).stages == {}
    assert store.standings.counted(["s1"]) == {"s1": "j2"}
    store.close()
