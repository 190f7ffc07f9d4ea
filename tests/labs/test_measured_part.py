"""The part of lab-02 that an engine answers: sealed, shown the baseline, closed, measured, scored by shares."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from labkit.contract import Transport
from labkit.manifest import Manifest
from labkit.plugin import ENGINE, GUEST_TRANSPORT, HISTORY

from grader.adapters.lab_folder import CourseFolder
from grader.bootstrap.grading import SandboxRunner
from grader.domain.measured import read_measured
from tests.at_home import pytest_at_home
from tests.courses.copies import let_measure
from tests.labs.engine_answers import ACCEPTED, BASELINE, CYCLES, SPEEDUPS, Engine, Run
from worker.sandbox.bubblewrap import Bubblewrap

COURSE = Path(__file__).parents[2] / "labs"
LAB = "phase-08-speculative-decoding/labs/lab-02-eagle-on-real-vllm"
PREDICTIONS = "predictions.toml"
GOOD = (COURSE / LAB / "examples" / PREDICTIONS).read_text(encoding="utf-8")
FINAL = GOOD.replace("final = false", "final = true")
SPEEDUP = "value = 2.57\nlo = 2.35\nhi = 2.85"
MEASURED = ("test_run_is_valid", "test_speedup", "test_acceptance_length", "test_best_k", "test_crossing_measured")


class Silent:
    """A guest that nobody may ask."""

    def __init__(self, lab: Manifest, seed: int) -> None:
        pass

    def call(self, function: str, calls: object) -> list[Any]:
        raise AssertionError(f"{function} was called")


class Judge:
    """pytest plugin: stands for the grading service's, and keeps what each test left."""

    def __init__(self, texts: tuple[str, ...], engine: Engine | None) -> None:
        self._versions = [
            {"at": f"2026-11-25T1{number}:00:00+00:00", "text": text} for number, text in enumerate(texts)
        ]
        self._engine = engine
        self.outcomes: dict[str, str] = {}
        self.verdicts: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.left: dict[str, dict[str, Any]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[HISTORY] = {PREDICTIONS: self._versions}
        guests: Callable[[Manifest, int], Transport] = Silent
        config.stash[GUEST_TRANSPORT] = guests
        if self._engine is not None:
            measure: Callable[[dict[str, Any]], dict[str, Any]] = self._engine
            config.stash[ENGINE] = measure

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.partition("::")[2]
        if report.outcome != "passed" or report.when == "call":
            self.outcomes[name] = report.outcome
            self.texts[name] = str(report.longrepr)
            self.left[name] = dict(report.user_properties)
            self.verdicts[name] = self.left[name].get("verdict", report.outcome)

    def shares(self) -> dict[str, float]:
        """What each quantity's test earned of its points."""
        return {
            name: self.left[name].get("share", 1.0) if self.outcomes[name] == "passed" else 0.0 for name in MEASURED
        }

    def measured(self) -> dict[str, Any]:
        """What the report keeps of the run."""
        found: dict[str, Any] = self.left["test_run_is_valid"]["measured"]
        return found

    def told(self, name: str) -> str:
        """A failure's text in one line."""
        return " ".join(self.texts[name].split())


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, where lab-02 measures."""
    copy = tmp_path_factory.mktemp("course") / "labs"
    shutil.copytree(COURSE, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    let_measure(copy / LAB)
    return copy


@pytest.fixture
def graded(course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs the measured tests of one submission, as the service does: `graded(*versions, engine=…)`."""
    monkeypatch.setenv("LAB_IMPL", "guest")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    where = Path.cwd()

    def run(*texts: str, engine: Engine | None = None, tests: tuple[str, ...] = MEASURED) -> Judge:
        judge = Judge(texts, engine)
        options = ["-q", "-c", str(course / "pytest.ini"), "--rootdir", str(course), "-p", "no:cacheprovider"]
        os.chdir(course)
        try:
            pytest.main([*(f"{LAB}/test_lab.py::{test}" for test in tests), *options], plugins=[judge])
        finally:
            os.chdir(where)
        return judge

    yield run


def test_good_predictions_earn_every_point_of_one_measurement(graded: Any) -> None:
    engine = Engine()
    judge = graded(FINAL, engine=engine)
    assert judge.outcomes == dict.fromkeys(MEASURED, "passed")
    assert judge.shares() == dict.fromkeys(MEASURED, 1.0)
    assert engine.asked == [{"what": "all", "k": 3, "ks": [1, 3, 5], "batches": [1, 8, 32], "rounds": 3}]


def test_the_report_keeps_what_the_page_draws(graded: Any) -> None:
    kept = graded(GOOD, FINAL, engine=Engine()).measured()
    assert (kept["profile"], kept["by"], kept["identity"]["vllm"]) == ("inflated-cpu", "cpu", "0.32.0")
    assert (kept["sealed_at"], kept["revised_at"]) == ("2026-11-25T10:00:00+00:00", None)
    assert kept["closed_at"] == "2026-11-25T11:00:00+00:00"
    assert kept["baseline"] == BASELINE
    fall = kept["waterfall"]
    assert fall["baseline_ms"] / fall["length"] * fall["cost"] == pytest.approx(fall["tpot_ms"])
    assert kept["per_position"] == [104 / 118, 87 / 118, 76 / 118]
    assert [row["k"] for row in kept["by_k"]] == [1, 3, 5]
    assert kept["by_batch"] == [
        {"batch": 1, "speedup": 2.7},
        {"batch": 8, "speedup": 1.25},
        {"batch": 32, "speedup": 0.88},
    ]
    told = {row["name"]: row for row in kept["predictions"]}
    assert list(told) == ["speedup", "acceptance_length", "best_k", "crossing"]
    assert (told["speedup"]["measured"], told["speedup"]["share"], told["speedup"]["unit"]) == (2.7, 1.0, "times")
    assert told["acceptance_length"]["measured"] == 1 + 267 / 118
    assert told["best_k"]["measured"] == 5
    assert 8 < told["crossing"]["measured"] < 32
    assert all(row["reason"] for row in told.values())


@pytest.mark.parametrize("texts", [(GOOD,), (GOOD, FINAL)], ids=["baseline", "final"])
def test_the_service_reads_all_that_is_kept(graded: Any, texts: tuple[str, ...]) -> None:
    final = len(texts) == 2
    kept = graded(*texts, engine=Engine()).measured()
    read = read_measured([{"measured": json.loads(json.dumps(kept))}])
    assert read is not None and read.answered is final
    assert (read.profile, read.by, len(read.identity), len(read.baseline)) == ("inflated-cpu", "cpu", 5, 3)
    assert None not in (read.date, read.sealed_at) and (read.closed_at is not None) is final
    assert [one.name for one in read.predictions] == [row["name"] for row in kept["predictions"]]
    assert [one.share for one in read.predictions] == [1.0 if final else None] * 4
    assert [len(part) for part in (read.per_position, read.by_k, read.by_batch)] == [3 if final else 0] * 3
    assert (read.waterfall is not None) is final


def test_the_first_push_is_sealed_and_shown_the_baseline(graded: Any) -> None:
    engine = Engine()
    judge = graded(GOOD, engine=engine)
    assert engine.asked == [{"what": "baseline"}]
    assert judge.verdicts == dict.fromkeys(MEASURED, "failed")
    assert {judge.left[name]["diagnosis"]["cause"] for name in MEASURED} == {"not-final"}
    text = judge.told("test_speedup")
    assert "sealed at 2026-11-25T10:00:00+00:00" in text and "13.6 ms at 1, 15.4 ms at 8, 34.6 ms at 32" in text
    assert "set final = true, and hand in again" in text
    kept = judge.measured()
    assert (kept["baseline"], kept["closed_at"], kept["waterfall"], kept["by_k"]) == (BASELINE, None, None, [])
    assert [(row["measured"], row["share"]) for row in kept["predictions"]] == [(None, None)] * 4


@pytest.mark.parametrize("texts", [(), ("",), ("final = true",)], ids=["nothing", "empty", "only final"])
def test_nothing_is_measured_before_predictions_can_be_read(graded: Any, texts: tuple[str, ...]) -> None:
    engine = Engine()
    judge = graded(*texts, engine=engine, tests=(*MEASURED, "test_predictions_are_valid"))
    assert engine.asked == []
    assert judge.verdicts == dict.fromkeys((*MEASURED, "test_predictions_are_valid"), "failed")
    assert {judge.left[name]["diagnosis"]["cause"] for name in MEASURED} == {"nothing-sealed"}


def test_a_broken_version_fails_its_own_test_and_keeps_the_seal(graded: Any) -> None:
    judge = graded(FINAL, "nonsense", engine=Engine(), tests=(*MEASURED, "test_predictions_are_valid"))
    assert judge.verdicts.pop("test_predictions_are_valid") == "failed"
    assert "this is not TOML" in judge.told("test_predictions_are_valid")
    assert judge.verdicts == dict.fromkeys(MEASURED, "passed")


def test_a_revised_number_earns_four_fifths_and_the_others_all(graded: Any) -> None:
    judge = graded(GOOD, FINAL.replace("value = 2.57", "value = 2.7"), engine=Engine())
    assert judge.shares() == {**dict.fromkeys(MEASURED, 1.0), "test_speedup": 0.8}
    assert judge.measured()["revised_at"] == "2026-11-25T11:00:00+00:00"


def test_what_is_changed_after_the_measurement_counts_for_nothing(graded: Any) -> None:
    wrong = FINAL.replace(SPEEDUP, "value = 4.0\nlo = 3.8\nhi = 4.2")
    judge = graded(wrong, FINAL, engine=Engine())
    assert judge.verdicts["test_speedup"] == "failed"
    text = judge.told("test_speedup")
    assert "Expected : 2.7, as measured" in text and "Yours : 3.8 to 4.2, sealed at 2026-11-25T10" in text
    assert "[post_mortem.speedup]" in text and "came too late" in text


@pytest.mark.parametrize(
    ("lo", "hi", "share"), [(2.2, 3.2, 0.75), (1.5, 3.0, 0.4), (2.2, 2.5, 0.5)], ids=["wider", "wide", "just outside"]
)
def test_a_prediction_earns_in_part(graded: Any, lo: float, hi: float, share: float) -> None:
    text = FINAL.replace(SPEEDUP, f"value = {hi}\nlo = {lo}\nhi = {hi}")
    judge = graded(text, engine=Engine())
    assert judge.verdicts["test_speedup"] == "passed"
    assert judge.shares() == {**dict.fromkeys(MEASURED, 1.0), "test_speedup": share}
    told = {row["name"]: row["share"] for row in judge.measured()["predictions"]}
    assert told == {"speedup": share, "acceptance_length": 1.0, "best_k": 1.0, "crossing": 1.0}


WRONG = FINAL.replace("value = 5", "value = 1").replace("lo = 8\nhi = 32", "lo = 32\nhi = inf")


def test_an_open_end_is_no_number_in_the_report(graded: Any) -> None:
    told = {row["name"]: row for row in graded(WRONG, engine=Engine()).measured()["predictions"]}
    assert (told["crossing"]["lo"], told["crossing"]["hi"], told["crossing"]["value"]) == (32, None, None)


def test_a_right_post_mortem_earns_half_of_the_loss_back(graded: Any) -> None:
    lengths = {k: 1 + sum(ACCEPTED[k]) / CYCLES[k] for k in ACCEPTED}
    costs = [length / SPEEDUPS[k, 1] for k, length in lengths.items()]
    c = (costs[2] - costs[0]) / 4  # least squares through three points at equal distances
    v = sum(costs) / 3 - 3 * c
    s = (lengths[3] / SPEEDUPS[3, 32] - v) / 3 - c
    explained = (
        f"\n[post_mortem.best_k]\nassumption = 'c'\nnumber = {c:.3g}\n"
        f"\n[post_mortem.crossing]\nassumption = 's'\nnumber = {s:.3g}\n"
    )
    assert graded(WRONG, engine=Engine()).shares() == {
        **dict.fromkeys(MEASURED, 1.0), "test_best_k": 0.0, "test_crossing_measured": 0.0
    }  # fmt: skip
    half = {**dict.fromkeys(MEASURED, 1.0), "test_best_k": 0.5, "test_crossing_measured": 0.5}
    assert graded(WRONG, WRONG + explained, engine=Engine()).shares() == half
    far = explained.replace(f"{s:.3g}", f"{1.2 * s:.3g}")
    assert graded(WRONG, WRONG + far, engine=Engine()).shares() == {**half, "test_crossing_measured": 0.0}
    assert graded(WRONG, WRONG + explained, WRONG, engine=Engine()).shares()["test_best_k"] == 0.0


def _noisy(runs: dict[tuple[int, int], Run]) -> None:
    runs[5, 1]["doubts"].append("the rounds' speed-ups spread by 22 %")


def test_a_doubt_settles_nothing_and_fails_nobody(graded: Any) -> None:
    judge = graded(FINAL, engine=Engine(_noisy))
    assert judge.verdicts == {
        "test_run_is_valid": "inconclusive", "test_speedup": "passed", "test_acceptance_length": "passed",
        "test_best_k": "inconclusive", "test_crossing_measured": "passed",
    }  # fmt: skip
    text = judge.told("test_best_k")
    assert "spread by 22 %" in text and "nothing is yours to mend here" in text and "Replay" not in text
    told = {row["name"]: row["share"] for row in judge.measured()["predictions"]}
    assert told == {"speedup": 1.0, "acceptance_length": 1.0, "best_k": None, "crossing": 1.0}


def test_a_win_that_grows_with_the_batch_is_noise(graded: Any) -> None:
    def rising(runs: dict[tuple[int, int], Run]) -> None:
        runs[3, 32]["speedup"] = 1.5

    judge = graded(FINAL, engine=Engine(rising))
    assert judge.verdicts["test_crossing_measured"] == "inconclusive"
    assert "rises from 1.25 at batch 8 to 1.50 at 32" in judge.told("test_crossing_measured")


def _flawed(runs: dict[tuple[int, int], Run]) -> None:
    runs[3, 1]["flaws"].append("a counter fell: the engine was restarted")


def _miscounted(runs: dict[tuple[int, int], Run]) -> None:
    runs[3, 1]["acceptance_length"] = 3.9


def _not_run(runs: dict[tuple[int, int], Run]) -> None:
    del runs[5, 1]


def _no_time(runs: dict[tuple[int, int], Run]) -> None:
    runs[1, 1]["speedup"] = float("nan")


@pytest.mark.parametrize("bend", [_flawed, _miscounted, _not_run, _no_time])
def test_a_measurement_that_cannot_be_true_is_no_students_fault(graded: Any, bend: Any) -> None:
    judge = graded(FINAL, engine=Engine(bend))
    assert judge.verdicts == dict.fromkeys(MEASURED, "errored")
    assert all("share" not in left and "measured" not in left for left in judge.left.values())


def test_without_an_engine_the_service_skips_them(graded: Any) -> None:
    judge = graded(FINAL)
    assert judge.outcomes == dict.fromkeys(MEASURED, "skipped")


def at_home(course: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The lab as a student runs it."""
    return pytest_at_home(course, LAB, "-q", "-rs", *options, LAB_IMPL="solution")


def test_at_home_they_skip_and_say_who_measures(course: Path) -> None:
    run = at_home(course)
    assert run.returncode == 0, run.stdout
    reasons = set(re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", run.stdout, re.MULTILINE))
    [reason] = reasons
    assert reason.endswith("; the grading service measures, on an engine of its own, what you hand in")
    assert re.search(r"^\s+85 of 100 points$", run.stdout, re.MULTILINE)
    chosen = at_home(course, "-m", "not gpu")
    assert "16 passed, 5 deselected" in chosen.stdout


@pytest.mark.bubblewrap
def test_a_lab_that_measures_is_rehearsed_without_an_engine(course: Path) -> None:
    folder = CourseFolder(course).find("lab-02")
    runner = SandboxRunner(Bubblewrap())
    found = runner.rehearse(folder, folder.rehearsal(), [41_000, 41_001], lambda event: None)
    assert (found["problems"], found["tests"]) == ([], 16)


def test_a_course_that_does_not_measure_has_no_such_tests() -> None:
    run = at_home(COURSE)
    assert run.stdout.count("this course measures nothing: its lab.toml says measured = false") == len(MEASURED)
    assert re.search(r"^\s+100 of 100 points$", run.stdout, re.MULTILINE)
