"""The judge: pytest on the lab's spec. The submission is in another sandbox, behind `Link`."""

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pytest

from worker.harness.link import Link, listen
from worker.harness.live import Events, Guests, Live
from worker.harness.measuring import Measuring
from worker.harness.streams import Streams


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox. Leaves a `report` event, or a `problem` event where the spec did not run."""
    os.umask(0)
    judge(job, Events(), listen(job["socket"]), sys.stdin.buffer)


def judge(job: dict[str, Any], events: Events, listener: socket.socket, answers: BinaryIO) -> NoReturn:
    """Run the spec against the guests that knock at `listener`, and end the process.

    `answers`: where the worker says what an engine measured.
    """
    guests = Guests()
    guests.begin(link(job, events, listener), time.monotonic() + job["run_seconds"])
    run_spec(job, events, "guest", [guests, Measuring(job, events, answers, guests.lengthen)])


def link(job: dict[str, Any], events: Events, listener: socket.socket, stream: int = 0) -> Link:
    """The channel of one job, or of one stream of it."""
    return Link(
        listener,
        job["tokens"][stream],
        ask=lambda token: events.emit("guest", token=token, stream=stream),
        met=lambda: events.emit("answered"),
    )


def run_spec(job: dict[str, Any], events: Events, impl: str, plugins: list[object]) -> NoReturn:
    """Run the spec against `impl` and end the process: nothing is left to tidy up that the sandbox does not."""
    live = Live(events)
    settle(job["seed"], impl)
    code = pytest.main([*_selection(job), *options()], plugins=[live, *plugins])
    conclude(job, events, impl, live, code)


def settle(seed: int, impl: str) -> None:
    """Tell the spec what it runs for."""
    os.environ.update(LAB_IMPL=impl, LAB_SEED=str(seed))


def options() -> list[str]:
    """pytest's, beside what to collect; goes to the course's folder."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    course = Path("course").resolve()
    os.chdir(course)
    return [
        *("-q", "--no-header", "--tb=short", "-c", str(course / "pytest.ini"), "--rootdir", str(course)),
        # in memory, not in a file: children of one process would share the file
        "--capture=sys",
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
        *("-p", "pytest_jsonreport.plugin", "--json-report", "--json-report-file=none"),
        *("--json-report-omit", "collectors", "log", "streams", "warnings", "keywords", "environment"),
    ]


def conclude(
    job: dict[str, Any], events: Events, impl: str, live: Live, code: int, streams: Streams | None = None
) -> NoReturn:
    """Tell the worker what came of it, and end."""
    if impl == "starter" and live.broken:
        live.report = unread(job, live.broken[0])
    elif code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        why = "\n".join([f"the spec did not run: pytest ended with {pytest.ExitCode(code).name}", *live.broken])
        events.emit("problem", text=why)
    events.emit("report", report=live.report if streams is None else streams.together(live.report))
    os._exit(0)  # skips the interpreter's tidying up: a tenth of a second nobody needs


def spec_of(job: dict[str, Any]) -> str:
    """The spec's path in the course."""
    return f"{job['lab']}/{job['spec']}"


def _selection(job: dict[str, Any]) -> list[str]:
    return [f"{spec_of(job)}::{name}" for name in job["tests"]] if job["tests"] else [spec_of(job)]


def unread(job: dict[str, Any], why: str) -> dict[str, Any]:
    """The report of a joined suite that could not be read: most often it is the submission that does not import."""
    message = f"the tests could not be read together with your file:\n{why}"
    told = [{"diagnosis": {"cause": "does-not-import", "hint": "", "message": message}}]
    phases = {"setup": {"outcome": "passed"}, "call": {"outcome": "failed"}}
    failed = {"outcome": "failed", "user_properties": told, **phases}
    return {"tests": [{"nodeid": f"{spec_of(job)}::{name}", **failed} for name in job["listed"]]}
