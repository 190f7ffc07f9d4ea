"""What a rerun would do is counted once per submission, and what it never does is lower a score it promised to keep."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.job import JobState
from grader.domain.rerun import Direction, Fate, Item, Move, direction, fate, preview

PLAIN = Item("s1", 1, "ada", "Ada", "j1", "graded", 4, 4, {"a": 4, "b": 0}, {"a": 4, "b": 0})
UP = replace(PLAIN, after=10, tests_after={"a": 4, "b": 6})
DOWN = replace(PLAIN, after=0, tests_after={"a": 0, "b": 0})
NEW = replace(PLAIN, before=None, tests_before={}, after=10, tests_after={"a": 4, "b": 6})
UNDECIDED = replace(UP, unsettled=True)
DEAD = replace(PLAIN, after=None, job_state="dead", tests_after={}, unsettled=True)
RUNS = replace(PLAIN, after=None, job_state="running", tests_after={})
LEFT = replace(UP, moved_on=True)

points = st.none() | st.integers(0, 20)
per_test = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9))
states = st.sampled_from([str(state) for state in JobState])
items = st.builds(
    Item, st.just("s"), st.just(1), st.just("ada"), st.just("Ada"), st.just("j"), states,
    points, points, per_test, per_test, st.booleans(), st.booleans(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (PLAIN, Direction.SAME),
        (UP, Direction.UP),
        (DOWN, Direction.DOWN),
        (NEW, Direction.UP),
        (replace(NEW, after=0), Direction.SAME),
        (UNDECIDED, Direction.UNSETTLED),
        (DEAD, Direction.UNSETTLED),
        (RUNS, Direction.UNSETTLED),
    ],
)
def test_a_submission_goes_up_or_down_or_stays_or_nobody_knows(item: Item, expected: Direction) -> None:
    assert direction(item) is expected


def test_a_preview_counts_what_would_happen() -> None:
    found = preview([PLAIN, UP, NEW, DOWN, UNDECIDED, DEAD, RUNS, LEFT], never_lower=False)
    assert found.counts == {Direction.UP: 2, Direction.DOWN: 1, Direction.SAME: 1, Direction.UNSETTLED: 2}
    assert (found.kept, found.moved_on, found.pending) == (0, 1, 1)
    assert found.tests == (("a", 1, 1), ("b", 2, 0))


def test_a_rerun_that_never_lowers_keeps_what_would_go_down_and_its_tests() -> None:
    found = preview([UP, DOWN], never_lower=True)
    assert (found.counts[Direction.DOWN], found.kept) == (0, 1)
    assert found.tests == (("a", 0, 0), ("b", 1, 0))


def test_a_test_that_only_one_spec_has_is_worth_nothing_under_the_other() -> None:
    item = replace(PLAIN, tests_before={"old": 4, "a": 0}, tests_after={"a": 0, "new": 4})
    assert preview([item], never_lower=False).tests == (("a", 0, 0), ("new", 1, 0), ("old", 0, 1))


def test_who_may_not_see_a_test_reads_sums_without_it() -> None:
    move = Move("r1", 1.0, "", None, 10, {}, {"a": 4, "b": 6}).without(("b",))
    assert (move.before, move.after, move.tests_after) == (None, 4, {"a": 4})


def test_nothing_is_nothing() -> None:
    found = preview([], never_lower=False)
    assert set(found.counts.values()) == {0} and found.tests == ()


@given(st.lists(items, max_size=12), st.booleans())
def test_every_submission_is_counted_exactly_once(some: list[Item], never_lower: bool) -> None:
    found = preview(some, never_lower=never_lower)
    assert sum(found.counts.values()) + found.kept + found.moved_on + found.pending == len(some)


@given(items)
def test_who_was_promised_never_to_lose_does_not(item: Item) -> None:
    if fate(item, never_lower=True) is Fate.MOVES:
        assert item.after is not None and item.after >= (item.before or 0)


@given(items, st.booleans())
def test_what_moved_on_or_has_not_ended_never_moves(item: Item, never_lower: bool) -> None:
    if item.moved_on or not JobState(item.job_state).final:
        assert fate(item, never_lower=never_lower) is not Fate.MOVES
