"""What must be true of a capture, on one that a real engine made: sound as it is, found out when it is touched."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.engine import captures

REAL: dict[str, Any] = json.loads((Path(__file__).parent / "capture.json").read_text(encoding="utf-8"))


@pytest.fixture
def capture() -> dict[str, Any]:
    return copy.deepcopy(REAL)


def fast(capture: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = capture["rounds"][0]["speculative"]
    return found


def test_a_genuine_capture_has_no_flaw(capture: dict[str, Any]) -> None:
    assert captures.flaws(capture) == []
    assert captures.agreement(capture) == 1.0


def test_its_summary_is_what_its_parts_say(capture: dict[str, Any]) -> None:
    said = captures.summary(capture)
    counts = captures.delta(fast(capture))
    assert said["acceptance_length"] == 1 + counts["accepted"] / counts["drafts"]
    assert said["acceptance_length"] == pytest.approx(1 + sum(said["per_position"]))
    assert said["acceptance_rate"] == counts["accepted"] / counts["draft_tokens"]
    # a chunk holds several tokens: the gap between chunks grows while the time per token falls
    assert said["itl_ms"] / said["tpot_ms"] == pytest.approx(said["acceptance_length"], rel=0.35)
    assert said["speedup"] == pytest.approx(said["baseline_tpot_ms"] / said["tpot_ms"], rel=0.5)


def _restarted(run: dict[str, Any]) -> None:
    run["counters"]["before"]["drafts"] = run["counters"]["after"]["drafts"] + 1


def _more_accepted(run: dict[str, Any]) -> None:
    run["counters"]["after"]["accepted"] += 40


def _rising(run: dict[str, Any]) -> None:
    positions = run["counters"]["after"]["per_pos"]
    positions[0], positions[-1] = positions[-1] - 1, positions[0] + 1


def _too_many_tokens(run: dict[str, Any]) -> None:
    run["counters"]["after"]["drafts"] -= 12
    run["counters"]["after"]["draft_tokens"] -= 12 * 3


def _faster(run: dict[str, Any]) -> None:
    run["requests"][0]["e2e_ms"] *= 0.8


def _shorter(run: dict[str, Any]) -> None:
    run["requests"][0]["tokens"].pop()


@pytest.mark.parametrize("touch", [_restarted, _more_accepted, _rising, _too_many_tokens, _faster, _shorter])
def test_a_touched_capture_is_found_out(capture: dict[str, Any], touch: Callable[[dict[str, Any]], None]) -> None:
    touch(fast(capture))
    assert captures.flaws(capture)


def test_speculation_in_the_baseline_is_found_out(capture: dict[str, Any]) -> None:
    capture["rounds"][0]["baseline"] = fast(capture)
    assert any("plain decoding" in flaw for flaw in captures.flaws(capture))


def test_other_tokens_are_no_agreement(capture: dict[str, Any]) -> None:
    requests = fast(capture)["requests"]
    requests[0]["tokens"][-1] += 1
    sequences = len(requests) * len(capture["rounds"])
    assert captures.agreement(capture) == pytest.approx(1 - 1 / sequences)
    assert any("changed tokens" in flaw for flaw in captures.flaws(capture))
    assert captures.flaws(capture, exact=False) == []  # where sums depend on how much is computed at once


def test_few_or_noisy_rounds_are_doubted(capture: dict[str, Any]) -> None:
    assert captures.doubts({**capture, "rounds": capture["rounds"][:2]})
    slow = copy.deepcopy(capture)
    for one in slow["rounds"][0]["speculative"]["requests"]:
        one["e2e_ms"] = one["ttft_ms"] + 9 * (one["e2e_ms"] - one["ttft_ms"])
    assert any("spread" in doubt for doubt in captures.doubts(slow))


def test_few_steps_are_doubted(capture: dict[str, Any]) -> None:
    assert not any("steps" in doubt for doubt in captures.doubts(capture))
    for one in capture["rounds"]:
        counters = one["speculative"]["counters"]
        counters["after"]["drafts"] = counters["before"]["drafts"] + 20
    assert any("60 verification steps" in doubt for doubt in captures.doubts(capture))


def test_speculation_that_drafts_nothing_is_found_out(capture: dict[str, Any]) -> None:
    run = fast(capture)
    run["counters"]["after"] = run["counters"]["before"]
    assert "round 1: nothing was drafted" in captures.flaws(capture)


def test_nothing_to_divide_is_no_number() -> None:
    one = {"ttft_ms": 1.0, "e2e_ms": 1.0, "n_out": 1, "gaps_ms": [], "tokens": [4]}
    zero = {"drafts": 0, "draft_tokens": 0, "accepted": 0, "per_pos": []}
    run = {"requests": [one], "counters": {"before": zero, "after": zero}}
    assert math.isnan(captures.tpot_ms(run))
    assert math.isnan(captures.itl_ms(run))
    assert math.isnan(captures.acceptance_length(run))
