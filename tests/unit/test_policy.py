"""The rules of a course about time and attempts, as properties that hold for every time, zone and number."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.course_rules import read_rules
from grader.domain.errors import BadManifest
from grader.domain.lab import Lab
from grader.domain.policy import DAY_S, Cap, Extension, Late, Policy, extra_s

MOMENTS = st.integers(0, 4_000_000_000).map(float)
SPANS = st.integers(0, 400 * 86_400).map(float)
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]
)
LOCAL = st.datetimes(datetime(1995, 1, 1), datetime(2090, 1, 1)).map(lambda local: local.replace(microsecond=0))


def due_in(zone: str, local: datetime, lab: Lab) -> float:
    """When that is, as course.toml says it."""
    text = f'timezone = "{zone}"\n[policy]\ndue = {local.isoformat()}'
    due = read_rules(text, {lab.id: lab}).of(lab.id).due_at
    assert due is not None
    return due


@given(zone=ZONES, local=LOCAL)
def test_a_local_time_is_the_later_of_those_it_may_mean_or_is_refused(lab: Lab, zone: str, local: datetime) -> None:
    there = [
        moment
        for fold in (0, 1)
        for moment in [local.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()]
        if datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local
    ]
    if there:
        assert due_in(zone, local, lab) == max(there)
    else:
        with pytest.raises(BadManifest, match="the clocks skip this one"):
            due_in(zone, local, lab)


@pytest.mark.parametrize(
    ("zone", "local"),
    [("Europe/Berlin", "2026-03-29T02:30:00"), ("America/New_York", "2026-03-08T02:00:00"),
     ("Australia/Lord_Howe", "2026-10-04T02:15:00")],
)  # fmt: skip
def test_a_time_that_the_clocks_skip_is_refused_by_name(lab: Lab, zone: str, local: str) -> None:
    with pytest.raises(BadManifest, match=rf"policy\.due: expected a time that there is \(in {zone} the clocks skip"):
        due_in(zone, datetime.fromisoformat(local), lab)


def test_of_a_time_that_comes_twice_the_later_is_meant(lab: Lab) -> None:
    due = due_in("Europe/Berlin", datetime(2026, 10, 25, 2, 30), lab)
    assert datetime.fromtimestamp(due, UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(due=MOMENTS, days=st.integers(0, 400))
def test_days_late_change_exactly_at_the_due_time_and_after_each_whole_day(due: float, days: int) -> None:
    policy = Policy(due_at=due)
    assert policy.days_late(due + days * DAY_S) == days, "a moment belongs to what comes before it"
    assert policy.days_late(due + days * DAY_S + 0.001) == days + 1
    assert policy.days_late(due - days - 0.001) == 0


@given(due=MOMENTS, first=SPANS, more=SPANS)
def test_nobody_is_less_late_later(due: float, first: float, more: float) -> None:
    policy = Policy(due_at=due)
    assert policy.days_late(due + first) <= policy.days_late(due + first + more)


@given(moment=MOMENTS)
def test_where_nothing_is_due_nothing_is_late_hidden_or_closed(moment: float) -> None:
    policy = Policy(hidden=("test_a",))
    assert (policy.days_late(moment), policy.hides(moment)) == (0, ())
    assert not policy.closed(moment)
    assert not policy.not_open(moment)


@given(opens=MOMENTS, until_due=SPANS, until_closed=SPANS, extra=SPANS, moment=MOMENTS)
def test_an_extension_moves_the_end_and_never_the_beginning(
    opens: float, until_due: float, until_closed: float, extra: float, moment: float
) -> None:
    policy = Policy(opens, opens + until_due, opens + until_due + until_closed, hidden=("test_a",))
    longer = policy.extended(extra)
    assert longer.opens_at == opens
    assert longer.days_late(moment + extra) == policy.days_late(moment)
    assert longer.closed(moment + extra) == policy.closed(moment)
    assert longer.hides(moment + extra) == policy.hides(moment)
    assert longer.days_late(moment) <= policy.days_late(moment)
    assert policy.closed(moment) or not longer.closed(moment)
    assert longer.hides(moment) or not policy.hides(moment), "what is hidden from others is hidden from them"
    assert policy.extended(0) == policy


@given(moment=MOMENTS)
def test_the_named_moments_themselves(moment: float) -> None:
    policy = Policy(moment, moment + 10, moment + 20, hidden=("test_a",))
    assert not policy.not_open(moment) and policy.not_open(moment - 0.001)
    assert not policy.closed(moment + 20) and policy.closed(moment + 20.001)
    assert policy.hides(moment + 9.999) == ("test_a",)
    assert policy.hides(moment + 10) == ()


@given(percent=st.integers(0, 100), most=st.integers(0, 100), days=st.integers(-5, 500), points=st.integers(0, 10_000))
def test_a_penalty_is_bounded_and_rounds_in_the_students_favour(
    percent: int, most: int, days: int, points: int
) -> None:  # fmt: skip
    late = Late(percent, most)
    taken = late.penalty_percent(days)
    assert 0 <= taken <= most
    assert taken == min(most, percent * max(0, days))
    left = late.left(points, days)
    assert 0 <= left <= points
    exact = points * (100 - taken) / 100
    assert exact <= left + 1e-9
    assert left - exact < 1
    assert late.left(points, days) >= late.left(points, days + 1)
    assert late.left(points, 0) == points


@given(taken=st.lists(MOMENTS, max_size=30), submissions=st.integers(1, 8), window=st.integers(1, 200_000), now=MOMENTS)
def test_a_cap_tells_exactly_when_the_next_one_is_free(
    taken: list[float], submissions: int, window: int, now: float
) -> None:  # fmt: skip
    cap = Cap(submissions, float(window))
    before = [moment for moment in taken if moment <= now]
    assert 0 <= cap.left(taken, now) <= submissions
    assert cap.left(taken, now) == cap.left(before, now), "what comes later is not counted yet"
    free_at = cap.free_at(taken, now)
    assert now <= free_at <= now + window
    assert cap.left(before, free_at) > 0
    if free_at > now:
        assert cap.left(before, now) == 0
        assert cap.left(before, free_at - 0.001) == 0


@given(moments=st.lists(st.integers(0, 100_000).map(float), min_size=1, max_size=60), submissions=st.integers(1, 5))
def test_whoever_waits_as_told_never_has_more_than_the_cap_in_any_window(
    moments: list[float], submissions: int
) -> None:  # fmt: skip
    cap = Cap(submissions, 3600.0)
    taken: list[float] = []
    for moment in sorted(moments):
        if cap.left(taken, moment):
            taken.append(moment)
    for start in taken:
        assert sum(start <= moment < start + cap.window_s for moment in taken) <= submissions


@given(given_s=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 4), SPANS), max_size=10))
def test_a_team_has_its_longest_extension(given_s: list[tuple[str, int, float]]) -> None:
    extensions = [Extension("c", lab, person, span, "", "g", 0.0) for lab, person, span in given_s]
    found = extra_s(extensions, "a", [1, 2])
    assert found == max([span for lab, person, span in given_s if lab == "a" and person in (1, 2)], default=0.0)
    assert all(found >= extra_s(extensions, "a", [one]) for one in (1, 2))


@given(opens=MOMENTS, due=MOMENTS, closes=MOMENTS)
def test_times_are_taken_in_order_or_not_at_all(lab: Lab, opens: float, due: float, closes: float) -> None:
    opens, due, closes = (1e9 + moment % 5 for moment in (opens, due, closes))  # often equal, in any order
    names = {"opens": opens, "due": due, "closes": closes}
    said = [f"{name} = {datetime.fromtimestamp(moment, UTC).isoformat()}" for name, moment in names.items()]
    text = "\n".join(["[policy]", *said])
    if opens < due <= closes:
        assert read_rules(text, {lab.id: lab}).of(lab.id) == Policy(opens, due, closes)
    else:
        with pytest.raises(BadManifest, match="a time after policy"):
            read_rules(text, {lab.id: lab})


@given(local=LOCAL, hours=st.integers(-14, 14))
def test_an_offset_says_which_moment_is_meant_whatever_the_zone(lab: Lab, local: datetime, hours: int) -> None:
    offset = f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    text = f'timezone = "Asia/Kathmandu"\n[policy]\ndue = {local.isoformat()}{offset}'
    expected = (local.replace(tzinfo=UTC) - timedelta(hours=hours)).timestamp()
    assert read_rules(text, {lab.id: lab}).of(lab.id).due_at == expected
