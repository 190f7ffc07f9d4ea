"""Runs one assignment: finds or starts judge and guest, passes events on, brings the report back.

It makes no verdict. What it can say itself is only whose fault it was that there is no report.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from grader.domain.errors import Fault
from grader.domain.run import Assignment, Event, RunResult
from worker import roles
from worker.bundle import ARGV, pack, under
from worker.cancellation import Cancellation
from worker.engine.errors import Stopped
from worker.guests import Guest, Guests
from worker.measuring import NO_ENGINE, Measurer, answered
from worker.sandbox import Cell, OutputTooLarge, Role, Running, Sandbox, SandboxError
from worker.stages import Stages
from worker.verdictless import NoReport
from worker.warm.cores import Cores
from worker.warm.pool import Warm
from worker.warm.seat import Seat

#: What judge and guest need to start and to write the report, on top of the lab's own time.
GRACE_SECONDS = 90.0
CANCELLED = "the run was cancelled"

log = logging.getLogger(__name__)
OnEvent = Callable[[Event], None]


@dataclass
class _Run:
    """What all of a run share. `deadline` is of time.monotonic."""

    assignment: Assignment
    on_event: OnEvent
    cancellation: Cancellation
    deadline: float
    measurer: Measurer | None = None
    stages: Stages = field(default_factory=Stages)


def run(
    assignment: Assignment,
    sandbox: Sandbox,
    on_event: OnEvent,
    cancellation: Cancellation | None = None,
    seconds: float | None = None,
    measurer: Measurer | None = None,
) -> RunResult:
    """Grade one submission. Never raises for what a submission, a spec or a sandbox does: the result says it.

    In a `Warm` sandbox judge and guest are there already, where it has some free. A run ended through `cancellation`
    has neither a report nor a fault. It lasts `seconds` at most, None for all that the lab gives it. `measurer` answers
    what a measured lab's spec asks.
    """
    started = time.monotonic()
    ended_by = cancellation or Cancellation()
    deadline = started + (longest(assignment) if seconds is None else seconds)
    one = _Run(assignment, on_event, ended_by, deadline, measurer)
    report: bytes | None = None
    fault: Fault | None = None
    problem = ""
    try:
        _check(assignment, measurer)
        report, problem = _played(one, sandbox)
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
        stages=one.stages.seconds(),
    )


def _check(assignment: Assignment, measurer: Measurer | None) -> None:
    """Raise NoReport where a lab cannot be measured as it wants to be."""
    if assignment.lab.measured and assignment.lab.isolation == "joined":
        raise NoReport(Fault.LAB_AUTHOR, "a submission beside its spec could ask the engine itself: split the two")
    if assignment.lab.measured and measurer is None:
        raise NoReport(Fault.OPERATOR, NO_ENGINE)


def longest(assignment: Assignment) -> float:
    """How many seconds a run may last, from the start of its sandbox to its report."""
    limits, measured = assignment.lab.limits, assignment.lab.measured
    return limits.run_seconds + (limits.measure_seconds if measured else 0.0) + GRACE_SECONDS


def _played(one: _Run, sandbox: Sandbox) -> tuple[bytes, str]:
    cores = sandbox.cores if isinstance(sandbox, Warm) else Cores((), 1)
    if one.assignment.lab.isolation == "joined":
        with sandbox.cell() as cell:
            return _joined(one, cell, cores)
    if isinstance(sandbox, Warm):
        with sandbox.seat(one.assignment) as seat:
            found = _seated(one, seat) if seat is not None else None
            return found or _cold(one, sandbox, cores)
    return _cold(one, sandbox, cores)


def _seated(one: _Run, seat: Seat) -> tuple[bytes, str] | None:
    """With a judge and a guest that waited; None where that judge did not begin: then nothing has happened yet."""
    guests = [
        Guests(one.assignment, socket, partial(seat.take_guest, stream), seat.drop_guest)
        for stream, socket in enumerate(seat.sockets)
    ]
    found: tuple[bytes, str] | None = None

    def pass_on(event: Event) -> None:
        seat.heard(event)
        one.on_event(event)

    try:
        with one.cancellation.covers(seat.judge):
            if _begun(seat, guests):
                heard = replace(one, on_event=pass_on)
                found = _listen(heard, seat.judge, lambda token, stream: guests[stream].start(token))
            elif one.cancellation.cancelled:
                raise NoReport(Fault.US, CANCELLED)
        return found
    finally:
        for stream in guests:
            stream.end()
        seat.leave(reported=found is not None)


def _begun(seat: Seat, guests: list[Guests]) -> bool:
    try:
        return seat.begin([stream.start for stream in guests])
    except SandboxError as error:
        log.warning("a job starts what it needs itself, because what waited for it failed: %s", error)
        return False


def _cold(one: _Run, sandbox: Sandbox, cores: Cores) -> tuple[bytes, str]:
    """With a cell, a judge and a guest of its own."""
    with sandbox.cell() as cell:
        token, socket = secrets.token_hex(16), f"/channel/{secrets.token_hex(16)}"
        guest_bundle, limits = roles.guest_bundle(one.assignment), roles.guest_limits(one.assignment)

        def take() -> Guest:
            core = cores.enter()
            try:
                return Guest(cell.start(Role.GUEST, ARGV, guest_bundle, replace(limits, core=core), more=True), core)
            except SandboxError:
                cores.leave(core)
                raise

        def drop(guest: Guest) -> None:
            cores.leave(guest.core)
            guest.running.kill()

        guests = Guests(one.assignment, socket, take, drop)
        try:
            guests.start(token)
            job = roles.judge_job(one.assignment) | {"socket": socket, "tokens": [token]}
            files = roles.judge_files(one.assignment)
            bundle = pack("worker.harness.judge", job, files)
            judge = cell.start(Role.JUDGE, ARGV, bundle, roles.JUDGE_LIMITS, more=one.assignment.lab.measured)
            with one.cancellation.covers(judge):
                return _listen(one, judge, lambda token, stream: guests.start(token))
        finally:
            guests.end()


def _joined(one: _Run, cell: Cell, cores: Cores) -> tuple[bytes, str]:
    work = one.assignment
    own = {f"{work.lab_path}/{path}": data for path, data in work.submission.files.items()}
    files = {**roles.judge_files(work), **under("course", own)}
    bundle = pack("worker.harness.joined", roles.judge_job(work), files)
    core = cores.enter()
    try:
        running = cell.start(Role.JOINED, ARGV, bundle, replace(roles.joined_limits(work), core=core))
        with one.cancellation.covers(running):
            return _listen(one, running, lambda token, stream: None)
    finally:
        cores.leave(core)


def _listen(one: _Run, judge: Running, start_guest: Callable[[str, int], None]) -> tuple[bytes, str]:
    """Pass the judge's events on until its report: the report's JSON, and the problem it told, if any."""
    problem = ""
    for event in events_of(judge, one.deadline):
        kind = event["event"]
        one.stages.heard(kind)
        if kind == "guest":
            start_guest(str(event.get("token", "")), int(event.get("stream", 0)))
        elif kind == "measure":
            judge.feed(_measured(one, event.get("asked")))
        elif kind == "problem":
            problem = str(event.get("text", ""))[:3000]
        elif kind == "report":
            return json.dumps(event.get("report")).encode(), problem
        elif kind != "answered":
            one.on_event(event)
    raise silent(judge, one.cancellation)


def _measured(one: _Run, asked: Any) -> bytes:
    """A measurement for a judge that waits for nothing else. Raises NoReport, which ends the run."""

    def left() -> float:
        seconds = one.deadline - time.monotonic()
        if one.cancellation.cancelled or seconds <= 0:
            raise Stopped
        return seconds

    if not one.assignment.lab.measured:
        raise NoReport(Fault.LAB_AUTHOR, "the spec asks an engine, and its lab.toml does not say measured = true")
    return answered(one.measurer, asked, left, lambda ahead: one.on_event({"event": "measuring", "ahead": ahead}))


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


def silent(running: Running, cancellation: Cancellation) -> NoReport:
    """Why a process ended without what was waited for."""
    if cancellation.cancelled:
        return NoReport(Fault.US, CANCELLED)
    try:
        ended = running.wait(5)
    except TimeoutError:
        ended = None
    how = f"exit code {ended.code}{', out of memory' if ended.out_of_memory else ''}" if ended else "still running"
    tail = running.stderr_tail().strip()
    log.error("a judge ended without a report (%s): %s", how, tail)
    return NoReport(Fault.US, f"the judge ended without a report ({how})\n{tail}".strip())
