"""An engine that decodes nothing: it plays requests token by token, on a clock of its own, and counts as vLLM does."""

from collections.abc import Sequence
from typing import Any

from worker.engine.configuration import Configuration, Prompt
from worker.engine.errors import EngineError
from worker.engine.process import LOAD_S

#: Drafts that a step accepts, of as many as it has.
PATTERN = (3, 1, 2, 5, 0)
STEP_MS = 10.0
DRAFT_MS = 1.0


class FakeEngine:
    """Satisfies `Loading`. A test may end it (`die`) or make it say other tokens (`tokens_off`)."""

    def __init__(self, configuration: Configuration, broken: str = "") -> None:
        self.configuration = configuration
        self.alive = True
        self.closed = False
        self.ran = 0
        self.tokens_off = 0
        self._broken = broken
        k = configuration.k
        self._counters: dict[str, Any] = {"drafts": 0, "draft_tokens": 0, "accepted": 0, "per_pos": [0] * k}

    def ready(self, timeout: float = LOAD_S) -> dict[str, Any]:
        """See `Loading`."""
        if self._broken:
            self.die()
            raise EngineError(self._broken)
        named = {"vllm": "0.0", "torch": "0.0", "device": "a clock", "driver": None}
        return {**named, "configuration": self.configuration.told()}

    def run(self, prompts: Sequence[Prompt], batch: int, tokens: int, timeout: float) -> dict[str, Any]:
        """See `Decoder`."""
        if not self.alive:
            raise EngineError("the engine ended with exit code -9")
        self.ran += 1
        before = self._copied()
        requests = [self._request(number, tokens) for number in range(len(prompts))]
        spent = sum(one["e2e_ms"] for one in requests) / 1e3
        return {
            "requests": requests,
            "wall_s": spent,
            "cpu_s": spent,
            "counters": {"before": before, "after": self._copied()},
        }

    def die(self) -> None:
        """End as a process that was killed."""
        self.alive = False

    def close(self) -> None:
        """See `Loading`."""
        self.alive, self.closed = False, True

    def _request(self, number: int, tokens: int) -> dict[str, Any]:
        k, emitted, gaps = self.configuration.k, 1, []
        while emitted < tokens:
            accepted = min(k, PATTERN[len(gaps) % len(PATTERN)])
            if k:
                self._count(k, accepted)
            emitted += min(accepted + 1, tokens - emitted)
            gaps.append(STEP_MS + DRAFT_MS * k)
        said = [number * 1000 + place + self.tokens_off for place in range(tokens)]
        return {"ttft_ms": 5.0, "e2e_ms": 5.0 + sum(gaps), "n_out": tokens, "gaps_ms": gaps, "tokens": said}

    def _count(self, k: int, accepted: int) -> None:
        self._counters["drafts"] += 1
        self._counters["draft_tokens"] += k
        self._counters["accepted"] += accepted
        for position in range(accepted):
            self._counters["per_pos"][position] += 1

    def _copied(self) -> dict[str, Any]:
        return {**self._counters, "per_pos": list(self._counters["per_pos"])}
