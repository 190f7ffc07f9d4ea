"""Where the time of a job went: its stages, and how they are drawn."""

import re

import pytest

from grader.domain.timing import STAGES, Clocked, whole
from grader.web.pages.svg import WIDTH
from grader.web.pages.times import bar, rows


def test_what_nobody_measured_is_a_stage_of_its_own_and_all_add_up() -> None:
    stages = whole(Clocked(100.0, 101.0, 101.25, 105.0), {"tests": 2.0, "claimed": 0.5, "strange": 9.0})
    assert stages == {"waiting": 1.0, "offered": 0.25, "claimed": 0.5, "tests": 2.0, "returning": 1.25}
    assert sum(stages.values()) == 5.0
    assert list(stages) == [name for name in STAGES if name in stages]


def test_a_job_that_was_claimed_without_an_offer_only_waited() -> None:
    assert whole(Clocked(100.0, None, 103.0, 104.0), {}) == {"waiting": 3.0, "offered": 0.0, "returning": 1.0}


def test_clocks_that_disagree_make_no_time_negative() -> None:
    stages = whole(Clocked(100.0, 99.0, 98.0, 97.0), {"tests": -1.0, "report": 5.0})
    assert min(stages.values()) == 0.0
    assert stages["report"] == 5.0


def test_the_bar_is_as_long_as_the_stages_took() -> None:
    drawn = bar({"waiting": 1.0, "tests": 3.0})
    wide = [float(width) for width in re.findall(r'<rect class="stage-time[^"]*"[^>]* width="([\d.]+)"', drawn)]
    assert wide == [WIDTH / 4, 3 * WIDTH / 4]
    assert 'aria-label="of 4.00 s from acceptance to score: waiting 1.00 s, tests 3.00 s"' in drawn
    assert bar({}) == bar({"tests": 0.0}) == ""


def test_every_stage_has_a_row_in_its_order() -> None:
    told = rows({name: float(number) for number, name in enumerate(STAGES)})
    assert [row.name for row in told][:3] == ["Waiting", "Offered", "Claimed"]
    assert len(told) == len(STAGES)
    assert sum(int(row.share.removesuffix("%")) for row in told) == pytest.approx(100, abs=5)
