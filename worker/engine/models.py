"""Where a profile's models are, once they are there and are what they ought to be."""

import secrets
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from worker.engine import weights
from worker.engine.environment import command, environment
from worker.engine.errors import EngineError
from worker.engine.profiles import MOUNTED, PAIR, Profile

#: Seconds that making the inflated model may take.
_MAKING_S = 600.0


@dataclass(frozen=True)
class Place:
    """What a worker has for engines: vLLM's interpreter, a folder of its own, the operator's models, and its GPU."""

    python: Path
    home: Path
    models: Path | None = None
    gpu: str = ""


@dataclass(frozen=True)
class Models:
    """A target and the head that drafts for it, checked."""

    target: Path
    head: Path

    @cached_property
    def names(self) -> dict[str, str]:
        """What their weights are called in an identity. Raises EngineError."""
        return {
            "target": weights.short(weights.digests(self.target)),
            "head": weights.short(weights.digests(self.head)),
        }


def find(profile: Profile, place: Place) -> Models:
    """The profile's models; the inflated one is made at first use. Raises EngineError."""
    if profile.models == "mounted":
        return _mounted(profile, place)
    target = PAIR / "target"
    return Models(target if profile.models == "pair" else _inflated(target, place), PAIR / "eagle")


def _mounted(profile: Profile, place: Place) -> Models:
    if place.models is None:
        raise EngineError(f"{profile.name} needs models: set GRADER_MODELS to the folder that holds them")
    target, head = (place.models / name for name in MOUNTED[profile.name])
    for folder in (target, head):
        weights.check(folder, weights.digests(folder))
    return Models(target, head)


def _inflated(source: Path, place: Place) -> Path:
    """Made beside its place and moved there whole: whoever is killed meanwhile leaves no half model."""
    made = place.home / f"inflated-{weights.short(weights.digests(source))}"
    if made.exists():
        return made
    draft = place.home / f".making-{secrets.token_hex(4)}"
    try:
        place.home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            command(place.python, "worker.engine.inflating", str(source), str(draft)),
            env=environment(place.python, home=place.home),
            capture_output=True, text=True, errors="replace", timeout=_MAKING_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise EngineError(f"the inflated model could not be made:\n{done.stderr[-2000:]}")
        draft.rename(made)
    except (OSError, subprocess.TimeoutExpired) as error:
        if not made.exists():  # else another process was faster
            raise EngineError(f"the inflated model could not be made: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made
