"""One real vLLM engine in a process of its own: `python -m worker.engine.running`, JSON lines in and out.

It runs in vLLM's own environment, with nothing of this project but this package. The first line it reads is a
configuration; it answers with what it is, and then each line `{"prompts": [ids or text], "batch": 8, "tokens": 96}`
with what happened: times of every request, its tokens, vLLM's counters before and after. Its output is for answers
alone.
"""

import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import torch
import vllm
from vllm import LLM, SamplingParams
from vllm.platforms import current_platform

from worker.engine.configuration import Configuration, Prompt
from worker.engine.weights import digests

#: vLLM's names for the four counters of speculation, `_total` left off.
COUNTERS = {
    "vllm:spec_decode_num_drafts": "drafts",
    "vllm:spec_decode_num_draft_tokens": "draft_tokens",
    "vllm:spec_decode_num_accepted_tokens": "accepted",
    "vllm:spec_decode_num_accepted_tokens_per_pos": "per_pos",
}


class Engine:
    """One loaded configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.on_gpu = bool(current_platform.is_cuda_alike())
        room = {"gpu_memory_utilization": configuration.gpu_share}
        if not self.on_gpu:
            room = {"kv_cache_memory_bytes": configuration.cache_mib << 20}
        self._llm = LLM(
            model=configuration.target,
            dtype=configuration.dtype,
            max_model_len=configuration.most_tokens,
            max_num_seqs=configuration.most_requests,
            enforce_eager=configuration.eager,
            enable_prefix_caching=False,
            disable_log_stats=False,
            seed=0,
            speculative_config=configuration.speculative,
            **room,
        )

    def identity(self) -> dict[str, Any]:
        """What measured: versions, device, and the fingerprints of both models."""
        configuration = self._configuration
        return {
            "vllm": vllm.__version__,
            "torch": torch.__version__,
            "transformers": importlib.metadata.version("transformers"),
            "python": platform.python_version(),
            "device": torch.cuda.get_device_name() if self.on_gpu else _processor(),
            "driver": _driver() if self.on_gpu else None,
            "threads": torch.get_num_threads(),
            "configuration": configuration.told(),
            "target": digests(Path(configuration.target)),
            "head": digests(Path(configuration.head)) if configuration.k else None,
        }

    def run(self, prompts: list[Prompt], batch: int, tokens: int) -> dict[str, Any]:
        """Greedy decoding of `tokens` tokens for each prompt, at most `batch` of them at a time."""
        before, began, cpu = self.counters(), time.perf_counter(), _cpu_seconds()
        requests = []
        for start in range(0, len(prompts), batch):
            requests += self._together(prompts[start : start + batch], tokens)
        return {
            "requests": requests,
            "wall_s": time.perf_counter() - began,
            "cpu_s": _cpu_seconds() - cpu,
            "counters": {"before": before, "after": self.counters()},
        }

    def _together(self, prompts: list[Prompt], tokens: int) -> list[dict[str, Any]]:
        """Those prompts at once, step by step, so that each chunk has its time: what a streaming client would see."""
        engine = self._llm.llm_engine
        params = SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, detokenize=False)
        started: dict[str, float] = {}
        chunks: dict[str, list[tuple[float, int]]] = {}
        said: dict[str, list[int]] = {}
        for number, prompt in enumerate(prompts):
            name = str(number)
            chunks[name] = []
            asked = {"prompt": prompt} if isinstance(prompt, str) else {"prompt_token_ids": prompt}
            engine.add_request(name, asked, params)
            started[name] = time.perf_counter()
        while engine.has_unfinished_requests():
            outputs = engine.step()
            now = time.perf_counter()
            for output in outputs:
                found = list(output.outputs[0].token_ids)
                if len(found) > len(said.get(output.request_id, [])):
                    chunks[output.request_id].append((now, len(found)))
                    said[output.request_id] = found
        return [_told(started[name], chunks[name], said[name]) for name in started]

    def counters(self) -> dict[str, Any]:
        """vLLM's own, since it was loaded; zeros where nothing speculates."""
        found: dict[str, Any] = {"drafts": 0, "draft_tokens": 0, "accepted": 0, "per_pos": [0] * self._configuration.k}
        for metric in self._llm.get_metrics():
            name = COUNTERS.get(metric.name)
            if name is not None:
                found[name] = list(metric.values) if name == "per_pos" else metric.value
        return found


def _told(start: float, chunks: list[tuple[float, int]], tokens: list[int]) -> dict[str, Any]:
    times = [at for at, _ in chunks]
    return {
        "ttft_ms": 1e3 * (times[0] - start),
        "e2e_ms": 1e3 * (times[-1] - start),
        "n_out": len(tokens),
        "gaps_ms": [1e3 * (late - early) for early, late in pairwise(times)],
        "tokens": tokens,
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _driver() -> str | None:
    path = Path("/proc/driver/nvidia/version")
    return path.read_text(encoding="utf-8").splitlines()[0] if path.exists() else None


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    engine = Engine(Configuration.of(json.loads(sys.stdin.readline())))
    _answer(answers, engine.identity())
    for line in sys.stdin:
        _answer(answers, engine.run(**json.loads(line)))
    os._exit(0)  # engines hang in their own tidying up


def _answer(to: TextIO, what: dict[str, Any]) -> None:
    to.write(json.dumps(what) + "\n")


if __name__ == "__main__":
    main()
