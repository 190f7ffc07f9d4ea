"""Runs a lab's own answers over many seeds, to prove it and to measure it: a share of the seeds on each processor."""

import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

from worker.bundle import ARGV, harness_files, pack
from worker.cancellation import Cancellation
from worker.roles import JUDGE_LIMITS
from worker.sandbox import Cell, Role, Sandbox
from worker.supervisor import OnEvent, events_of, silent

LONGEST_SECONDS = 4 * 3600
LIMITS = replace(JUDGE_LIMITS, cpu_seconds=LONGEST_SECONDS)


def rehearse(
    lab_path: str, spec: str, bundle: Mapping[str, bytes], seeds: list[int], sandbox: Sandbox, on_event: OnEvent
) -> dict[str, Any]:
    """Run the course's own answers over `seeds`: the `rehearsed` events as one. Raises NoReport, SandboxError."""
    jobs = [{"lab": lab_path, "spec": spec, "seeds": share} for share in _shares(seeds)]
    found = _spread("rehearsal", "rehearsed", jobs, bundle, sandbox, on_event)
    problems = dict.fromkeys(problem for part in found for problem in part["problems"])
    return found[0] | {"problems": list(problems), "seeds": sum(part["seeds"] for part in found)}


def calibrate(
    lab_path: str, spec: str, bundle: Mapping[str, bytes], seeds: list[int], runs: int, sandbox: Sandbox,
    on_event: OnEvent,
) -> list[dict[str, Any]]:  # fmt: skip
    """Measure a lab over `seeds` and, for each statistical check, `runs` simulated correct samplers.

    Gives the `calibrated` events, one of each processor. Raises NoReport, SandboxError.
    """
    shares = _shares(seeds)
    jobs = [{"lab": lab_path, "spec": spec, "seeds": share, "runs": -(-runs // len(shares))} for share in shares]
    return _spread("calibration", "calibrated", jobs, bundle, sandbox, on_event)


def _shares(seeds: list[int]) -> list[list[int]]:
    processors = os.cpu_count() or 1
    return [share for share in (seeds[i::processors] for i in range(processors)) if share]


def _spread(
    module: str, last: str, jobs: list[dict[str, Any]], bundle: Mapping[str, bytes], sandbox: Sandbox, on_event: OnEvent
) -> list[dict[str, Any]]:
    """The event `last` of each job, run by the harness's `module` in a process of its own.

    All of them end where one fails, or where somebody interrupts.
    """
    files = {**harness_files(), **{f"course/{path}": data for path, data in bundle.items()}}
    done: dict[int, tuple[int, int]] = {}
    cancellations = [Cancellation() for _ in jobs]

    def play(cell: Cell, number: int) -> dict[str, Any]:
        running = cell.start(Role.JUDGE, ARGV, pack(f"worker.harness.{module}", jobs[number], files), LIMITS)
        with cancellations[number].covers(running):
            for event in events_of(running, time.monotonic() + LONGEST_SECONDS):
                if event["event"] == last:
                    return event
                done[number] = (int(event.get("done", 0)), int(event.get("total", 0)))
                known = list(done.values())
                on_event({"event": "progress", "done": sum(d for d, _ in known), "total": sum(t for _, t in known)})
        raise silent(running, cancellations[number])

    with sandbox.cell() as cell, ThreadPoolExecutor(len(jobs)) as threads:
        try:
            shares = [threads.submit(play, cell, number) for number in range(len(jobs))]
            for share in as_completed(shares):
                share.result()
            return [share.result() for share in shares]
        finally:
            for cancellation in cancellations:
                cancellation.cancel()
