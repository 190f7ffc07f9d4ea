"""Plays plain decoding against speculation: the same prompts, in rounds whose order alternates, after a warm-up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from worker.engine.configuration import Prompt

#: Seconds one run may take.
RUN_S = 300.0
_WARM_UP_TOKENS = 8


class Decoder(Protocol):
    """What is asked: `EngineProcess`, or a fake that tells of a run that was."""

    def ready(self) -> Mapping[str, Any]:
        """What it is."""
        ...

    def run(self, prompts: Sequence[Prompt], batch: int, tokens: int, timeout: float) -> Mapping[str, Any]:
        """Decode these prompts, `batch` at a time, `tokens` tokens each."""
        ...


@dataclass(frozen=True)
class Plan:
    """What to measure: which text, how many requests at once, how long, how often; k is the speculative engine's."""

    workload: str
    k: int
    batch: int
    tokens: int
    rounds: int


Left = Callable[[], float]
"""Seconds that are left. Raises Stopped where none are, or where nobody wants the rest."""


def measure(
    plan: Plan, prompts: Sequence[Prompt], baseline: Decoder, speculative: Decoder, left: Left = lambda: RUN_S
) -> dict[str, Any]:
    """A capture (see `captures`). Raises EngineError, Stopped.

    Rounds run AB, BA, AB, …: what slowly changes on the machine falls on both alike.
    """
    engines = {"baseline": baseline, "speculative": speculative}
    identity = {name: dict(engine.ready()) for name, engine in engines.items()}
    for engine in engines.values():
        _warm_up(engine, plan, prompts, left)
    rounds = []
    for number in range(plan.rounds):
        order = list(engines) if number % 2 == 0 else list(reversed(engines))
        rounds.append({name: _run(engines[name], plan, prompts, left) for name in order})
    return {
        "schema": "grader-capture/1",
        "kind": "measured",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": asdict(plan),
        "identity": identity,
        "rounds": rounds,
    }


def decode(plan: Plan, prompts: Sequence[Prompt], baseline: Decoder, left: Left) -> list[dict[str, Any]]:
    """Plain decoding alone: one run a round. Raises EngineError, Stopped."""
    _warm_up(baseline, plan, prompts, left)
    return [_run(baseline, plan, prompts, left) for _ in range(plan.rounds)]


def _warm_up(engine: Decoder, plan: Plan, prompts: Sequence[Prompt], left: Left) -> None:
    engine.run(prompts[: plan.batch], plan.batch, _WARM_UP_TOKENS, min(RUN_S, left()))


def _run(engine: Decoder, plan: Plan, prompts: Sequence[Prompt], left: Left) -> dict[str, Any]:
    return dict(engine.run(prompts, plan.batch, plan.tokens, min(RUN_S, left())))
