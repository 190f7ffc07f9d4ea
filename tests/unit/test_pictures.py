"""Pictures say in words what they show, stay inside their frame, and pass a strict content security policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.measurements import Check
from grader.web.pages.pictures import gauge, meter, trail
from tests.svg_reading import inside, numbers, safe, words

EXACT = Check("error", 1e-15, 1e-5, 62, 0.0)
LAW = Check("law", -0.8, 9.48, 5000, 3.3e-10, sigmas=2.5)
MEAN = Check("mean", 1.2, 6.1, 4000, 1e-9, sigmas=1.2, kind="mean", statistic="distance in standard deviations")
OPEN = Check("law", 6.1, 9.48, 20_480, 3.3e-10, sigmas=2.5, conclusive=False)


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
        (MEAN, "observed 1.2, allowed 6.1: inside the limit"),
        (Check("k", 0.4, 0.1, kind="order"), "observed 0.4, allowed 0.1: outside the limit"),
        (Check("e", 1e-15, 1e-5, sigmas=1.0, kind="exact"), "observed 10⁻¹⁵, allowed 10⁻⁵: inside the limit"),
        (OPEN, "observed 1.26 million to 1, allowed 3.02 billion to 1: not settled"),
    ],
)
def test_a_gauge_tells_observed_and_allowed_in_words(check: Check, told: str) -> None:
    assert words(gauge(check)) == told
    assert inside(gauge(check))


@pytest.mark.parametrize("check", [Check("x"), Check("x", 1.0, 0.0), Check("x", 1.0), Check("x", None, 1.0)])
def test_without_two_numbers_to_compare_there_is_no_gauge(check: Check) -> None:
    assert gauge(check) == ""


def test_the_further_an_error_is_below_its_limit_the_further_left_it_is() -> None:
    places = [numbers(gauge(Check("e", 10.0**-k, 1e-5)), "circle", "cx")[0] for k in (14, 10, 6, 4)]
    [limit] = numbers(gauge(EXACT), "line", "x1")
    assert places == sorted(places) and places[2] < limit < places[3]


def test_what_is_far_beyond_the_scale_is_an_arrow_at_its_end() -> None:
    assert "<circle" in gauge(Check("e", 1e-3, 1e-5))
    assert "<circle" not in gauge(Check("e", 1e3, 1e-5))


def test_what_did_not_settle_is_neither_green_nor_red() -> None:
    assert not any(colour in gauge(OPEN) for colour in ("good", "bad", "inside", "outside"))
    assert "inside" in gauge(LAW) and "zone good" in gauge(LAW)


@pytest.mark.parametrize(("observed", "place"), [(0.0, 8.0), (6.1, 8 + 284 / 1.7)])
def test_an_average_has_a_plain_scale_from_nothing_on(observed: float, place: float) -> None:
    svg = gauge(Check("mean", observed, 6.1, kind="mean", statistic="sigmas"))
    assert numbers(svg, "circle", "cx")[0] == pytest.approx(place, abs=0.1)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["law", "mean", "exact", "order", ""]),
    st.sampled_from(["", "largest error", "evidence, log10"]),
)
def test_any_measurement_can_be_drawn_or_is_left_out(observed: float, allowed: float, kind: str, what: str) -> None:
    svg = gauge(Check("x", observed, allowed, kind=kind, statistic=what))
    assert svg == "" or inside(svg)


def test_a_meter_is_as_full_as_the_score() -> None:
    assert 'width="56.0"' in meter(56, 100) and 'width="100.0"' in meter(120, 100)
    assert meter(None, 100) == meter(5, None) == meter(0, 0) == ""


def test_a_trail_needs_two_scores_and_leaves_out_what_has_none() -> None:
    assert trail([(1, 0.5)]) == trail([(1, 0.5), (2, None)]) == ""
    svg = trail([(1, 0.2), (2, None), (3, 1.0)])
    assert words(svg) == "scores from submission 1 to 3: 20%, 100%"
    assert svg.count("<circle") == 2


@pytest.mark.parametrize("svg", [gauge(EXACT), gauge(LAW), gauge(OPEN), meter(1, 2), trail([(1, 0.0), (2, 1.0)])])
def test_no_picture_needs_a_style_attribute_or_a_script(svg: str) -> None:
    assert safe(svg)
