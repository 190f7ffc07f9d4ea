"""Real vLLM on the committed pair: what load cannot change is held to exactly, what it can is only looked at."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.vllm import PAIR, PROMPTS, python
from worker.engine import captures
from worker.engine.configuration import Configuration
from worker.engine.errors import EngineError
from worker.engine.measuring import Plan, measure
from worker.engine.process import EngineProcess

pytestmark = [pytest.mark.vllm, pytest.mark.slow]
K = 3


@pytest.fixture(scope="module")
def baseline() -> Iterator[EngineProcess]:
    with EngineProcess(python(), Configuration(str(PAIR / "target"))) as engine:
        yield engine


@pytest.fixture(scope="module")
def speculative() -> Iterator[EngineProcess]:
    with EngineProcess(python(), Configuration(str(PAIR / "target"), str(PAIR / "eagle"), k=K)) as engine:
        yield engine


@pytest.mark.parametrize(("workload", "least", "most"), [("familiar", 2.9, 3.8), ("foreign", 1.0, 1.1)])
def test_acceptance_belongs_to_the_text(
    baseline: EngineProcess, speculative: EngineProcess, workload: str, least: float, most: float
) -> None:
    capture = measure(Plan(workload, K, 8, 64, 3), PROMPTS[workload][:16], baseline, speculative)
    assert captures.flaws(capture) == []
    assert captures.agreement(capture) == 1.0
    assert least <= captures.summary(capture)["acceptance_length"] <= most
    counts = [captures.delta(one["speculative"]) for one in capture["rounds"]]
    assert counts[0] == counts[1] == counts[2]


def test_an_independent_witness_counts_the_same(speculative: EngineProcess) -> None:
    prompts = PROMPTS["familiar"][:6]
    run = speculative.run(prompts, batch=6, tokens=96, timeout=120)
    texts = [one["tokens"] for one in run["requests"]]
    asked = {"target": str(PAIR / "target"), "head": str(PAIR / "eagle"), "k": K, "prompts": prompts, "texts": texts}
    said = subprocess.run(
        [str(python()), "-m", "worker.engine.oracle"], input=json.dumps(asked), text=True, capture_output=True,
        check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    witness, counted = json.loads(said.stdout.splitlines()[-1]), captures.delta(run)
    for ours, theirs in zip(witness["per_pos"], counted["per_pos"], strict=True):
        assert ours / witness["drafts"] == pytest.approx(theirs / counted["drafts"], abs=0.06)


def test_what_measured_is_known(baseline: EngineProcess, speculative: EngineProcess) -> None:
    plain, fast = baseline.ready(), speculative.ready()
    assert plain["target"] == fast["target"]
    assert plain["head"] is None
    assert len(fast["head"]["model.safetensors"]) == 64
    assert plain["vllm"] == fast["vllm"]


def test_text_is_decoded_as_its_tokens_are(baseline: EngineProcess) -> None:
    run = baseline.run(["the ship", "the ship"], batch=2, tokens=8, timeout=120)
    first, second = (one["tokens"] for one in run["requests"])
    assert first == second
    assert len(first) == 8


def test_an_engine_that_cannot_load_says_why() -> None:
    with EngineProcess(python(), Configuration("/nowhere")) as engine, pytest.raises(EngineError, match="exit code"):
        engine.ready(timeout=120)
    assert not engine.alive
