"""A board's rows and a class's pictures: what they say, and that nothing of them needs a style or a colour."""

import re
import xml.etree.ElementTree as ET
from itertools import accumulate

import pytest

from grader.domain.job import JobState, Place
from grader.domain.lab import Lab
from grader.domain.marks import TestMark
from grader.domain.standings import Marks, Row, Standing, Total
from grader.web.pages.board_rows import draw, drawn, spark, state_words
from grader.web.pages.insight_pictures import heat_map, margin_words, margins
from grader.web.pages.kept import Kept
from grader.web.pages.tables import file_name
from tests.fakes import TOY

LAB = Lab.from_toml((TOY / "basics/labs/toy-1/lab.toml").read_text(encoding="utf-8"), file="lab.toml")
EVIL = "<b onclick=x>"


def cell(state: JobState = JobState.GRADED, points: int | None = 6, **more: object) -> Standing:
    fields = {"raw_points": points, "max_points": 10, "hidden_points": 0, "late_days": 0, "submission_id": "abc",
              "job_id": "j", "attempts": 2, "last_at": 1e6, **more}  # fmt: skip
    return Standing("toy", "toy-1", 7, points, state=state, **fields)  # type: ignore[arg-type]


def row(*cells: Standing, version: int = 1) -> Row:
    return Row(7, "amy", EVIL, EVIL, "", False, Total(6, 10, 1), {one.lab: one for one in cells}, version)


def test_a_row_is_well_formed_and_escaped() -> None:
    text = str(draw("toy", row(cell(late_days=3, free_days=1, spark=(0, 6))), ["toy-1", "toy-2"], {}, late=True))
    assert EVIL not in text and "style=" not in text
    tree = ET.fromstring(text)
    assert [part.tag for part in tree] == ["th", "td", "td", "td", "td", "td", "td"]
    assert "3 days late, 1 free" in "".join(tree.itertext())


def test_what_counts_for_nothing_links_to_the_students_page() -> None:
    text = str(draw("toy", row(cell(JobState.FAILED, None, submission_id="")), ["toy-1"], {}, late=False))
    assert 'href="/c/toy/students/amy#toy-1"' in text and "no score" in text and "not graded" in text


@pytest.mark.parametrize(
    ("state", "place", "word"),
    [
        (JobState.GRADED, None, ""), (JobState.CANCELLED, None, ""), (JobState.RUNNING, None, "running"),
        (JobState.QUEUED, None, "waiting"), (JobState.QUEUED, Place(0, 5, 1, None), "next in line"),
        (JobState.QUEUED, Place(4, 5, 1, None), "waiting, 4 before it"), (JobState.DEAD, None, "not graded"),
    ],
)  # fmt: skip
def test_a_state_is_told_in_words(state: JobState, place: Place | None, word: str) -> None:
    assert state_words(cell(state), place)[0] == word


def test_a_sparkline_stays_in_its_frame() -> None:
    assert spark((5,), 10) == ""
    for values, most in (((0, 10, 5), 10), ((12, 3), 10), ((0, 0), 0), (tuple(range(30)), 29)):
        text = str(spark(values, most))
        moves = [int(number) for number in re.findall(r"-?\d+", re.findall(r' d="([^"]+)"', text)[0])]
        x, y = list(accumulate(moves[::2])), list(accumulate(moves[1::2]))
        assert len(x) == len(values) and min(x + y) >= 0 and max(x) <= 56 and max(y) <= 18
        assert f"{len(values)} scores, the first {values[0]}, the last {values[-1]}" in text


def test_rows_are_drawn_again_when_anything_of_them_changed() -> None:
    kept = Kept(2)
    one = drawn(kept, "toy", [row(cell())], [], {}, late=False)
    assert drawn(kept, "toy", [row(cell())], [], {}, late=False) == one
    assert drawn(kept, "toy", [row(cell(), version=2)], [], {}, late=False) != one
    assert len(kept._pieces) == 2
    drawn(kept, "toy", [row(cell(), version=3)], [], {}, late=False)
    assert len(kept._pieces) == 2, "old pieces are forgotten"


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.0, 0.0], [1e6, 1e-300], [1.0, 1.0000001], [0.9] * 5_000, [10.0**i for i in range(-9, 7)]],
)  # fmt: skip
def test_margins_are_drawn_in_their_frame_on_their_side_of_the_limit(values: list[float]) -> None:
    tree = ET.fromstring(str(margins(values)))
    limit = next(float(part.get("x1", "")) for part in tree if part.get("class") == "limit")
    for part in tree:
        kind = part.get("class", "")
        dots = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", part.get("d", ""))]
        assert all(0 <= x <= 300 and y > 0 for x, y in dots) and len(dots) < 900
        if kind == "dots":
            assert dots and all(x <= limit + 3 for x, _ in dots)
        if kind == "dots off":
            assert dots and all(x >= limit - 3 for x, _ in dots)
    inside = any(value <= 1 for value in values)
    assert any(part.get("class") == "dots" for part in tree) == inside
    assert tree.get("role") == "img" and tree.get("aria-label") == margin_words(values)


def test_margins_in_words() -> None:
    assert (
        margin_words([0.1, 0.9, 1.0, 1.1, 50.0]) == "3 of 5 within the limit (2 close to it), 2 beyond (1 close to it)"
    )
    assert margin_words([0.1]) == "1 of 1 within the limit, 0 beyond"


def test_a_heat_map_tells_by_mark_and_word() -> None:
    one = Marks(
        1, "amy", EVIL, "", "abc", 6, (TestMark("test_double", "timed_out", EVIL), TestMark("gone", "failed", "")), {}
    )
    text = str(heat_map("toy", LAB, [one]))
    assert EVIL not in text
    said = ["".join(part.itertext()) for part in ET.fromstring(text)]
    assert said == [EVIL, "6", "◔timed out", "·no result"]


def test_a_files_name_is_plain() -> None:
    assert file_name('../a"b\r\nc.csv') == "a-b-c.csv"
    assert file_name("…") == "table"
