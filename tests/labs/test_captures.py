"""Every capture of lab-02 says what it is and where it comes from, and a measured one is sound to the last token."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

LAB = Path(__file__).parents[2] / "labs/phase-08-speculative-decoding/labs/lab-02-eagle-on-real-vllm"
FILES = sorted((LAB / "captures").glob("*.json"))
CAPTURES: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FILES}
MEASURED = {name: one for name, one in CAPTURES.items() if one["meta"]["kind"] == "measured"}
IDENTITY = {
    "kind", "source_url", "gpu", "driver", "vllm", "torch", "model", "model_revision", "draft", "draft_revision",
    "dtype", "method", "k", "temperature", "dataset", "n_prompts", "out_len", "concurrency", "prefix_caching", "date",
}  # fmt: skip
#: What a CPU run cannot have, and a run of ours has not: somebody else's page.
NOT_MEASURED = {"gpu", "driver", "source_url"}
REQUEST = {"ttft_ms", "e2e_ms", "n_out", "chunk_gaps_ms"}


def counted(run: dict[str, Any]) -> dict[str, Any]:
    before, after = run["counters_before"], run["counters_after"]
    pairs = zip(before["per_pos"], after["per_pos"], strict=True)
    return {name: after[name] - before[name] for name in before if name != "per_pos"} | {
        "per_pos": [late - early for early, late in pairs]
    }


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_says_what_it_is(name: str) -> None:
    capture = CAPTURES[name]
    meta = capture["meta"]
    assert capture["schema"] == "lab-02-capture/1"
    assert meta.keys() - {"device"} == IDENTITY
    assert name.startswith(f"{meta['kind']}-")
    assert meta["kind"] in ("measured", "published", "illustrative")
    assert capture["says"]
    if meta["kind"] == "published":
        assert re.fullmatch(r"https://\S+", meta["source_url"])
    if meta["kind"] == "illustrative":
        assert meta["source_url"] is None and meta["date"] is None


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_one_has_its_full_identity(name: str) -> None:
    meta = MEASURED[name]["meta"]
    assert {key for key, value in meta.items() if value is None} <= NOT_MEASURED
    assert meta["device"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", meta[f"{model}_revision"]) for model in ("model", "draft"))


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_one_is_sound(name: str) -> None:
    """What no genuine run can violate: see the engine's own checks of a capture."""
    capture = MEASURED[name]
    meta, fast, base = capture["meta"], capture["speculative"], capture["baseline"]
    counts, k = counted(fast), meta["k"]
    assert counts["accepted"] == sum(counts["per_pos"]) <= counts["draft_tokens"] <= k * counts["drafts"]
    assert len(counts["per_pos"]) == k and all(early >= late for early, late in pairwise(counts["per_pos"]))
    assert counted(base)["drafts"] == 0
    for run in (base, fast):
        assert len(run["requests"]) == meta["n_prompts"]
        for one in run["requests"]:
            assert one.keys() == REQUEST and one["n_out"] == meta["out_len"]
            assert one["ttft_ms"] + sum(one["chunk_gaps_ms"]) == pytest.approx(one["e2e_ms"], rel=1e-3)
    assert all(len(one["chunk_gaps_ms"]) == one["n_out"] - 1 for one in base["requests"])
    tokens, requests = sum(one["n_out"] for one in fast["requests"]), len(fast["requests"])
    assert 0 <= requests + counts["drafts"] + counts["accepted"] - tokens <= k * requests
    assert sum(len(one["chunk_gaps_ms"]) for one in fast["requests"]) <= counts["drafts"]


def test_what_is_to_be_predicted_is_not_among_them() -> None:
    """Of the pair and the text that an engine is asked about there is k = 1 and 2 alone, one request at a time."""
    prose = [one["meta"] for name, one in MEASURED.items() if "prose" in name]
    assert sorted((meta["k"], meta["concurrency"]) for meta in prose) == [(1, 1), (2, 1)]
    assert {meta["dataset"] for meta in prose}.isdisjoint(
        one["meta"]["dataset"] for name, one in MEASURED.items() if "prose" not in name
    )


def test_the_notes_know_every_capture_and_its_kind() -> None:
    notes = (LAB / "captures/ANNOTATED.md").read_text(encoding="utf-8")
    for name, capture in CAPTURES.items():
        assert f"`{name}.json`" in notes
        assert not capture["meta"]["source_url"] or capture["meta"]["source_url"] in notes
