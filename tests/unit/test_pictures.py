"""Pictures say in words what they show, stay inside their frame, and pass a strict content security policy."""

import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.measurements import Bars, Check
from grader.web.pages.pictures import WIDTH, bars, gauge, meter, trail

EXACT = Check("error", 1e-15, 1e-5, 62, 0.0)
LAW = Check("law", -0.8, 9.48, 5000, 3.3e-10, sigmas=2.5)


def shares(**changes: Any) -> Bars:
    """Bars of three outcomes."""
    given = {"context": "draft 3", "labels": ("a", "b", "c"), "expected": (0.5, 0.5, 0.0), "observed": (0.3, 0.6, 0.1),
             "n": 1000, **changes}  # fmt: skip
    return Bars(**given)


def words(svg: str) -> str:
    """What a screen reader says."""
    return ET.fromstring(svg).attrib["aria-label"]


def inside(svg: str) -> bool:
    """Whether no shape leaves the frame sideways, and every number is one."""
    assert "nan" not in svg and "inf" not in svg.replace("inside", "")
    for part in ET.fromstring(svg).iter():
        left, width = (float(part.attrib.get(name, 0)) for name in ("x", "width"))
        if part.tag.endswith("rect") and not 0 <= left <= left + width <= WIDTH + 0.2:
            return False
    return True


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (EXACT, "observed 10⁻¹⁵, allowed 10⁻⁵: inside the limit"),
        (Check("error", 0.0, 1e-5), "observed 0, allowed 10⁻⁵: inside the limit"),
        (Check("error", 0.25, 1e-5), "observed 0.25, allowed 10⁻⁵: outside the limit"),
        (Check("error", 1e300, 1e-5), "observed 10³⁰⁰, allowed 10⁻⁵: outside the limit"),
        (LAW, "observed none: the draws fit the law, allowed 3.02 billion to 1: inside the limit"),
        (
            Check("law", 300.0, 9.48, sigmas=0.0),
            "observed certain: a correct implementation never answers so, allowed 3.02 billion to 1: outside the limit",
        ),
    ],
)
def test_a_gauge_tells_observed_and_allowed_in_words(check: Check, told: str) -> None:
    assert words(gauge(check)) == told
    assert inside(gauge(check))


@pytest.mark.parametrize("check", [Check("x"), Check("x", 1.0, 0.0), Check("x", 1.0), Check("x", None, 1.0)])
def test_without_two_numbers_to_compare_there_is_no_gauge(check: Check) -> None:
    assert gauge(check) == ""


def test_the_further_an_error_is_below_its_limit_the_further_left_it_is() -> None:
    places = [float(re.findall(r'cx="([\d.]+)"', gauge(Check("e", 10.0**-k, 1e-5)))[0]) for k in (14, 10, 6, 4)]
    limit = float(re.findall(r'class="limit" x1="([\d.]+)"', gauge(EXACT))[0])
    assert places == sorted(places) and places[2] < limit < places[3]


def test_what_is_far_beyond_the_scale_is_an_arrow_at_its_end() -> None:
    assert "<circle" in gauge(Check("e", 1e-3, 1e-5))
    assert "<circle" not in gauge(Check("e", 1e3, 1e-5))


def test_bars_name_the_outcome_furthest_from_the_law() -> None:
    assert words(bars(shares())) == (
        "shares of 3 outcomes in 1,000 draws; furthest from the law: a, 30.0% instead of 50.0%"
    )


def test_what_is_far_off_is_marked_by_more_than_colour() -> None:
    assert "yours, far off" in bars(shares()) and "10.0% ✗" in bars(shares())
    ordinary = bars(shares(observed=(0.49, 0.51, 0.0)))
    assert "far off" not in ordinary and "✗" not in ordinary


def test_long_labels_stand_above_their_bars_and_are_cut_but_told_whole() -> None:
    label = "2 drafts kept, then token 4" * 4
    svg = bars(shares(labels=("a", "b", label)))
    assert f"<title>{label}: by the law" in svg and f">{label}<" not in svg
    assert inside(svg)


def test_hostile_labels_are_text() -> None:
    svg = bars(shares(labels=('"><script>alert(1)</script>', "&lt;", "'\x7f")))
    assert "<script" not in svg
    assert "<script>" in words(bars(shares(labels=('<script>"', "b", "c"))))


@given(
    st.lists(st.tuples(st.text(max_size=90), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=13),
    st.integers(0, 2**53),
)
def test_any_shares_can_be_drawn(rows: list[tuple[str, float, float]], n: int) -> None:
    labels, expected, observed = zip(*[("".join(filter(str.isalnum, a)), b, c) for a, b, c in rows], strict=True)
    assert inside(bars(Bars("c", labels, expected, observed, n)))


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.just(1.0),
)
def test_any_measurement_can_be_drawn_or_is_left_out(observed: float, allowed: float, sigmas: float | None) -> None:
    svg = gauge(Check("x", observed, allowed, sigmas=sigmas))
    assert svg == "" or inside(svg)


def test_a_meter_is_as_full_as_the_score() -> None:
    assert 'width="56.0"' in meter(56, 100) and 'width="100.0"' in meter(120, 100)
    assert meter(None, 100) == meter(5, None) == meter(0, 0) == ""


def test_a_trail_needs_two_scores_and_leaves_out_what_has_none() -> None:
    assert trail([(1, 0.5)]) == trail([(1, 0.5), (2, None)]) == ""
    svg = trail([(1, 0.2), (2, None), (3, 1.0)])
    assert words(svg) == "scores from submission 1 to 3: 20%, 100%"
    assert svg.count("<circle") == 2


@pytest.mark.parametrize("svg", [gauge(EXACT), gauge(LAW), bars(shares()), meter(1, 2), trail([(1, 0.0), (2, 1.0)])])
def test_no_picture_needs_a_style_attribute_or_a_script(svg: str) -> None:
    names = {name for part in ET.fromstring(svg).iter() for name in part.attrib}
    assert not names & {"style", "href"} and not any(name.startswith("on") for name in names)
    assert math.isfinite(len(svg))
