"""The judge's way to an engine: what a spec asks goes to the worker, whose answer comes on the judge's own input."""

import json
import time
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest
from labkit.plugin import ENGINE, HISTORY

from worker.harness.live import Events


class Measuring:
    """pytest plugin: tells a spec what was handed in before, and has the worker measure what it asks for.

    `waited` is told how many seconds that took: they are nobody's but the engine's.
    """

    def __init__(self, job: dict[str, Any], events: Events, answers: BinaryIO, waited: Callable[[float], None]) -> None:
        self._job = job
        self._events = events
        self._answers = answers
        self._waited = waited

    def pytest_configure(self, config: pytest.Config) -> None:
        """Be there before the first test."""
        config.stash[HISTORY] = self._job["history"]
        if self._job["measured"]:
            config.stash[ENGINE] = self._measure

    def _measure(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer. Where nothing can be measured it ends this process instead."""
        began = time.monotonic()
        self._events.emit("measure", asked=asked)
        line = self._answers.readline()
        self._waited(time.monotonic() - began)
        if not line:
            raise EOFError("the worker is gone")
        measured: dict[str, Any] = json.loads(line)["measured"]
        return measured
