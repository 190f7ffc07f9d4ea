"""Each process that shows a class keeps it in memory; what another process changes is seen at once all the same."""

from collections.abc import Iterator

import pytest

from grader.adapters.sql_store import SqlStore, roll
from grader.domain.people import Role
from tests.contract.grading import LABS, NOW, Class


@pytest.fixture
def other(url: str, school: Class) -> Iterator[SqlStore]:
    """Another process, which has shown the class already, in every order."""
    store = SqlStore(url)
    for sort in (*sorted(roll.SORTS), *LABS):
        store.standings.board("c", sort=sort)
    yield store
    store.close()


def logins(store: SqlStore, **how: object) -> list[str]:
    return [row.login for row in store.standings.board("c", **how)[0]]  # type: ignore[arg-type]


def test_who_comes_leaves_or_is_renamed(school: Class, other: SqlStore) -> None:
    school.ids["dan"] = school.join("dan", section="A", name="Dan")
    assert logins(other) == ["amy", "bob", "cat", "dan"]
    assert other.standings.sections("c") == ["A"]
    school.join("bob", Role.GRADER)
    assert logins(other) == ["amy", "cat", "dan"]
    school.join("amy", name="Zoë")
    assert logins(other, sort="name") == ["cat", "dan", "amy"]
    assert logins(other, search="ZOË") == ["amy"]
    school.join("dan", section="B", name="Dan")
    assert (logins(other, section="A"), logins(other, section="B")) == ([], ["dan"])


def test_a_result_moves_one_line(school: Class, other: SqlStore) -> None:
    before = other.standings.lines("c")
    school.graded(6, "bob", "toy")
    school.graded(10, "cat", "two", at=NOW + 1)
    after = other.standings.lines("c")
    assert {one for one in after if after[one] != before[one]} == {school.ids["bob"], school.ids["cat"]}
    assert logins(other, sort="points", descending=True) == ["cat", "bob", "amy"]
    assert logins(other, sort="toy", descending=True) == ["bob", "amy", "cat"]
    assert logins(other, sort="two", descending=True) == ["cat", "amy", "bob"]
    assert logins(other, sort="last", descending=True) == ["cat", "bob", "amy"]


def test_a_board_that_never_stands_still_is_right(school: Class, other: SqlStore, url: str) -> None:
    for number, login in enumerate(("amy", "cat", "bob", "amy")):
        school.graded((4, 6, 10, 10)[number], login, LABS[number % 3], at=NOW + number)
        kept = other.standings.board("c", sort="points", descending=True)
        with_nothing_kept = SqlStore(url)
        fresh = with_nothing_kept.standings.board("c", sort="points", descending=True)
        with_nothing_kept.close()
        assert kept == fresh


def test_many_results_are_read_at_once(school: Class, other: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "FEW", 1)
    for login, points in (("amy", 4), ("bob", 10), ("cat", 6)):
        school.graded(points, login)
    assert logins(other, sort="toy", descending=True) == ["bob", "cat", "amy"]


def test_an_alias_is_news(school: Class, other: SqlStore) -> None:
    before = other.standings.revision("c", "two")
    assert school.store.standings.list_me("c", school.ids["amy"], "Heron", True)
    assert other.standings.revision("c", "two") > before
    assert other.standings.board("c")[0][0].alias == "Heron"


def test_marks_of_some_are_those_among_the_marks_of_all(school: Class, other: SqlStore) -> None:
    for login, points in (("amy", 4), ("bob", 10)):
        school.graded(points, login)
    everybody = other.standings.marks("c", "toy")
    assert [one.login for one in everybody] == ["amy", "bob"]
    assert other.standings.marks("c", "toy", people=[school.ids["bob"], school.ids["cat"]]) == everybody[1:]
    assert other.standings.marks("c", "toy", people=[]) == []
