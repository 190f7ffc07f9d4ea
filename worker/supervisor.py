"""Runs one assignment: starts judge and guest in a cell, passes events on, brings the report back.

It makes no verdict. What it can say itself is only whose fault it was that there is no report.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from grader.domain.errors import Fault
from grader.domain.run import Assignment, Event, RunResult
from worker.bundle import BOOT, pack
from worker.cancellation import Cancellation
from worker.limits import Limits
from worker.sandbox import Cell, OutputTooLarge, Role, Running, Sandbox, SandboxError

SOCKET = "/channel/judge.sock"
ARGV = ("python", "-c", BOOT)
#: What judge and guest need to start and to write the report, on top of the lab's own time.
GRACE_SECONDS = 90.0
JUDGE_LIMITS = Limits(memory_mib=1024, scratch_mib=128, processes=64, cpu_seconds=1800)
#: The interpreter and numpy, before the submission's own memory.
GUEST_BASE_MIB = 192
#: The zygote, and threads a numerical library may start.
GUEST_BASE_PROCESSES = 8
MAX_GUESTS = 64
CANCELLED = "the run was cancelled"

log = logging.getLogger(__name__)
OnEvent = Callable[[Event], None]


class NoReport(Exception):
    """The run ended without a report; `fault` says through whom."""

    def __init__(self, fault: Fault, problem: str) -> None:
        super().__init__(problem)
        self.fault = fault
        self.problem = problem


def run(
    assignment: Assignment,
    sandbox: Sandbox,
    on_event: OnEvent,
    cancellation: Cancellation | None = None,
    seconds: float | None = None,
) -> RunResult:
    """Grade one submission. Never raises for what a submission, a spec or a sandbox does: the result says it.

    A run ended through `cancellation` has neither a report nor a fault. It lasts `seconds` at most, None for all that
    the lab gives it.
    """
    started = time.monotonic()
    ended_by = cancellation or Cancellation()
    deadline = started + (longest(assignment) if seconds is None else seconds)
    report: bytes | None = None
    fault: Fault | None = None
    problem = ""
    try:
        with sandbox.cell() as cell:
            play = _joined if assignment.lab.isolation == "joined" else _split
            report, problem = play(assignment, cell, on_event, ended_by, deadline)
    except NoReport as missing:
        # a killed judge looks like many things: half a line, no report
        fault, problem = (None, CANCELLED) if ended_by.cancelled else (missing.fault, missing.problem)
    except SandboxError as error:
        fault, problem = Fault.OPERATOR, f"{error}{f' - {error.fix}' if error.fix else ''}"
    if report is not None and problem:
        fault = Fault.LAB_AUTHOR
    return RunResult(
        report=report,
        sandbox=sandbox.name,
        isolation=assignment.lab.isolation,
        duration_s=time.monotonic() - started,
        fault=fault,
        problem=problem,
    )


def longest(assignment: Assignment) -> float:
    """How many seconds a run may last, from the start of its sandbox to its report."""
    return assignment.lab.limits.run_seconds + GRACE_SECONDS


def _split(
    assignment: Assignment, cell: Cell, on_event: OnEvent, cancellation: Cancellation, deadline: float
) -> tuple[bytes, str]:
    token = os.urandom(16).hex()
    guests = _Guests(assignment, cell)
    guests.start(token)
    files = {**harness_files(), **_under("course", assignment.bundle)}
    job = _job(assignment) | {"socket": SOCKET, "token": token}
    judge = cell.start(Role.JUDGE, ARGV, pack("worker.harness.judge", job, files), JUDGE_LIMITS)
    with cancellation.covers(judge):
        return _listen(judge, on_event, guests.start, cancellation, deadline)


def _joined(
    assignment: Assignment, cell: Cell, on_event: OnEvent, cancellation: Cancellation, deadline: float
) -> tuple[bytes, str]:
    limits = assignment.lab.limits
    own = {f"{assignment.lab_path}/{path}": data for path, data in assignment.submission.files.items()}
    files = {**harness_files(), **_under("course", assignment.bundle), **_under("course", own)}
    bounds = Limits(
        memory_mib=limits.memory_mib + 2 * GUEST_BASE_MIB,
        scratch_mib=limits.scratch_mib + 16,
        processes=limits.processes + GUEST_BASE_PROCESSES,
        cpu_seconds=int(limits.run_seconds) + 30,
    )
    running = cell.start(Role.JUDGE, ARGV, pack("worker.harness.joined", _job(assignment), files), bounds)
    with cancellation.covers(running):
        return _listen(running, on_event, lambda token: None, cancellation, deadline)


def _job(assignment: Assignment) -> dict[str, Any]:
    return {
        "lab": assignment.lab_path,
        "spec": assignment.lab.spec,
        "seed": assignment.seed,
        "tests": list(assignment.tests) if assignment.tests else None,
        "listed": list(assignment.tests or (test.name for test in assignment.lab.tests)),
        "run_seconds": assignment.lab.limits.run_seconds,
    }


class _Guests:
    """Starts a guest whenever the judge asks for one; the one before is killed first."""

    def __init__(self, assignment: Assignment, cell: Cell) -> None:
        self._cell = cell
        self._current: Running | None = None
        self._left = MAX_GUESTS
        limits = assignment.lab.limits
        self._limits = Limits(
            memory_mib=limits.memory_mib + GUEST_BASE_MIB,
            scratch_mib=limits.scratch_mib,
            processes=limits.processes + GUEST_BASE_PROCESSES,
            cpu_seconds=int(limits.run_seconds) + 30,
        )
        labkit = {path: data for path, data in assignment.bundle.items() if path.startswith("labkit/")}
        files = assignment.submission.files
        self._files = {**harness_files(), **_under("course", labkit), **_under("submission", files)}
        self._job = {"socket": SOCKET, "memory_mib": limits.memory_mib, "main": assignment.lab.submission[0]}

    def start(self, token: str) -> None:
        """A fresh guest that will present `token`."""
        if self._current is not None:
            self._current.kill()
        if self._left == 0:
            raise NoReport(Fault.US, f"the submission took down {MAX_GUESTS} guests; the run was given up")
        self._left -= 1
        bundle = pack("worker.harness.guest", self._job | {"token": token}, self._files)
        self._current = self._cell.start(Role.GUEST, ARGV, bundle, self._limits)


def _listen(
    judge: Running,
    on_event: OnEvent,
    start_guest: Callable[[str], None],
    cancellation: Cancellation,
    deadline: float,
) -> tuple[bytes, str]:
    """Pass the judge's events on until its report: the report's JSON, and the problem it told, if any."""
    problem = ""
    for event in events_of(judge, deadline):
        kind = event["event"]
        if kind == "guest":
            start_guest(str(event.get("token", "")))
        elif kind == "problem":
            problem = str(event.get("text", ""))[:3000]
        elif kind == "report":
            return json.dumps(event.get("report")).encode(), problem
        else:
            on_event(event)
    if cancellation.cancelled:
        raise NoReport(Fault.US, CANCELLED)
    raise silent(judge)


def events_of(running: Running, deadline: float) -> Iterator[dict[str, Any]]:
    """The events of a process, each a JSON object with a string `event`; anything else ends the run."""
    while True:
        try:
            line = running.read_line(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise NoReport(Fault.LAB_AUTHOR, "the run did not end in its time: does the spec itself hang?") from None
        except OutputTooLarge as error:
            raise NoReport(Fault.LAB_AUTHOR, f"the run reported too much: {error}") from None
        if line is None:
            return
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise NoReport(Fault.US, "the run reported something that is no event")
        yield event


def silent(running: Running) -> NoReport:
    """Why a process ended without what was waited for."""
    try:
        ended = running.wait(5)
    except TimeoutError:
        ended = None
    how = f"exit code {ended.code}{', out of memory' if ended.out_of_memory else ''}" if ended else "still running"
    tail = running.stderr_tail().strip()
    log.error("a judge ended without a report (%s): %s", how, tail)
    return NoReport(Fault.US, f"the judge ended without a report ({how})\n{tail}".strip())


def _under(place: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{place}/{path}": data for path, data in files.items()}


def harness_files() -> dict[str, bytes]:
    """Our own code that goes into the sandbox, as bundle paths."""
    package = Path(__file__).parent
    sources = [package / "__init__.py", *sorted((package / "harness").glob("*.py"))]
    return {f"harness/worker/{file.relative_to(package).as_posix()}": file.read_bytes() for file in sources}
