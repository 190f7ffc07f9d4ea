"""The program git. Every call brings its own configuration: neither this machine's nor a repository's has a say."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.domain.errors import BadSettings, GraderError, NotFound
from grader.domain.text import clean_line

CALL_S = 30.0
#: What one object of a pack may grow to: a few megabytes of pack can hold gigabytes of nothing.
MAX_OBJECT = "64m"
#: How a student's pack is checked, and what is refused before any of our code sees it.
SETTINGS = {
    "receive.fsckObjects": "true",
    "receive.fsck.badFilemode": "error",
    "receive.maxInputSize": "8m",
    "receive.denyDeletes": "true",
    "receive.denyDeleteCurrent": "true",
    "receive.denyNonFastForwards": "false",
    "receive.advertisePushOptions": "true",
    "receive.autogc": "false",
    "receive.unpackLimit": "1",
    "receive.shallowUpdate": "false",
    "transfer.hideRefs": "refs/grader",
    "fetch.fsckObjects": "true",
    "fetch.fsck.badFilemode": "error",
    "uploadpack.allowFilter": "false",
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "http.followRedirects": "false",
    "core.symlinks": "false",
    "core.logAllRefUpdates": "true",  # when a push came, should we die before we have written that down
    "gc.auto": "0",
    "pack.threads": "1",
    "core.bigFileThreshold": "1g",  # so that no object slips past MAX_OBJECT
    "safe.directory": "*",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
}


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """What a git process runs with; `extra` are settings by name."""
    settings = {**SETTINGS, **extra}
    counted = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        counted |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    fixed["GIT_ALLOC_LIMIT"] = MAX_OBJECT
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, **fixed, **counted}


def call(
    place: Path,
    *words: str,
    stdin: bytes = b"",
    before: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    seconds: float = CALL_S,
) -> bytes:
    """What git printed of the repository at `place`.

    Raises NotFound where there is no repository, and with the last line of what git said where it failed; BadSettings
    where there is no git.
    """
    command = [*before, "git", *words]
    surroundings = {**environment(extra or {}), "GIT_DIR": str(place)}
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, env=surroundings, cwd=place, timeout=seconds, check=False
        )
    except FileNotFoundError:
        raise _missing(place) from None
    except subprocess.TimeoutExpired:
        raise NotFound(f"git {words[0]} did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotFound(clean_line(lines[-1] if lines else f"git {words[0]} failed", 200))
    return done.stdout


def started(place: Path, *words: str, held: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """git at work on the repository at `place`, its input and output being pipes. `held` is of its environment.

    Raises NotFound where there is no repository, BadSettings where there is no git.
    """
    surroundings = {**environment({}), "GIT_DIR": str(place), **held}
    command, pipe = ["git", *words], subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=surroundings, cwd=place
        )
    except FileNotFoundError:
        raise _missing(place) from None


def _missing(place: Path) -> GraderError:
    """Starting a program fails alike for want of it and of the folder it is to start in."""
    if not place.exists():
        return NotFound("there is no such repository")
    return BadSettings("the program git is not installed", "apt install git")
