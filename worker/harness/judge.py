"""The judge: pytest on the lab's spec. The submission is in another sandbox, behind `Link`."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from worker.harness.link import Link
from worker.harness.live import Events, Guests, Live


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox. Leaves a `report` event, or a `problem` event where the spec did not run."""
    events = Events()
    os.umask(0)
    link = Link(job["socket"], job["token"], lambda token: events.emit("guest", token=token))
    run_spec(job, events, "guest", [Guests(link, time.monotonic() + job["run_seconds"])])


def run_spec(job: dict[str, Any], events: Events, impl: str, plugins: list[object]) -> None:
    """Run the spec against `impl` and end the process: nothing is left to tidy up that the sandbox does not."""
    os.environ.update(LAB_IMPL=impl, LAB_SEED=str(job["seed"]), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    course = Path("course").resolve()
    os.chdir(course)
    live = Live(events)
    options = [
        *("-q", "--no-header", "--tb=short", "-c", str(course / "pytest.ini"), "--rootdir", str(course)),
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
        *("-p", "pytest_jsonreport.plugin", "--json-report", "--json-report-file=none"),
        *("--json-report-omit", "collectors", "log", "streams", "warnings", "keywords", "environment"),
    ]
    code = pytest.main([*_selection(job), *options], plugins=[live, *plugins])
    if impl == "starter" and live.broken:
        live.report = unread(job, live.broken[0])
    elif code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        why = "\n".join([f"the spec did not run: pytest ended with {pytest.ExitCode(code).name}", *live.broken])
        events.emit("problem", text=why)
    events.emit("report", report=live.report)
    os._exit(0)  # skips the interpreter's tidying up: a tenth of a second nobody needs


def _selection(job: dict[str, Any]) -> list[str]:
    spec = f"{job['lab']}/{job['spec']}"
    return [f"{spec}::{name}" for name in job["tests"]] if job["tests"] else [spec]


def unread(job: dict[str, Any], why: str) -> dict[str, Any]:
    """The report of a joined suite that could not be read: most often it is the submission that does not import."""
    message = f"the tests could not be read together with your file:\n{why}"
    told = [{"diagnosis": {"cause": "does-not-import", "hint": "", "message": message}}]
    phases = {"setup": {"outcome": "passed"}, "call": {"outcome": "failed"}}
    failed = {"outcome": "failed", "user_properties": told, **phases}
    return {"tests": [{"nodeid": f"{job['lab']}/{job['spec']}::{name}", **failed} for name in job["listed"]]}
