"""Where nobody measures, the tests that need an engine are gone and the others share all points, to the point."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit.manifest import TestEntry, apportioned, read_manifest, without_measured
from labkit.points import earned

from grader.domain import score
from grader.domain.lab import Lab, TestSpec
from grader.domain.measurements import read_properties
from grader.domain.report import TestResult, Verdict

COURSE = Path(__file__).parents[2] / "labs"
MANIFESTS = sorted(COURSE.glob("*/labs/*/lab.toml"))


@pytest.mark.parametrize(
    ("points", "total", "shares"),
    [
        ([], 0, []),
        ([0, 0], 10, [0, 0]),
        ([3, 4, 3], 10, [3, 4, 3]),
        ([1, 1, 1], 10, [4, 3, 3]),  # equal remainders: the earlier one
        ([1, 2, 1, 0], 10, [3, 5, 2, 0]),
        ([70, 15], 100, [82, 18]),
    ],
)
def test_the_largest_remainders_get_what_is_left(points: list[int], total: int, shares: list[int]) -> None:
    assert apportioned(points, total) == shares


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(any), st.integers(1, 10_000))
def test_every_point_is_given_once_and_nobody_is_off_by_one(points: list[int], total: int) -> None:
    shares = apportioned(points, total)
    assert sum(shares) == total
    assert all(abs(share - one * total / sum(points)) < 1 for one, share in zip(points, shares, strict=True))


def test_a_measured_test_is_gone_and_a_stretch_one_stays_without_points() -> None:
    entries = [
        TestEntry("test_a", 3, ""), TestEntry("test_b", 1, "", measured=True), TestEntry("test_c", 0, "", stretch=True)
    ]  # fmt: skip
    assert [(entry.name, entry.points) for entry in without_measured(entries, 4)] == [("test_a", 4), ("test_c", 0)]


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.parent.name)
@pytest.mark.parametrize("measured", [False, True])
def test_a_spec_at_home_and_the_service_share_the_points_alike(file: Path, measured: bool, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if measured:
        text = text.replace("\nmeasured = false", "\nmeasured = true", 1)
    (tmp_path / "lab.toml").write_text(text, encoding="utf-8")
    ours, theirs = read_manifest(tmp_path), Lab.from_toml(text, file="lab.toml")
    assert {name: entry.points for name, entry in ours.tests.items()} == {t.name: t.points for t in theirs.tests}
    assert sum(entry.points for entry in ours.tests.values()) == ours.max_score == theirs.max_score
    assert ours.history == theirs.history


def passed(shares: list[Any]) -> TestResult:
    """What the service reads of a test that passed with those shares."""
    read = read_properties([["share", share] for share in shares])
    return TestResult("test_a", Verdict.PASSED, share=read.share)


@pytest.mark.parametrize(
    ("points", "shares", "worth"),
    [
        (4, [], 4), (4, [1.0], 4), (4, [1], 4), (4, [0.75], 3), (3, [0.5], 2), (5, [0.5], 3), (3, [0.4], 1),
        (2, [0.2], 0), (4, [0.0], 0), (4, [0.5, 0.25], 1), (4, [7], 0), (4, [-1], 0), (4, ["half"], 0),
    ],
)  # fmt: skip
def test_a_share_is_rounded_half_up_at_home_as_in_the_service(points: int, shares: list[Any], worth: int) -> None:
    test = TestSpec("test_a", points, None, False, None, "")
    assert earned(points, [("check", {}), *(("share", share) for share in shares)]) == worth
    assert score.earned(test, passed(shares)) == worth
