"""Every kind of sandbox there is, in the order `auto` tries them."""

import importlib
import importlib.util
from typing import Any

from worker.sandbox import Probe, Sandbox, SandboxError
from worker.sandbox.bubblewrap import Bubblewrap

AUTO = "auto"
NAMES = ("bubblewrap", "docker")
SDK_MISSING = Probe("docker", False, "the Docker SDK for Python is not installed", "pip install 'grader[docker]'")


def docker_sandbox(runtime: str | None = None) -> Any:
    """The Docker sandbox, whose SDK is an extra. Raises SandboxError where that is not installed."""
    if importlib.util.find_spec("docker") is None:
        raise SandboxError(SDK_MISSING.reason, SDK_MISSING.fix)
    return importlib.import_module("worker.sandbox.docker").DockerSandbox(runtime)


def sandbox(name: str, runtime: str | None = None) -> Sandbox:
    """The kind called `name`, not yet tried. Raises SandboxError."""
    if name == "bubblewrap":
        return Bubblewrap()
    if name == "docker":
        kind: Sandbox = docker_sandbox(runtime)
        return kind
    raise SandboxError(f"there is no sandbox called {name!r}; there are {', '.join(NAMES)}")


def probes(runtime: str | None = None) -> list[Probe]:
    """What each kind says of this machine."""
    found = []
    for name in NAMES:
        try:
            found.append(sandbox(name, runtime).probe())
        except SandboxError as error:
            found.append(Probe(name, False, str(error), error.fix))
    return found


def choose(name: str, runtime: str | None = None) -> Sandbox:
    """The kind called `name`, or the first that works for `auto`. Raises SandboxError naming each kind's fix."""
    failures = []
    for candidate in NAMES if name == AUTO else (name,):
        try:
            kind = sandbox(candidate, runtime)
            probe = kind.probe()
        except SandboxError as error:
            probe = Probe(candidate, False, str(error), error.fix)
        if probe.works:
            return kind
        failures.append(f"{probe.name}: {probe.reason}\n    fix: {probe.fix}")
    raise SandboxError("no sandbox works here, and nothing is graded without one\n  " + "\n  ".join(failures))
