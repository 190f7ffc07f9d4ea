"""What keeps the service honest: workers' signs of life, and the service in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class WorkerBeat:
    """What a worker says of itself, every few seconds. `state` is ready, draining or stopped."""

    name: str
    queues: tuple[str, ...]
    slots: int
    running: tuple[str, ...]
    sandbox: str
    state: str
    started_at: float
    seen_at: float = 0.0


@dataclass(frozen=True)
class Figures:
    """The service in numbers, all from the store, so that they survive a restart.

    `waiting`, `oldest_waiting_s` and `running` are by queue; `outcomes` by final state; `endings` by how attempts
    ended; `run_seconds` is (sum, count) by lab.
    """

    waiting: Mapping[str, int] = field(default_factory=dict)
    oldest_waiting_s: Mapping[str, float] = field(default_factory=dict)
    running: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    endings: Mapping[str, int] = field(default_factory=dict)
    run_seconds: Mapping[str, tuple[float, int]] = field(default_factory=dict)
