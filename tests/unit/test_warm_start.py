"""What the embedded worker makes ready at its start, for the first jobs after it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.bootstrap.site import prepare_open_labs
from grader.domain.course import Course, Spec
from grader.domain.run import Assignment
from grader.domain.submission import Submission
from grader.steps import running
from grader.steps.service import Service
from tests.awaiting import until
from tests.fake_grader import MANIFEST
from tests.fakes import ManualClock, make_service
from tests.unit.test_warm_pool import Place
from worker import supervisor
from worker.warm import sizing
from worker.warm.pool import Warm

NOW = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
RULES = """
[labs.past]
due = 2026-11-01T00:00:00Z
[labs.later]
due = 2026-12-02T00:00:00Z
[labs.sooner]
due = 2026-12-01T00:00:00Z
[labs.ahead]
opens = 2026-11-26T00:00:00Z
[labs.over]
closes = 2026-11-24T00:00:00Z
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A course of labs without rules of their own at first: those that RULES name, and one on the GPU."""
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    store.courses.put_course(Course("c", "Course"))
    for order, lab in enumerate(("past", "later", "sooner", "ahead", "over", "gpu"), 1):
        manifest = MANIFEST.format(isolation="split").replace("lab-01-tiny", lab).replace("= 1\n", f"= {order}\n", 1)
        queue = 'queue = "gpu"\n' if lab == "gpu" else ""
        bundle = {"pytest.ini": b"[pytest]\n", f"labs/{lab}/test_lab.py": b""}
        store.courses.put_lab("c", Spec(lab.rjust(64, "0"), f"labs/{lab}", queue + manifest, bundle))
    yield make_service(store, ManualClock(NOW))
    store.close()


def names(found: list[Spec]) -> list[str]:
    return [spec.lab.id for spec in found]


def work(service: Service, lab: str) -> Assignment:
    """Somebody's job for a lab."""
    (digest,) = (one.spec_digest for one in service.store.courses.labs("c") if one.id == lab)
    spec = service.store.courses.spec(digest)
    assert spec is not None
    submission = Submission({"starter.py": b"def one():\n    return 1\n"})
    return Assignment(spec.lab, spec.bundle, spec.lab_path, submission, seed=5)


def test_open_labs_are_expected_and_what_is_due_next_first(service: Service) -> None:
    assert names(running.expected(service, ["cpu"])) == ["past", "later", "sooner", "ahead", "over"]
    service.store.standings.put_rules("c", RULES)
    assert names(running.expected(service, ["cpu"])) == ["sooner", "later", "past"]
    assert names(running.expected(service, ["gpu"])) == ["gpu"]
    assert names(running.expected(service, ["gpu", "cpu"])) == ["sooner", "later", "past", "gpu"]


def test_the_first_job_of_an_open_lab_is_warm(service: Service) -> None:
    service.store.standings.put_rules("c", RULES)
    place = Place()
    with Warm(place, slots=1) as warm:
        prepare_open_labs(service, warm, ["cpu"])
        first = work(service, "sooner")
        until(lambda: warm.waiting(first) == (1, 1))
        assert supervisor.run(first, warm, lambda event: None).report is not None
        assert place.cold_judges == []
        until(lambda: warm.waiting(work(service, "past")) == (1, 1))
        assert not warm.wishing
        assert warm.waiting(work(service, "ahead")) == (0, 0)
    assert place.open == 0


def test_no_more_labs_are_prepared_than_are_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "MOST_LABS", 2)
    place = Place()
    with Warm(place, slots=1) as warm:
        prepare_open_labs(service, warm, ["cpu"])
        until(lambda: warm.waiting(work(service, "later")) == (1, 1))
        assert len(place.waiting_judges) == 2


def test_a_database_that_is_down_keeps_nobody_from_serving(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lost = SqlStore(f"sqlite:///{tmp_path}/missing/grader.db")
    with Warm(Place(), slots=1) as warm:
        prepare_open_labs(make_service(lost, ManualClock(NOW)), warm, ["cpu"])
        assert not warm.wishing
    assert "nothing is prepared ahead of the first jobs: the database does not answer" in caplog.text
    lost.close()
