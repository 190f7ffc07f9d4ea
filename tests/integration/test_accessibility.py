"""No page breaks a rule of axe-core, by day or by night. The rules come from npm, pinned: .ci/axe fetches them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.domain.rerun import Selection
from grader.steps import reruns, running
from tests.browser import Browser
from tests.engine_reports import ANSWERED
from tests.engine_reports import report as engine_report
from tests.integration.site import Desk
from tests.integration.test_live_page import logged_in, served
from tests.integration.test_live_page import report as told_at_length
from tests.marking import Class, grade, report

AXE = Path(__file__).parents[2] / ".axe/axe.min.js"
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(not AXE.exists(), reason=f"axe-core: no {AXE} here (.ci/axe fetches it, with npm)"),
]
#: What leads to an error's page, seen by a student.
ERRORS = ("/nothing-here", "/c/toy/people?as=student")
PHONE = 320
#: What reaches out of the page, where anything does.
WIDER = """document.documentElement.scrollWidth <= 320 ? '' : [...document.querySelectorAll('main *')].filter(
  (one) => one.getBoundingClientRect().right > 320 && !one.closest('.sheet *')
).map((one) => one.outerHTML.slice(0, 80)).join('; ') || '?'"""
RUN = """axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations.map(
  (one) => [one.id, one.help, one.nodes.map((node) => node.html + ' ' + node.failureSummary)])))"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.store.close()


def furnished(desk: Desk) -> dict[str, list[str]]:
    """A course with something on every page: by login, the pages they look at."""
    service, people = desk.service, desk.people
    school, gina = Class(service), people["gina"]
    first = school.hand_in(people["amy"], "test_double")
    desk.clock.passes(60)
    second = school.waiting(people["amy"], "at length")
    grade(service, second.job.id, told_at_length())
    desk.clock.passes(60)
    measured = school.waiting(people["amy"], "measured")
    grade(service, measured.job.id, engine_report(ANSWERED, "test_double", "test_total"))
    school.hand_in(people["bob"], "test_total")
    begun = []
    for passed in (("test_double",), ("test_double", "test_total"), ()):
        desk.clock.passes(60)
        rerun = reruns.begin(service, gina, "toy", Selection("toy-1"), note="the sum was wrong")
        for item in service.store.reruns.items(rerun.id):
            grade(service, item.job_id, report(*passed))
        begun.append(rerun)
    reruns.apply(service, gina, begun[1].id)
    desk.clock.passes(60)
    begun.append(reruns.begin(service, gina, "toy", Selection("toy-1", login="bob")))
    desk.clock.passes(60)
    waits = school.waiting(people["bob"], "waits")
    running.claim(service, waits.job.id, "w1")
    course = [f"/c/toy{path}" for path in ("", "/labs/toy-1", "/submissions", "/public")]
    results = [f"/submissions/{one.handin.id}" for one in (first, second, measured)]
    compared = f"/c/toy/compare?a={first.handin.id}&b={second.handin.id}"
    staff = [f"/c/toy{path}" for path in (
        "/people", "/board", "/labs/toy-1/insight", "/students/amy", "/gradebooks", "/reruns", "/reruns/new",
        "/reruns/new?lab=toy-1&test=test_total", "/reruns/new?lab=toy-1&verdict=sad",
        f"/reruns/{begun[2].id}/confirm?action=apply", *(f"/reruns/{one.id}" for one in begun),
    )]  # fmt: skip
    return {
        "amy": ["/", "/me", *course, *results, compared, "/c/toy/students/amy", *ERRORS],
        "ines": ["/", *course, *results, f"/submissions/{waits.handin.id}", compared, *staff],
    }


def violations(browser: Browser, address: str) -> list[Any]:
    """Every rule that this page breaks: name, what it asks, where."""
    browser.go(address)
    assert (browser.text("h1") in ("Nothing here", "That did not work")) == address.endswith(ERRORS), address
    browser.js(AXE.read_text(encoding="utf-8"))
    browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found: list[Any] = json.loads(browser.js(RUN))
    return found


def by_day_or_night(browser: Browser, scheme: str) -> None:
    """What the reader has set."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def test_the_rules_find_what_is_wrong() -> None:
    with Browser() as browser:
        found = violations(browser, "data:text/html,<html><body><img src=x><p style='color:%23eee'>pale</p>")
    assert {"image-alt", "html-has-lang", "color-contrast"} <= {rule for rule, *_ in found}


def test_no_page_breaks_a_rule(desk: Desk) -> None:
    pages = furnished(desk)
    broken: dict[str, Any] = {}
    with served(desk) as address:
        for login, paths in pages.items():
            with Browser() as browser:
                for scheme in ("light", "dark"):
                    by_day_or_night(browser, scheme)
                    broken[f"{scheme} /login"] = violations(browser, f"{address}/login")
                logged_in(browser, desk, address, login)
                for path in paths:
                    for scheme in ("light", "dark"):
                        by_day_or_night(browser, scheme)
                        broken[f"{login} {scheme} {path}"] = violations(browser, address + path)
    assert {page: found for page, found in broken.items() if found} == {}


def test_every_page_fits_the_smallest_phone_and_the_policy(desk: Desk) -> None:
    pages = [path for path in furnished(desk)["ines"] if "sad" not in path]
    with served(desk) as address, Browser() as browser:
        logged_in(browser, desk, address, "ines")
        browser.call("Emulation.setDeviceMetricsOverride", width=PHONE, height=640, deviceScaleFactor=1, mobile=True)
        wide = {}
        for path in pages:
            browser.go(address + path)
            browser.js("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            wide[path] = browser.js(WIDER)
        assert {path: found for path, found in wide.items() if found} == {}
        assert browser.complaints == []
