"""The pictures of a law check show the check's own allowance, and never claim more than was settled."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.measurements import TRACE_POINTS, Bars, Check, Trace
from grader.web.pages.law_pictures import bars, distances
from tests.svg_reading import inside, numbers, safe, words

CHECK = Check("law", 12.0, 9.48, 5000, 3.3e-10, sigmas=8.0, kind="law", statistic="evidence, log10", conclusive=True)
WALK = Trace((16, 128, 1024, 4096), (0.31, 0.22, 0.21, 0.2), (0.4, 0.15, 0.05, 0.02))


def shares(**changes: Any) -> Bars:
    """Bars of three outcomes; the first and the last are outside what is allowed."""
    given = {"context": "draft 3", "labels": ("a", "b", "c"), "expected": (0.5, 0.5, 0.0), "observed": (0.3, 0.6, 0.1),
             "n": 1000, "low": (0.4, 0.4, 0.0), "high": (0.6, 0.62, 0.0), **changes}  # fmt: skip
    return Bars(**given)


def test_bars_name_the_outcome_furthest_from_the_law_and_count_what_is_outside() -> None:
    assert words(bars(shares())) == (
        "shares of 3 outcomes in 1,000 draws; furthest from the law: a, 30.0% instead of 50.0%; "
        "outside what is allowed: 2"
    )
    ordinary = bars(shares(observed=(0.49, 0.51, 0.0)))
    assert words(ordinary).endswith("outside what is allowed: none")


def test_what_is_outside_the_band_is_marked_by_more_than_colour() -> None:
    assert "yours, outside what is allowed" in bars(shares()) and "10.0% ✗" in bars(shares())
    ordinary = bars(shares(observed=(0.49, 0.51, 0.0)))
    assert "outside what" not in ordinary.split(">", 1)[1] and "✗" not in ordinary


def test_the_band_is_drawn_where_the_check_says() -> None:
    svg = bars(shares())
    per_share = 144 / 0.6  # the longest bar, 60 %, fills the track
    edges = re.findall(r'class="edge" d="M([\d.]+) \d+ v26 M([\d.]+) ', svg)
    assert [tuple(map(float, edge)) for edge in edges] == [
        (pytest.approx(94 + 0.4 * per_share), pytest.approx(94 + 0.6 * per_share)),
        (pytest.approx(94 + 0.4 * per_share), pytest.approx(94 + 0.62 * per_share)),
    ], "the third outcome must not happen: there is no band to end in"
    assert "allowed 40.00% to 60.00%" in svg


def test_a_report_without_bands_claims_none() -> None:
    old = bars(shares(low=(), high=()))
    assert "allowed" not in old and "yours, far off" in old


def test_before_a_check_is_settled_nothing_is_red() -> None:
    assert 'class="drawn off"' in bars(shares()) and 'class="drawn open"' not in bars(shares())
    unsettled = bars(shares(), settled=False)
    assert 'class="drawn open"' in unsettled and " off" not in unsettled


def test_long_labels_stand_above_their_bars_and_are_cut_but_told_whole() -> None:
    label = "2 drafts kept, then token 4" * 4
    svg = bars(shares(labels=("a", "b", label)))
    assert f"<title>{label}: by the law" in svg and f">{label}<" not in svg
    assert inside(svg)


def test_hostile_labels_are_text() -> None:
    svg = bars(shares(labels=('"><script>alert(1)</script>', "&lt;", "'\x7f")))
    assert "<script" not in svg
    assert "<script>" in words(bars(shares(labels=('<script>"', "b", "c"))))


SHARE = st.floats(0, 1)


@given(
    st.lists(st.tuples(st.text(max_size=90), SHARE, SHARE, SHARE, SHARE), min_size=1, max_size=13),
    st.integers(0, 2**53),
    st.booleans(),
)
def test_any_shares_can_be_drawn(rows: list[tuple[str, float, float, float, float]], n: int, banded: bool) -> None:
    labels, expected, observed, one, other = zip(
        *[("".join(filter(str.isalnum, row[0])), *row[1:]) for row in rows], strict=True
    )
    low = tuple(map(min, one, other)) if banded else ()
    high = tuple(map(max, one, other)) if banded else ()
    assert inside(bars(Bars("c", labels, expected, observed, n, low, high)))


def test_distances_say_in_words_where_they_end() -> None:
    assert words(distances(WALK, CHECK)) == (
        "total variation distance to the law: 0.31 after 16 draws, 0.2 after 4,096 draws, above the 0.02 that 999 of "
        "1,000 correct samplers keep under there"
    )
    near = Trace((1, 1024), (0.5, 0.01), (0.6, 0.05))
    assert "0.5 after 1 draw, 0.01 after 1,024 draws, below the 0.05" in words(distances(near, CHECK))


def test_draws_are_on_a_log_scale_with_round_numbers() -> None:
    svg = distances(WALK, CHECK)
    lines = [float(x) for x in re.findall(r'class="walk off" d="M([\d.]+) ', svg)]
    at = [float(x) for x in re.findall(r"[ML]([\d.]+) ", re.findall(r'class="walk off" d="([^"]+)"', svg)[0])]
    assert lines and at[1] - at[0] == pytest.approx(at[2] - at[1], abs=0.2)  # 16, 128, 1024: eight times each
    assert ">100<" in svg and ">1,000<" in svg and ">draws<" in svg and ">distance to the law<" in svg


def test_a_line_is_red_only_where_the_check_failed() -> None:
    assert " off" in distances(WALK, CHECK)
    for other in (Check("law", 1.0, 9.48, kind="law"), Check("law", 12.0, 9.48, kind="law", conclusive=False)):
        assert " off" not in distances(WALK, other)


@given(
    st.sets(st.integers(1, 2**53 - 1), min_size=2, max_size=TRACE_POINTS),
    st.lists(st.tuples(SHARE, SHARE), min_size=TRACE_POINTS, max_size=TRACE_POINTS),
)
def test_any_trace_can_be_drawn(n: set[int], values: list[tuple[float, float]]) -> None:
    value, band = zip(*values[: len(n)], strict=True)
    svg = distances(Trace(tuple(sorted(n)), value, band), CHECK)
    assert inside(svg)
    assert all(22 <= y <= 132.1 for y in numbers(svg, "circle", "cy"))


@pytest.mark.parametrize("svg", [bars(shares()), bars(shares(), settled=False), distances(WALK, CHECK)])
def test_no_picture_needs_a_style_attribute_or_a_script(svg: str) -> None:
    assert safe(svg)
