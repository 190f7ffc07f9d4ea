"""pytest plugin: hands each test a guest, and tells the worker of each test as it ends."""

import fcntl
import json
import os
import random
import tempfile
import time
import zlib
from collections.abc import Generator
from typing import IO, Any

import numpy as np
import pytest
from labkit.manifest import Manifest
from labkit.plugin import GUEST_TRANSPORT

from worker.harness.link import GuestTransport, GuestUnavailable, Link

#: The cause that the grader knows such a test by.
NO_GUEST = "no-guest"
#: What all that a submission prints may take of its report, as JSON, where a character can be twelve.
MAX_PRINTED = 4 * 1024 * 1024
_LONGEST = 12


class Events:
    """Lines of JSON to the worker, on the descriptor that was standard output when the process began."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a spec prints must not look like an event
        self._turn: IO[bytes] | None = None

    def share(self) -> None:
        """From here on, this process's children send events too: one line at a time."""
        self._turn = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process

    def emit(self, event: str, **fields: Any) -> None:
        """Send one event."""
        line = json.dumps({"event": event, **fields}) + "\n"
        if self._turn is not None:
            fcntl.lockf(self._turn, fcntl.LOCK_EX)
        self._out.write(line)
        self._out.flush()
        if self._turn is not None:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)


class Live:
    """One `test` event as each test ends."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._ahead = False
        self._began: float | None = None
        self._outcome: dict[str, str] = {}
        self._seconds: dict[str, float] = {}
        self.report: dict[str, Any] | None = None
        self.broken: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a spec could not be read."""
        if report.failed:
            self.broken.append(str(report.longrepr)[:2000])

    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Keep the whole report of pytest-json-report, which writes no file here."""
        if self._began is not None:
            json_report["duration"] = time.time() - self._began
        self.report = json_report

    def wait(self) -> None:
        """Say nothing of what is collected until `begin`: there is no job yet."""
        self._ahead = True

    def begin(self, session: pytest.Session, *, tell: bool = True) -> None:
        """A job has come: its time counts from now. One of its processes tells what will run."""
        self._ahead = False
        self._began = time.time()
        if tell:
            self.pytest_collection_finish(session)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell what will run."""
        if not self._ahead:
            self._events.emit("collected", tests=[item.name for item in session.items])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Global generators, which no spec should use, start alike in every run of a test, whatever ran before it."""
        seed = zlib.crc32(f"{os.environ['LAB_SEED']} {item.name}".encode())
        random.seed(seed)
        np.random.seed(seed)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of the phases; tell it after the last."""
        name = report.nodeid.partition("::")[2]
        if report.outcome != "passed" or name not in self._outcome:
            self._outcome[name] = report.outcome
        self._seconds[name] = self._seconds.get(name, 0.0) + report.duration
        if report.when == "teardown":
            properties: dict[str, Any] = {
                k: v for k, v in report.user_properties if k in ("verdict", "diagnosis", "share")
            }
            self._events.emit(
                "test", test=name, outcome=self._outcome[name], duration_s=self._seconds[name], **properties
            )


class Printed:
    """What a submission printed in all tests of a run, as far as the report has room for it."""

    def __init__(self, room: int = MAX_PRINTED) -> None:
        self._room = room

    def fitting(self, output: str) -> str:
        """What the report can hold of one more test's output."""
        if len(json.dumps(output)) > self._room:
            kept = self._room // _LONGEST
            output = f"{output[:kept]}\n… {len(output) - kept:,} more characters: the run printed too much"
        self._room = max(0, self._room - len(json.dumps(output)))
        return output


class Guests:
    """Gives each test its own transport, and ends its child with the test."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._run_deadline = 0.0
        self._printed = Printed()
        self._open: list[GuestTransport] = []

    def begin(self, link: Link, run_deadline: float, streams: int = 1) -> None:
        """What the tests of this job talk to, and until when (time.monotonic); one of how many streams they are."""
        self._link = link
        self._run_deadline = run_deadline
        self._printed = Printed(MAX_PRINTED // streams)

    def lengthen(self, seconds: float) -> None:
        """So long nobody waited for a guest: the tests that follow have as much time as before."""
        self._run_deadline += seconds

    def pytest_configure(self, config: pytest.Config) -> None:
        """Be what LAB_IMPL=guest stands for."""
        config.stash[GUEST_TRANSPORT] = self._make

    def _make(self, manifest: Manifest, seed: int) -> GuestTransport:
        if self._link is None:
            raise GuestUnavailable("the spec asked for the implementation before there was one")
        self._open.append(GuestTransport(self._link, seed, manifest.test_seconds, self._run_deadline))
        return self._open[-1]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Reap the child before the report is written, so that it holds what the submission printed, and its time."""
        yield
        while self._open:
            transport = self._open.pop()
            output = transport.close()
            if output.strip():
                item.user_properties.append(("output", self._printed.fitting(output)))
            if transport.used_s is not None:
                item.user_properties.append(("used_s", round(transport.used_s, 4)))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """A guest that could not be started is nobody's wrong answer."""
        if call.excinfo is not None and isinstance(call.excinfo.value, GuestUnavailable):
            told = {"cause": NO_GUEST, "hint": "", "message": f"{call.excinfo.value}"}
            item.user_properties += [("verdict", "errored"), ("diagnosis", told)]
        yield
