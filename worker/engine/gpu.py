"""What a GPU says of itself, through nvidia-smi: which there are, and whether somebody else uses ours."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from worker.engine.errors import EngineError

#: What a driver and a forgotten context may hold of a GPU that nobody uses, in MiB.
SLACK_MIB = 1024
_QUERY_S = 30.0
_FIELDS = ("index", "uuid", "name", "memory.total", "memory.used")
Ask = Callable[[Sequence[str]], str]
"""What nvidia-smi prints when it is told these words. Raises EngineError."""


@dataclass(frozen=True)
class Seen:
    """One GPU, as it is now; memory in MiB, None where it does not tell (a slice of one)."""

    index: str
    uuid: str
    name: str
    total_mib: int | None
    used_mib: int | None


class Gpu:
    """The GPU that is ours. `chosen` is its index or UUID; empty: the only one there is."""

    def __init__(self, chosen: str, ask: "Ask | None" = None) -> None:
        self._chosen = chosen
        self._ask = ask or nvidia_smi
        self._ours_mib = 0

    def seen(self) -> Seen:
        """It, as it is now. Raises EngineError."""
        there = self._all()
        if not self._chosen and len(there) == 1:
            return there[0]
        fitting = [one for one in there if self._chosen in (one.index, one.uuid)]
        if not fitting:
            listed = ", ".join(f"{one.index} ({one.name}, {one.uuid})" for one in there) or "none"
            raise EngineError(f"GRADER_GPU={self._chosen or '(empty)'} chooses none of the GPUs here: {listed}")
        return fitting[0]

    def check(self) -> None:
        """Raise EngineError where somebody else holds memory of it."""
        used = self.seen().used_mib
        if used is not None and used - self._ours_mib > SLACK_MIB:
            raise EngineError(
                f"{used - self._ours_mib} MiB of the GPU's memory are in use by others ({self._others()}): a GPU that "
                "measures does nothing else; end what uses it, or give this worker another by GRADER_GPU"
            )

    def settle(self) -> None:
        """What is used now is ours."""
        self._ours_mib = self.seen().used_mib or 0

    def _all(self) -> list[Seen]:
        lines = self._ask([f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"]).splitlines()
        found = []
        for line in filter(str.strip, lines):
            words = [word.strip() for word in line.split(",")]
            if len(words) != len(_FIELDS):
                raise EngineError(f"nvidia-smi says what nobody understands: {line[:200]!r}")
            found.append(Seen(words[0], words[1], words[2], _mib(words[3]), _mib(words[4])))
        return found

    def _others(self) -> str:
        """Processes on any GPU here, as far as they can be seen: not those of other containers."""
        said = self._ask(["--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader"])
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return "; ".join(lines[:8]) or "processes that cannot be seen from here"


def nvidia_smi(words: Sequence[str]) -> str:
    """What the program prints. Raises EngineError."""
    try:
        done = subprocess.run(
            ["nvidia-smi", *words],  # noqa: S607 - wherever the driver has put it
            capture_output=True, text=True, errors="replace", timeout=_QUERY_S, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise EngineError(
            "there is no nvidia-smi: the NVIDIA driver is missing, or this container got no GPU"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"nvidia-smi did not answer: {error}") from None
    if done.returncode:
        raise EngineError(f"nvidia-smi failed: {(done.stderr or done.stdout).strip()[:500]}")
    return done.stdout


def _mib(word: str) -> int | None:
    return int(word) if word.isdecimal() else None
