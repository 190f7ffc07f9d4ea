"""What a worker that is to measure still lacks, and what mends it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from worker.engine import models, weights
from worker.engine.environment import environment
from worker.engine.errors import EngineError
from worker.engine.gpu import Gpu
from worker.engine.lease import Lease
from worker.engine.models import Place
from worker.engine.profiles import MOUNTED, Profile

_IMPORT_S = 180.0
_VERSION = "import vllm; print(vllm.__version__)"


@dataclass(frozen=True)
class Finding:
    """One thing that an engine needs: whether it is there, what was seen, and what mends it where it is not."""

    what: str
    works: bool
    seen: str
    fix: str = ""


def examine(profile: Profile, place: Place, gpu: Gpu | None = None) -> Iterator[Finding]:
    """Look at each thing; nothing is loaded or made."""
    yield _tried(
        "vLLM",
        lambda: _vllm(place),
        "set GRADER_ENGINE_PYTHON to the interpreter of vLLM's environment (README.md)",
    )
    if profile.on_gpu:
        yield _tried(
            "GPU", lambda: _memory(gpu or Gpu(place.gpu), profile), "a driver, and a GPU that nobody else uses"
        )
    yield _tried(
        "models", lambda: _models(profile, place), "README.md says how a worker gets them: A worker that measures"
    )
    yield _tried("folder", lambda: _folder(place), "give this user GRADER_HOME, or set it to a folder of theirs")


def _tried(what: str, look: Callable[[], str], fix: str) -> Finding:
    try:
        return Finding(what, True, look())
    except EngineError as error:
        return Finding(what, False, str(error), fix)


def _vllm(place: Place) -> str:
    if not place.python.exists():
        raise EngineError(f"there is no {place.python}")
    try:
        done = subprocess.run(
            [str(place.python), "-c", _VERSION], env=environment(place.python, home=place.home),
            capture_output=True, text=True, errors="replace", timeout=_IMPORT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{place.python} cannot be run: {error}") from None
    if done.returncode:
        raise EngineError(f"{place.python} cannot import vllm: {_last(done.stderr)}")
    return f"{_last(done.stdout)} in {place.python}"


def _memory(gpu: Gpu, profile: Profile) -> str:
    gpu.check()
    seen = gpu.seen()
    return f"{seen.name}, {seen.used_mib} of {seen.total_mib} MiB used, {profile.warm} engines beside each other"


def _models(profile: Profile, place: Place) -> str:
    if profile.models == "inflated":
        return "made of the pair in this program at first use"
    found = models.find(profile, place)
    return f"target {found.names['target']}, head {found.names['head']}" + (
        f" as {weights.SUMS} says, in {', '.join(MOUNTED[profile.name])}" if profile.name in MOUNTED else ""
    )


def _folder(place: Place) -> str:
    with Lease(place.home / "leases", f"doctor-{os.getpid()}").held(lambda: 1.0):
        pass
    (place.home / "leases" / f"doctor-{os.getpid()}.lock").unlink(missing_ok=True)
    return f"{place.home} is writable"


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it says nothing"])[-1][:300]
