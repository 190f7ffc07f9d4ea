"""Where the time of a job went, from the worker's report to the grader's page, the API and Prometheus."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.site import Desk
from tests.integration.test_http_live import report

STAGES = {"claimed": 0.25, "start": 0.5, "guest": 0.25, "tests": 2.0, "report": 0.5}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def sent(**stages: Any) -> dict[str, Any]:
    """A result with these stages."""
    body = report(test_double="passed", test_total="failed")
    return {"report": body, "sandbox": "bubblewrap", "duration_s": 3.25, "stages": stages}


def graded(desk: Desk) -> str:
    """A submission of Amy's that took four seconds."""
    job, worker = desk.claimed()
    desk.clock.now += 4.0
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent(**STAGES)).json() == {"state": "graded"}
    return job.submission_id


def test_graders_see_where_the_time_went_and_students_do_not(desk: Desk) -> None:
    submission = graded(desk)
    told = desk.client("gina").get(f"/api/v1/submissions/{submission}").json()["stages"]
    assert told == {"waiting": 0.0, "offered": 0.0, **STAGES, "returning": 0.5, "scoring": 0.0}
    assert desk.client("amy").get(f"/api/v1/submissions/{submission}").json()["stages"] == {}
    assert "Where the time went" in desk.browser("gina").get(f"/submissions/{submission}").text
    assert "Where the time went" not in desk.browser("amy").get(f"/submissions/{submission}").text


def test_metrics_count_stages_by_queue_and_sandbox(desk: Desk) -> None:
    graded(desk)
    text = desk.client().get("/metrics").text
    labels = 'queue="cpu",sandbox="bubblewrap",stage="tests"'
    for end, jobs in (("1.0", 0.0), ("2.5", 1.0), ("+Inf", 1.0)):
        assert f'grader_stage_seconds_bucket{{le="{end}",{labels}}} {jobs}\n' in text
    assert f"grader_stage_seconds_sum{{{labels}}} 2.0\n" in text


@pytest.mark.parametrize(
    "stages",
    [{"Tests": 1.0}, {"a" * 31: 1.0}, {"tests": -1.0}, {"tests": "soon"}, {f"x{'y' * n}": 1.0 for n in range(21)}],
    ids=["letters", "long", "negative", "text", "many"],
)
def test_stages_of_another_shape_are_refused(desk: Desk, stages: dict[str, Any]) -> None:
    job, worker = desk.claimed()
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent(**stages)).status_code == 422
    assert worker.post(f"/api/worker/jobs/{job.id}/result", json=sent(**STAGES)).json() == {"state": "graded"}
