"""Pictures in text: they fit a terminal, tell the truth in cells, and never leave the reader without a scale."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labkit.drawing import MOST_ROWS, histogram, margin

MOST_COLUMNS = 65  # beside a label, in 78 columns


def shares(**changes: Any) -> dict[str, Any]:
    """Three outcomes: one too often, one too rarely, one that must not happen."""
    return {"context": "draft 3", "labels": ["a", "b", "c"], "expected": [0.5, 0.5, 0.0], "observed": [0.7, 0.2, 0.1],
            "low": [0.4, 0.4, 0.0], "high": [0.6, 0.6, 0.0], "n": 1000, "worst": 0, **changes}  # fmt: skip


def test_a_bar_is_the_drawn_share_and_the_shaded_cells_are_what_is_allowed() -> None:
    assert histogram(shares(), 3.3e-10, 1000) == [
        "outcome               law   yours  █ yours, ░ allowed",
        "a                   50.0%   70.0%  ████████████████▓▓▓▓▓▓▓▓████ ✗",
        "b                   50.0%   20.0%  ████████        ░░░░░░░░ ✗",
        "c                    0.0%   10.0%  ████ ✗",
        "1,000 draws of this input.",
        "In a correct implementation every bar ends in the shaded cells,",
        "but for 1 of 3 billion runs.",
    ]


def test_where_no_bar_is_outside_the_picture_says_so() -> None:
    lines = histogram(shares(observed=[0.5, 0.5, 0.0]), 1e-9, 1000)
    assert lines[-1] == "but for 1 of 1 billion runs. Here every bar does."
    assert not any("✗" in line for line in lines)


def test_draws_after_the_verdict_are_named_as_such() -> None:
    assert "drawn on after the verdict" in histogram(shares(), 1e-9, 7)[4]


def test_many_outcomes_become_few_rows_and_none_that_is_outside_is_lost() -> None:
    k = 13
    bars = shares(
        labels=[*(f"2 drafts kept, then token {i}" for i in range(k - 1)), "9 others"],
        expected=[0.02] * (k - 1) + [0.76], observed=[0.0, 0.2, *[0.02] * (k - 3), 0.58],
        low=[0.0] * (k - 1) + [0.5], high=[0.1] * (k - 1) + [0.9], worst=0,
    )  # fmt: skip
    lines = histogram(bars, 1e-9, 1000)
    assert len(lines) == 1 + MOST_ROWS + 3
    assert "token 0" in lines[1] and "token 1" in lines[2] and lines[2].endswith("✗")
    assert lines[MOST_ROWS].startswith("all others") and "88.0%" in lines[MOST_ROWS]
    assert not any("9 others" in line for line in lines)


@given(
    st.lists(st.tuples(st.text("abc ", min_size=1, max_size=80), *[st.floats(0, 1)] * 4), min_size=1, max_size=13),
    st.integers(1, 10**7), st.integers(0, 12), st.floats(1e-12, 0.5),
)  # fmt: skip
def test_any_shares_fit_their_columns(rows: list[Any], n: int, worst: int, rate: float) -> None:
    labels, expected, observed, one, other = map(list, zip(*rows, strict=True))
    bars = shares(labels=labels, expected=expected, observed=observed, low=list(map(min, one, other)),
                  high=list(map(max, one, other)), n=n, worst=worst % len(rows))  # fmt: skip
    lines = histogram(bars, rate, 100)
    assert len(lines) <= 1 + MOST_ROWS + 3
    assert all(len(line) <= MOST_COLUMNS and line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("observed", "allowed", "line"),
    [
        (0.1, 1e-5, "──────────────────────────┃╌╌╌╌╌╌╌●  10,000 times the limit"),
        (2e-5, 1e-5, "──────────────────────────┃●╌╌╌╌╌╌╌  2 times the limit"),
        (float("inf"), 1e-5, "──────────────────────────┃╌╌╌╌╌╌╌▶  nothing like it"),
        (1e300, 1e-5, "──────────────────────────┃╌╌╌╌╌╌╌▶  nothing like it"),
        (9e-6, 1e-5, "─────────────────────────●┃╌╌╌╌╌╌╌╌  yours 9e-06 of 1e-05"),
        (0.0, 1e-5, "●─────────────────────────┃╌╌╌╌╌╌╌╌  yours 0 of 1e-05"),
    ],
)
def test_a_margin_is_one_line_with_the_limit_in_it(observed: float, allowed: float, line: str) -> None:
    assert margin(observed, allowed) == line


@pytest.mark.parametrize(("observed", "allowed"), [(1.0, 0.0), (float("nan"), 1.0), (0.0, 0.0), (1.0, float("inf"))])
def test_without_a_limit_to_compare_with_there_is_no_margin(observed: float, allowed: float) -> None:
    assert margin(observed, allowed) == ""


@given(st.floats(0, allow_nan=False), st.floats(1e-300, 1e300))
def test_any_margin_fits_its_columns(observed: float, allowed: float) -> None:
    line = margin(observed, allowed)
    assert 0 < len(line) <= MOST_COLUMNS
    assert line.count("┃") == 1 and ("●" in line or "▶" in line)
