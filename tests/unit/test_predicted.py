"""Predicted and measured on the result page: every number is drawn, said in words and in a table; texts stay text."""

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.domain.lab import Lab
from grader.domain.measured import (
    LARGEST,
    POINTS,
    SMALLEST,
    Measured,
    Outcome,
    Point,
    Prediction,
    Waterfall,
    read_measured,
)
from grader.domain.text import clean_line
from grader.web.pages import predicted_pictures
from grader.web.pages.predicted import predicted
from grader.web.pages.predicted_pictures import MARKS, intervals, positions, speedups, waterfall
from tests.attacks.texts import TEXTS, all_texts, wrong_in_page
from tests.engine_reports import ANSWERED, SEALED, changed, report
from tests.svg_reading import inside, numbers, safe, words
from tests.unit.test_pages_render import page, problems, text, view

TESTS = ("test_count", "test_total")


def read(measured: dict[str, Any]) -> Measured:
    """What is there to draw."""
    found = read_measured([{"measured": measured}])
    assert found is not None
    return found


RUN = read(ANSWERED)


def section(lab: Lab, measured: dict[str, Any]) -> str:
    """The section of the result page."""
    html = page(view(lab, report(measured, *TESTS)))
    found = re.search(r'<section aria-labelledby="predicted".*?</section>', html, re.DOTALL)
    assert found is not None
    return found.group()


def test_a_measured_run_is_told_whole(lab: Lab) -> None:
    html = section(lab, ANSWERED)
    told = text(html)
    assert problems(html) == []
    for what in (
        "sealed 25 Nov 2026, 11:02 UTC , changed once 25 Nov 2026, 12:40 UTC , closed 25 Nov 2026, 13:15 UTC",
        "Speedup times 2.35–2.85 guess 2.57 2.73 ✓ held, 100% tau 3.18 over a cycle",
        "Acceptance length tokens 2.8–3.1 guess 3 3.26 ◐ in part, 50%", "Best k drafts 1 5 ✗ missed, 0%",
        "Crossing requests 8–32 26.3 ✓ held, 80%",
        "Plain decoding 14.5 ms ÷ 3.263 tokens a cycle 4.44 ms × 1.196 plain steps a cycle 5.31 ms",
        "Position Accepted 1 88.1% 2 73.7% 3 64.4%", "Batch Speed-up 1 2.73 × 8 1.25 × 32 0.957 ×",
        "k Speed-up Tokens a cycle 1 1.71 × 1.89 3 2.73 × 3.26 5 3.06 × 4.4",
        "Requests at once Time per token 1 14.5 ms 8 17.8 ms 32 39.1 ms",
        "measured 25 Nov 2026, 13:19 UTC · profile inflated-cpu · speed-ups are of processor time · vLLM 0.32.0 · "
        "torch 2.13.0+cpu · AMD EPYC · target 556643df79c5 · head 40d23cae7e3e",
    ):  # fmt: skip
        assert what in told, what
    assert html.count('role="img"') == 5 and html.count("<table") == 6
    assert "final = true" not in told


def test_before_the_predictions_are_final_the_baseline_stands_alone_with_what_to_do_next(lab: Lab) -> None:
    html = section(lab, SEALED)
    assert problems(html) == [] and "<svg" not in html
    told = text(html)
    assert "sealed 25 Nov 2026, 11:02 UTC ." in told and "closed" not in told
    assert "You may change your predictions once" in told and "Then set final = true and hand in again" in told
    assert "1 14.5 ms 8 17.8 ms 32 39.1 ms" in told
    assert "Speedup times 2.35–2.85 guess 2.57" in told and "Measured, earned" not in told
    revised = text(section(lab, changed(SEALED, revised_at="2026-11-25T12:00:00+00:00")))
    assert "You have changed your predictions once already" in revised and "You may change" not in revised


def test_a_page_without_a_measurement_has_no_such_section(lab: Lab) -> None:
    for nothing in ({}, {"by": "cpu"}):
        assert "Predicted and measured" not in page(view(lab, report(nothing, *TESTS)))


def test_half_a_measurement_is_told_as_far_as_it_goes(lab: Lab) -> None:
    bare = {"by_batch": [{"batch": 1, "speedup": 2.0}], "baseline": {"1": 3.0}}
    html = section(lab, bare)
    assert problems(html) == [] and "<svg" not in html
    assert "Batch Speed-up 1 2 ×" in text(html) and "<details" not in html, "one point is no curve: the table is open"
    assert "Predictions sealed" not in html and "final" not in html


@pytest.mark.parametrize("name", [*TEXTS, "all of them"])
def test_hostile_text_stays_text(name: str, lab: Lab) -> None:
    evil = (TEXTS.get(name) or all_texts())[:200_000]
    rows = [{**row, "name": evil, "unit": evil, "reason": evil} for row in ANSWERED["predictions"]]
    identity = dict.fromkeys(ANSWERED["identity"], evil)
    html = page(
        view(lab, report(changed(ANSWERED, predictions=rows, profile=evil, identity=identity, by=evil), *TESTS))
    )
    assert wrong_in_page(html) == [] and problems(html) == []
    assert len(html) < 60_000


# --- pictures


def test_intervals_are_drawn_over_what_was_measured_and_said_in_words() -> None:
    svg = intervals(RUN.predictions)
    assert words(svg) == (
        "predicted and measured: Speedup 2.35 to 2.85, measured 2.73, held; Acceptance length 2.8 to 3.1, measured "
        "3.26, in part; Best k 1, measured 5, missed; Crossing 8 to 32, measured 26.3, held"
    )
    left, right = 52.0, 248.0  # where the least and the greatest number of a row are
    speedup = left + (right - left) * (2.72755 - 2.35) / 0.5
    assert numbers(svg, "circle", "cx")[1] == pytest.approx(speedup, abs=0.1), "behind the legend's"
    boxes = [*zip(numbers(svg, "rect", "x"), numbers(svg, "rect", "width"), strict=True)]
    assert boxes[1] == (left, right - left)
    assert boxes[2][1] == pytest.approx((right - left) * 0.3 / (3.26271 - 2.8), abs=0.1)
    assert boxes[4] == (left, right - left), "8 to 32"
    log_scale = left + (right - left) * math.log(26.3 / 8) / math.log(4)
    assert numbers(svg, "circle", "cx")[2] == pytest.approx(log_scale, abs=0.1)
    assert inside(svg) and safe(svg)


def test_every_outcome_has_a_sign_and_a_shape_of_its_own() -> None:
    one = RUN.predictions[0]
    shapes = {}
    for outcome, share, measured in (
        (Outcome.HELD, 1.0, 2.6), (Outcome.IN_PART, 0.5, 2.9), (Outcome.MISSED, 0.0, 9.0),
        (Outcome.UNSETTLED, None, 2.6),
    ):  # fmt: skip
        svg = intervals([replace(one, share=share, measured=measured)])
        sign, _ = MARKS[outcome]
        assert f" {sign}</text>" in svg and words(svg).endswith(f", {outcome}")
        shapes[outcome] = re.findall(r'<(circle|path) class="(mark inside|mark open|cross)"', svg)
    assert len({sign for sign, _ in MARKS.values()}) == 4
    assert shapes[Outcome.HELD] == [("circle", "mark inside")] and shapes[Outcome.MISSED] == [("path", "cross")]
    assert shapes[Outcome.IN_PART] == shapes[Outcome.UNSETTLED] == [("path", "mark open")], "their signs differ"


def test_an_open_end_reaches_the_edge_and_ends_nowhere() -> None:
    open_above = intervals([Prediction("crossing", "requests", 32.0, None, measured=32.0, share=1.0)])
    assert "and more" in open_above and "32 or more" in words(open_above)
    assert len(re.findall(r'class="edge" d="(M[^"M]*)"', open_above)) == 1, "only the lower end is one"
    from_nothing = intervals([Prediction("crossing", "requests", 0.0, 1.0, measured=8.0, share=0.0)])
    assert "up to 1" in words(from_nothing) and numbers(from_nothing, "rect", "x")[1] == 6.0
    assert inside(open_above) and inside(from_nothing)


def test_the_waterfall_goes_down_by_the_tokens_and_up_by_the_cost() -> None:
    svg = waterfall(Waterfall(18.2, 2.8, 1.4769, 9.6))
    assert words(svg) == (
        "time per token: 18.2 ms of plain decoding, shared among 2.8 tokens a cycle 6.5 ms, times 1.477 plain steps a "
        "cycle 9.6 ms"
    )
    full, shared, after = numbers(svg, "rect", "width")
    assert (shared / full, after / full) == (pytest.approx(1 / 2.8, abs=0.01), pytest.approx(9.6 / 18.2, abs=0.01))


def test_positions_are_shares_of_the_whole_track() -> None:
    svg = positions((0.88, 0.5))
    assert words(svg).endswith("by position: 88%, 50%")
    track, first, _, second = numbers(svg, "rect", "width")
    assert (first / track, second / track) == (pytest.approx(0.88, abs=0.01), pytest.approx(0.5, abs=0.01))
    assert positions(()) == ""


def test_speedups_cross_the_line_of_plain_decoding_where_they_are_1() -> None:
    svg = speedups(RUN.by_batch, "requests at once")
    assert words(svg) == "speed-up over plain decoding by requests at once: 2.73 at 1, 1.25 at 8, 0.957 at 32"
    (line,) = [float(y) for y in re.findall(r'class="parity".*?y1="([\d.]+)"', svg)]
    heights = numbers(svg, "circle", "cy")
    assert [y < line for y in heights] == [True, True, False]
    assert "0.957 ×" in svg and svg.count('class="dot off"') == 1
    assert speedups(RUN.by_batch[:1], "k") == "", "one point is no curve"


def test_of_many_points_only_the_ends_and_the_best_are_named() -> None:
    many = [Point(n, 6 - abs(n - 6) / 2) for n in range(1, POINTS + 1)]
    svg = speedups(many, "k")
    assert re.findall(r">([\d.]+) ×<", svg) == ["3.5", "6", "1"]


NUMBER = st.floats(SMALLEST, LARGEST)
LOW = st.just(0.0) | st.floats(0, LARGEST)
SHARE = st.floats(0, 1)


@given(LOW, LOW, LOW | st.none(), LOW | st.none(), SHARE | st.none(), st.booleans(), st.text(max_size=80))
def test_any_prediction_that_is_read_can_be_drawn(
    low: float, high: float, value: float | None, measured: float | None, share: float | None, endless: bool, name: str
) -> None:
    ends = sorted((low, high))
    name = clean_line(name, 80)
    svg = intervals([Prediction(name, name, ends[0], None if endless else ends[1], value, "", measured, share)])
    assert inside(svg) and safe(svg)


@given(st.lists(NUMBER, min_size=2, max_size=POINTS), NUMBER, NUMBER, NUMBER, NUMBER)
def test_any_curve_and_waterfall_that_is_read_can_be_drawn(
    drawn: list[float], base: float, length: float, cost: float, tpot: float
) -> None:
    for svg in (
        speedups([Point(n, speedup) for n, speedup in enumerate(drawn, start=1)], "k"),
        waterfall(Waterfall(base, length, cost, tpot)),
        positions([min(1.0, share) for share in drawn]),
    ):
        assert inside(svg) and safe(svg)


def test_every_figure_with_a_picture_has_a_table_with_as_many_columns_as_titles() -> None:
    for figure in predicted(RUN).figures:
        assert figure.rows and {len(row) for row in figure.rows} == {len(figure.columns)}
    assert [bool(figure.picture) for figure in predicted(RUN).figures] == [True, True, True, True, False]
    assert predicted_pictures.titled("best_k") == "Best k"
