"""What holds a worker's engines: loaded once, kept warm, one measurement at a time, replaced when they die."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.fake_engine import DRAFT_MS, STEP_MS, FakeEngine
from worker.engine.configuration import Configuration
from worker.engine.engines import Engines
from worker.engine.errors import BadQuestion, EngineError, Stopped
from worker.engine.gpu import Gpu
from worker.engine.models import Place
from worker.engine.profiles import PROFILES, Profile

TINY = PROFILES["tiny-cpu"]
ALL = {"what": "all", "k": 3, "ks": [1, 3, 5], "batches": [1, 8, 32], "rounds": 3}
BASELINE = {"what": "baseline"}
SOON = 20.0


class Garage:
    """Engines of fakes; `started` are all that were."""

    def __init__(self, home: Path, profile: Profile = TINY, gpu: Gpu | None = None) -> None:
        self.started: list[FakeEngine] = []
        self.broken = ""
        self.engines = Engines(profile, Place(Path("/no/python"), home), self._start, gpu)

    def measure(self, asked: Any, left: Callable[[], float] = lambda: 60.0) -> dict[str, Any]:
        return self.engines.measure(asked, left)

    def of(self, k: int) -> FakeEngine:
        return next(one for one in reversed(self.started) if one.configuration.k == k)

    def _start(self, configuration: Configuration) -> FakeEngine:
        self.started.append(FakeEngine(configuration, self.broken))
        return self.started[-1]


@pytest.fixture
def garage(tmp_path: Path) -> Iterator[Garage]:
    found = Garage(tmp_path)
    yield found
    found.engines.close()
    assert all(engine.closed for engine in found.started)


def test_everything_that_was_asked_for_is_told(garage: Garage) -> None:
    told = garage.measure(ALL)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told.keys() == {"profile", "by", "identity", "date", "workload", "baseline", "runs"}
    assert (told["profile"], told["by"], told["workload"]) == ("tiny-cpu", "cpu", "prose")
    assert told["identity"].keys() == {"vllm", "torch", "device", "driver", "target", "head"}
    assert told["baseline"] == {"1": STEP_MS, "8": STEP_MS, "32": STEP_MS}
    assert [(one["k"], one["batch"]) for one in told["runs"]] == [(1, 1), (3, 1), (5, 1), (3, 8), (3, 32)]
    assert {len(one["tokens"]) for one in (garage.of(0).run([[1]], 1, 7, 1.0)["requests"])} == {7}


def test_a_run_is_told_as_its_parts_say(garage: Garage) -> None:
    (one,) = [one for one in garage.measure(ALL)["runs"] if (one["k"], one["batch"]) == (3, 1)]
    counts = one["counters"]
    assert one["acceptance_length"] == pytest.approx(1 + counts["accepted"] / counts["drafts"], rel=1e-5)
    assert one["acceptance_rate"] == pytest.approx(counts["accepted"] / counts["draft_tokens"], rel=1e-5)
    assert one["per_position"] == pytest.approx([n / counts["drafts"] for n in counts["per_pos"]], rel=1e-5)
    assert one["itl_ms"] == STEP_MS + 3 * DRAFT_MS
    assert one["speedup_wall"] == pytest.approx(one["baseline_tpot_ms"] / one["tpot_ms"], rel=1e-5)
    assert one["steps"] == 3 * counts["drafts"]
    assert (one["agreement"], one["flaws"], one["doubts"]) == (1.0, [], [])


def test_the_baseline_loads_one_engine_and_names_both_models(garage: Garage) -> None:
    told = garage.measure(BASELINE)
    assert "runs" not in told
    assert told["baseline"] == {"1": STEP_MS, "8": STEP_MS, "32": STEP_MS}
    assert [engine.configuration.k for engine in garage.started] == [0]
    assert all(len(told["identity"][name]) == 12 for name in ("target", "head"))


def test_engines_stay_for_the_next_job(garage: Garage) -> None:
    garage.measure(BASELINE)
    garage.measure(ALL)
    garage.measure(ALL)
    assert sorted(engine.configuration.k for engine in garage.started) == [0, 1, 3, 5]


def test_a_dead_engine_is_loaded_again(garage: Garage) -> None:
    garage.measure(ALL)
    garage.of(3).die()
    assert [one["flaws"] for one in garage.measure(ALL)["runs"]] == [[]] * 5
    assert sorted(engine.configuration.k for engine in garage.started) == [0, 1, 3, 3, 5]


def test_an_engine_that_does_not_load_says_why_and_is_tried_again(garage: Garage) -> None:
    garage.broken = "no room for the weights"
    with pytest.raises(EngineError, match="no room"):
        garage.measure(BASELINE)
    garage.broken = ""
    assert garage.measure(BASELINE)["baseline"]["1"] == STEP_MS


def test_where_few_fit_the_baseline_stays_and_others_make_room(tmp_path: Path) -> None:
    garage = Garage(tmp_path, replace(TINY, warm=2))
    garage.measure(ALL)
    assert sorted(engine.configuration.k for engine in garage.started) == [0, 1, 3, 5]
    assert [engine.configuration.k for engine in garage.started if not engine.closed] == [0, 5]
    garage.engines.close()


def test_other_tokens_are_a_flaw(garage: Garage) -> None:
    garage.measure(ALL)
    garage.of(3).tokens_off = 1
    flaws = {one["k"]: one["flaws"] for one in garage.measure(ALL)["runs"]}
    assert flaws[1] == flaws[5] == []
    assert "0% of the sequences agree" in flaws[3][0]


def test_whoever_wants_no_more_is_let_go_between_runs(garage: Garage) -> None:
    asked = 0

    def left() -> float:
        nonlocal asked
        asked += 1
        if asked == 6:
            raise Stopped
        return 60.0

    with pytest.raises(Stopped):
        garage.measure(ALL, left)
    assert garage.of(0).alive
    ran = sum(engine.ran for engine in garage.started)
    assert 0 < ran < 6
    garage.measure(BASELINE)  # the device is free again


class Turn:
    """A measurement in a thread of its own, which waits in the middle until it is let go."""

    def __init__(self, garage: Garage) -> None:
        self.inside, self.go, self.told = threading.Event(), threading.Event(), dict[str, Any]()
        self._garage = garage
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()
        assert self.inside.wait(SOON)

    def end(self) -> dict[str, Any]:
        self.go.set()
        self._thread.join(SOON)
        assert not self._thread.is_alive()
        return self.told

    def _measure(self) -> None:
        self.told = self._garage.measure(BASELINE, self._left)

    def _left(self) -> float:
        if self._garage.started:  # beyond the lease
            self.inside.set()
            assert self.go.wait(SOON)
        return 60.0


@pytest.mark.parametrize("other", ["a thread", "a process"])
def test_one_measures_at_a_time_and_others_are_told_their_place(garage: Garage, tmp_path: Path, other: str) -> None:
    second = garage if other == "a thread" else Garage(tmp_path)  # a lock of its own, as in another process
    turn = Turn(garage)
    waiting, places, found = threading.Event(), list[int](), list[dict[str, Any]]()

    def on_wait(ahead: int) -> None:
        places.append(ahead)
        waiting.set()

    thread = threading.Thread(
        target=lambda: found.append(second.engines.measure(BASELINE, lambda: 60.0, on_wait)), daemon=True
    )
    thread.start()
    assert waiting.wait(SOON)
    assert found == []
    assert turn.end()["baseline"]["1"] == STEP_MS
    thread.join(SOON)
    assert (places, len(found)) == ([1, 0], 1)
    second.engines.close()


def test_a_wait_for_the_device_can_be_ended(garage: Garage) -> None:
    turn = Turn(garage)
    waiting = threading.Event()

    def left() -> float:
        if waiting.is_set():
            raise Stopped
        return 60.0

    with pytest.raises(Stopped):
        garage.engines.measure(BASELINE, left, lambda ahead: waiting.set())
    assert turn.end()["baseline"]["1"] == STEP_MS


def test_closed_engines_measure_nothing(garage: Garage) -> None:
    garage.measure(BASELINE)
    garage.engines.close()
    with pytest.raises(EngineError, match="closed"):
        garage.measure(BASELINE)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"lock cannot be opened.*file/leases"):
        Garage(tmp_path / "file").measure(BASELINE)


class Smi:
    """nvidia-smi of a machine with one GPU, on which `used` MiB are in use."""

    used = 4

    def __call__(self, words: Sequence[str]) -> str:
        if words[0].startswith("--query-gpu"):
            return f"0, GPU-5a, NVIDIA A100, 81920, {self.used}\n"
        return "4242, /usr/bin/miner, 9000 MiB\n"


@pytest.fixture
def smi() -> Smi:
    return Smi()


def on_gpu(home: Path, smi: Smi) -> Garage:
    return Garage(home, replace(TINY, on_gpu=True), Gpu("", smi))


def test_a_gpu_that_others_use_measures_nothing(tmp_path: Path, smi: Smi) -> None:
    garage = on_gpu(tmp_path, smi)
    smi.used = 9004
    with pytest.raises(EngineError, match=r"9004 MiB .*/usr/bin/miner.*GRADER_GPU"):
        garage.measure(BASELINE)
    assert garage.started == []


def test_what_its_own_engines_hold_is_nobody_elses(tmp_path: Path, smi: Smi) -> None:
    garage = on_gpu(tmp_path, smi)
    begin = garage.engines._start

    def starting(configuration: Configuration) -> Any:
        smi.used += 36_000
        return begin(configuration)

    garage.engines._start = starting
    assert garage.measure(BASELINE)["by"] == "wall"
    garage.measure(BASELINE)
    smi.used += 5_000
    with pytest.raises(EngineError, match="5000 MiB"):
        garage.measure(BASELINE)
    garage.engines.close()


def test_a_gpu_may_change_tokens_and_says_so(tmp_path: Path, smi: Smi) -> None:
    garage = on_gpu(tmp_path, smi)
    garage.measure(ALL)
    garage.of(3).tokens_off = 1
    told = [one for one in garage.measure(ALL)["runs"] if one["k"] == 3]
    assert [(one["agreement"], one["flaws"]) for one in told] == [(0.0, [])] * 3
    garage.engines.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"what": "everything"}, "baseline"),
        ({"k": 0}, "k is a whole number"),
        ({"k": True}, "k is a whole number"),
        ({"ks": []}, "ks is a list"),
        ({"ks": [1, 3, 3]}, "twice"),
        ({"ks": [1, 5]}, "k is one of ks"),
        ({"batches": [8, 32]}, "batches has 1"),
        ({"batches": [1, 64]}, "from 1 to 32"),
        ({"rounds": 50}, "from 1 to 5"),
        ({"rounds": None}, "rounds is"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(garage: Garage, change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadQuestion, match=says):
        garage.measure({**ALL, **change})
    assert garage.started == []


@pytest.mark.parametrize("asked", [None, [], "all", {}])
def test_what_is_no_question_is_refused(garage: Garage, asked: Any) -> None:
    with pytest.raises(BadQuestion):
        garage.measure(asked)
