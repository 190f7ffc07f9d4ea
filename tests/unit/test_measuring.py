"""A judge asks, its worker's engine answers; whose fault it is where there is no answer. Nothing is decoded here."""

import threading
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from labkit.plugin import ENGINE, HISTORY

from grader.domain.errors import Fault
from grader.domain.run import Assignment, Event, RunResult, Version
from tests.fake_grader import WORKER_TOKEN, FakeGrader, assignment
from tests.fake_sandbox import COLLECTED, REPORTED, FakeSandbox
from worker import measuring, roles, settings, supervisor
from worker.attempt import read_assignment
from worker.cancellation import Cancellation
from worker.client import GraderClient
from worker.engine.errors import BadQuestion, EngineError, Stopped
from worker.harness import measuring as harness_measuring
from worker.harness.live import Guests
from worker.settings import BadSettings
from worker.shift import Shift

ASKED = {"what": "baseline"}
MEASURE = {"event": "measure", "asked": ASKED}


class FakeMeasurer:
    """Satisfies `Measurer`: answers, or raises what it is told to, after waiting behind two others."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[Any] = []
        self.left: list[float] = []
        self._error = error

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """See `Measurer`."""
        self.asked.append(asked)
        self.left.append(left())
        on_wait(2)
        if self._error is not None:
            raise self._error
        return {"profile": "fake"}


@pytest.fixture
def work() -> Assignment:
    found = read_assignment(assignment())
    return replace(found, lab=replace(found.lab, measured=True))


def test_a_judge_that_asks_is_answered_in_one_line(work: Assignment) -> None:
    sandbox, measurer, events = FakeSandbox(COLLECTED, MEASURE, REPORTED), FakeMeasurer(), list[Event]()
    result = supervisor.run(work, sandbox, events.append, measurer=measurer)
    assert (result.fault, result.problem) == (None, "")
    assert sandbox.judge().fed == [b'{"measured": {"profile": "fake"}}\n']
    assert measurer.asked == [ASKED]
    assert [event for event in events if event["event"] == "measuring"] == [{"event": "measuring", "ahead": 2}]


def test_a_measured_lab_has_more_time(work: Assignment) -> None:
    limits = work.lab.limits
    assert supervisor.longest(work) == limits.run_seconds + limits.measure_seconds + supervisor.GRACE_SECONDS
    plain = replace(work, lab=replace(work.lab, measured=False))
    assert supervisor.longest(plain) == limits.run_seconds + supervisor.GRACE_SECONDS
    measurer = FakeMeasurer()
    supervisor.run(work, FakeSandbox(MEASURE, REPORTED), lambda event: None, measurer=measurer)
    assert 0 < measurer.left[0] <= supervisor.longest(work)


def test_without_an_engine_nothing_is_started(work: Assignment) -> None:
    sandbox = FakeSandbox(MEASURE, REPORTED)
    result = supervisor.run(work, sandbox, lambda event: None)
    assert (result.fault, result.report, sandbox.judges) == (Fault.OPERATOR, None, [])
    assert "GRADER_ENGINE" in result.problem


@pytest.mark.parametrize(
    ("error", "fault", "says"),
    [
        (EngineError("9004 MiB of the GPU's memory are in use"), Fault.OPERATOR, "9004 MiB"),
        (BadQuestion("k is a whole number"), Fault.LAB_AUTHOR, "k is a whole number"),
        (Stopped(), Fault.OPERATOR, "measure_seconds"),
    ],
)
def test_where_nothing_can_be_measured_there_is_no_verdict(
    work: Assignment, error: Exception, fault: Fault, says: str
) -> None:
    sandbox = FakeSandbox(COLLECTED, MEASURE, REPORTED)
    result = supervisor.run(work, sandbox, lambda event: None, measurer=FakeMeasurer(error))
    assert (result.fault, result.report) == (fault, None)
    assert says in result.problem
    assert sandbox.judge().fed == []
    assert sandbox.open == 0


def test_what_a_worker_runs_asks_its_engine() -> None:
    grader, measurer = FakeGrader(), FakeMeasurer()
    told = assignment()
    grader.assignment = {**told, "manifest": f"measured = true\n{told['manifest']}"}
    with GraderClient(grader.url, WORKER_TOKEN) as client:
        Shift(client, FakeSandbox(COLLECTED, MEASURE, REPORTED), "me", ["gpu"], 1, measurer=measurer).grade("job-1")
    (result,) = grader.told("result")
    assert (result.body["fault"], measurer.asked) == (None, [ASKED])
    grader.down()


def test_a_submission_beside_its_spec_never_asks_an_engine(work: Assignment) -> None:
    joined = replace(work, lab=replace(work.lab, isolation="joined"))
    sandbox, measurer = FakeSandbox(MEASURE, REPORTED), FakeMeasurer()
    result = supervisor.run(joined, sandbox, lambda event: None, measurer=measurer)
    assert (result.fault, sandbox.judges, measurer.asked) == (Fault.LAB_AUTHOR, [], [])


def test_a_spec_that_asks_too_much_or_is_not_measured_is_its_authors(work: Assignment) -> None:
    much = {**MEASURE, "asked": {"what": "x" * 5000}}
    measurer = FakeMeasurer()
    result = supervisor.run(work, FakeSandbox(much, REPORTED), lambda event: None, measurer=measurer)
    assert (result.fault, measurer.asked) == (Fault.LAB_AUTHOR, [])
    plain = replace(work, lab=replace(work.lab, measured=False))
    result = supervisor.run(plain, FakeSandbox(MEASURE, REPORTED), lambda event: None, measurer=measurer)
    assert (result.fault, measurer.asked) == (Fault.LAB_AUTHOR, [])
    assert "measured = true" in result.problem


class Waiting(FakeMeasurer):
    """One that waits for its device until it is asked to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()
        self.look = threading.Event()

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """See `Measurer`."""
        self.waits.set()
        assert self.look.wait(20)
        left()
        return {}


def test_a_cancelled_job_waits_for_no_engine(work: Assignment) -> None:
    cancellation, measurer, results = Cancellation(), Waiting(), list[RunResult]()
    sandbox = FakeSandbox(COLLECTED, MEASURE)
    thread = threading.Thread(
        target=lambda: results.append(
            supervisor.run(work, sandbox, lambda event: None, cancellation, measurer=measurer)
        )
    )
    thread.start()
    assert measurer.waits.wait(20)
    cancellation.cancel()
    measurer.look.set()
    thread.join(20)
    assert (results[0].report, results[0].fault, results[0].problem) == (None, None, supervisor.CANCELLED)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "secrets")
    for name in ("ENGINE", "ENGINE_PYTHON", "MODELS", "GPU"):
        monkeypatch.delenv(f"GRADER_{name}", raising=False)
    return tmp_path


def test_without_settings_there_is_no_engine(home: Path) -> None:
    assert measuring.engines(home) is None
    assert list(measuring.lacking(home)) == []


def test_settings_choose_a_profile_and_load_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_ENGINE", "tiny-cpu")
    monkeypatch.setenv("GRADER_ENGINE_PYTHON", "/no/python")
    engines = measuring.engines(home)
    assert engines is not None
    assert engines.profile.name == "tiny-cpu"
    engines.close()
    assert {one.what: one.works for one in measuring.lacking(home)} == {"vLLM": False, "models": True, "folder": True}


@pytest.mark.parametrize(
    ("engine", "python", "says"),
    [("gpt", "/no/python", "inflated-cpu"), ("tiny-cpu", "", "GRADER_ENGINE_PYTHON")],
)
def test_settings_that_make_no_sense_are_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, engine: str, python: str, says: str
) -> None:
    monkeypatch.setenv("GRADER_ENGINE", engine)
    if python:
        monkeypatch.setenv("GRADER_ENGINE_PYTHON", python)
    with pytest.raises(BadSettings, match=says):
        measuring.engines(home)


def test_a_judge_hears_what_was_handed_in_and_a_guest_does_not(work: Assignment) -> None:
    history = {"predictions.toml": (Version("2026-11-25T12:00:00+00:00", "final = true"),)}
    job = roles.judge_job(replace(work, history=history))
    assert job["history"] == {"predictions.toml": [{"at": "2026-11-25T12:00:00+00:00", "text": "final = true"}]}
    assert job["measured"] is True
    with_history, without = (
        roles.guest_order(one, "/channel/a", "b") for one in (replace(work, history=history), work)
    )
    assert with_history == without


def test_a_measured_job_is_not_split(work: Assignment) -> None:
    independent = replace(work.lab, independent=True)
    assert not roles.may_split(independent)
    assert roles.may_split(replace(independent, measured=False))


class Config:
    """Satisfies what `Measuring` needs of pytest's."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()


class Said:
    """Satisfies what `Measuring` needs of `Events`."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def emit(self, event: str, **fields: Any) -> None:
        """See `Events`."""
        self.told.append((event, fields))


def test_the_time_of_a_measurement_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 310.0])
    monkeypatch.setattr(harness_measuring.time, "monotonic", lambda: next(clock))
    said, guests, config = Said(), Guests(), Config()
    guests.begin(None, 100.0)  # type: ignore[arg-type]
    answers = BytesIO(b'{"measured": {"profile": "fake"}}\n')
    job = {"measured": True, "history": {"predictions.toml": []}}
    harness_measuring.Measuring(job, said, answers, guests.lengthen).pytest_configure(config)
    assert config.stash[ENGINE](ASKED) == {"profile": "fake"}
    assert said.told == [("measure", {"asked": ASKED})]
    assert config.stash[HISTORY] == {"predictions.toml": []}
    assert guests._run_deadline == 400.0


def test_a_job_of_a_lab_that_is_not_measured_has_no_engine() -> None:
    config = Config()
    job = {"measured": False, "history": {}}
    harness_measuring.Measuring(job, Said(), BytesIO(), lambda seconds: None).pytest_configure(config)
    assert ENGINE not in config.stash
