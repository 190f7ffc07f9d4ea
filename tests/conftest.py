"""Tests that need a sandbox, a server or a browser are skipped, with the reason, where this machine has none."""

from functools import cache
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import vllm
from tests.services import (  # noqa: F401 - fixtures for every test
    own_folder,
    postgres_server,
    postgres_url,
    redis_server,
    redis_url,
    require,
)
from worker.sandbox import Probe, Sandbox
from worker.sandbox.bubblewrap import Bubblewrap

if find_spec("docker") is not None:
    from worker.sandbox.docker import DockerSandbox

# How long an example takes is the machine's business; a failure says how to see it again.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("suite")

_MARKERS = ("bubblewrap", "docker")
_SERVICES = ("redis", "postgres", "chromium", "compose")
#: Courses that tests grade: their specs are no tests of ours.
collect_ignore = ["courses"]

#: A skip for one of these is nobody's omission: no test machine has to have a GPU or a second Docker runtime.
_MAY_BE_MISSING = ("gpu", "docker+runsc")


def pytest_addoption(parser: pytest.Parser) -> None:
    """For machines that must have everything."""
    parser.addoption("--forbid-skips", action="store_true", help="fail if a test skips for want of anything but a GPU")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn unexpected skips into a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--forbid-skips") or reporter is None:
        return
    reasons = {
        str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if isinstance(report.longrepr, tuple)
    }
    unexpected = [r for r in reasons if not any(word in r for word in _MAY_BE_MISSING)]
    if unexpected and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"unexpected skips: {'; '.join(unexpected)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@cache
def kind(name: str) -> Sandbox | None:
    """The sandbox of that name; None where its client library is not installed."""
    if name == "bubblewrap":
        return Bubblewrap()
    if find_spec("docker") is None:
        return None
    return DockerSandbox(runtime=name.partition("+")[2] or None)


@cache
def probed(name: str) -> Probe:
    """What its probe says, asked once per test run."""
    sandbox = kind(name)
    if sandbox is None:
        return Probe(name, False, "the Docker client is not installed", "pip install 'grader[docker]'")
    return sandbox.probe()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run."""
    for marker in _MARKERS:
        if item.get_closest_marker(marker):
            _need(marker)
    for marker in _SERVICES:
        if item.get_closest_marker(marker):
            require(marker)
    if item.get_closest_marker("vllm") and vllm.missing():
        pytest.skip(f"vllm: {vllm.missing()}")


@pytest.fixture(
    params=[
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("docker+runsc", marks=pytest.mark.docker),
    ]
)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Every kind of sandbox this machine has, one after the other."""
    _need(request.param)
    found = kind(request.param)
    assert found is not None
    return found


def _need(name: str) -> None:
    probe = probed(name)
    if not probe.works:
        pytest.skip(f"{name}: {probe.reason} ({probe.fix})" if probe.fix else f"{name}: {probe.reason}")
