"""What the contract tests of the store share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.course import Course, Spec
from grader.domain.people import Role
from tests.contract.desk import MANIFEST, Desk
from tests.contract.grading import Class


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'grader.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store with a course of one lab, a few people, and nothing handed in."""
    one = SqlStore(url)
    one.migrate()
    one.courses.put_course(Course("c", "Course"))
    one.courses.put_lab("c", Spec("1" * 64, "phase/labs/toy", MANIFEST, {"a": b"\0\xff"}))
    for login in ("amy", "bob", "cat"):
        one.accounts.put_member("c", one.accounts.put_person(login, login.title()).id, Role.STUDENT)
    yield one
    one.close()


@pytest.fixture
def school(url: str) -> Iterator[Class]:
    """The course of three labs, empty."""
    store = SqlStore(url)
    store.migrate()
    yield Class(store)
    store.close()


@pytest.fixture
def desk(store: SqlStore) -> Desk:
    """Hands in."""
    return Desk(store)
