"""The pages in a real browser: scripts run under the policy, and verdicts appear as they happen."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from grader.domain.errors import Fault
from grader.domain.run import RunResult
from grader.steps import running
from tests.browser import Browser
from tests.integration.site import RIGHT, Desk
from tests.services import free_port, wait_until

pytestmark = pytest.mark.chromium
NARROW = 360


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The desk's application at an address of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(desk.app, port=port, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the web server is up")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.store.close()


def logged_in(browser: Browser, desk: Desk, address: str, login: str = "amy") -> None:
    """Through the form, as a person does it."""
    browser.go(f"{address}/login")
    browser.js(f"document.getElementById('token').value = {json.dumps(desk.tokens[login])}")
    browser.js("document.querySelector('main form').requestSubmit()")
    browser.wait(lambda: browser.text("h1") == "Your courses", "the login worked")


def report() -> bytes:
    """One test passed, the other failed."""
    stages = {stage: {"outcome": "passed", "duration": 0.1} for stage in ("setup", "call", "teardown")}
    evil = "<img src=x onerror=document.title='owned'> \u202e"
    told = [{"diagnosis": {"cause": "c", "hint": "", "message": evil}}, {"output": evil}]
    tests = [
        {"nodeid": "test_lab.py::test_double", "outcome": "passed", **stages},
        {"nodeid": "test_lab.py::test_total", "outcome": "failed", **stages, "call": {"outcome": "failed"},
         "user_properties": told},
    ]  # fmt: skip
    return json.dumps({"tests": tests}).encode()


def test_a_submission_is_watched_from_the_form_to_its_score(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "starter.py"
    file.write_bytes(RIGHT)
    with served(desk) as address, Browser() as browser:
        logged_in(browser, desk, address)
        browser.go(f"{address}/c/toy/labs/toy-1")
        browser.choose("#file", file)
        browser.wait(lambda: "ready to hand in" in browser.text("#drop-status"), "the form names the chosen file")
        browser.js("document.querySelector('#drop button').click()")
        browser.wait(lambda: "next" in browser.text("#live-state"), "the live page is there")

        (row,) = desk.store.submissions.page("toy")
        claimed = running.claim(desk.service, row.job.id, "w1")
        assert claimed is not None
        desk.watchers.changed(claimed.job.id)
        browser.wait(lambda: browser.text("#live-state") == "Running on w1.", "the page hears of the start")
        assert browser.text("#live-chip") == "running"
        running.tell(desk.service, claimed.job, [{"event": "test", "test": "test_double", "outcome": "passed"}])
        browser.wait(lambda: browser.text("#live-status") == "1 of 2 tests done, 1 passed", "a verdict appears")
        assert browser.text("[data-test=test_double] .verdict") == "✓ passed"
        assert browser.text("[data-test=test_double] .points-cell") == "6 of 6"

        desk.store.jobs.give_back(
            claimed.job.id, claimed.job.attempt, Fault.US, "it broke", desk.clock(), desk.service.rules
        )  # fmt: skip
        desk.watchers.changed(claimed.job.id)
        browser.wait(lambda: not browser.js("document.getElementById('live-lost').hidden"), "the loss is told as ours")
        assert browser.text("[data-test=test_double] .verdict") == "· to come"

        desk.clock.passes(60)
        again = running.claim(desk.service, row.job.id, "w2")
        assert again is not None
        running.accept(desk.service, again.job, RunResult(report(), "fake", "split", 0.5, None, ""))
        browser.wait(lambda: browser.text(".score") == "6 of 10 points", "the result is loaded by itself")
        assert "onerror" in browser.text(".card") and "owned" not in browser.js("document.title")
        assert browser.complaints == []


def test_no_page_is_wider_than_a_small_phone_or_breaks_the_policy(desk: Desk) -> None:
    receipt = desk.hand_in("amy")
    claimed = running.claim(desk.service, receipt.job.id, "w1")
    assert claimed is not None
    running.accept(desk.service, claimed.job, RunResult(report(), "fake", "split", 0.5, None, ""))
    paths = ("/", "/me", "/c/toy", "/c/toy/people", "/c/toy/submissions", "/c/toy/labs/toy-1",
             f"/submissions/{receipt.handin.id}")  # fmt: skip
    with served(desk) as address, Browser() as browser:
        logged_in(browser, desk, address, "ines")
        browser.call("Emulation.setDeviceMetricsOverride", width=NARROW, height=800, deviceScaleFactor=1, mobile=True)
        for path in paths:
            browser.go(address + path)
            browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            assert browser.js("document.documentElement.scrollWidth") <= NARROW, path
        assert browser.complaints == []
