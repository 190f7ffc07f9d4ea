"""What every benchmark says of the machine and of its times, and the file where results are kept."""

import json
import os
import platform
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HISTORY = Path(__file__).with_name("history.jsonl")


def machine() -> dict[str, Any]:
    """Cores, processor, Python, and how busy the machine is with other things: the load of the last minute."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def machine_line(told: dict[str, Any]) -> str:
    """One line of it."""
    name = told.get("processor", "")
    return (
        f"{told['cores']} cores{f' of {name}' if name else ''}, Python {told['python']}, "
        f"load {told['load_before']} before"
    )


def keep(benchmark: str, result: dict[str, Any], about: dict[str, Any]) -> None:
    """Append one line."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"benchmark": benchmark, "at": at, **result, "machine": about}
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def kept(benchmark: str) -> Iterator[dict[str, Any]]:
    """The lines of one benchmark, oldest first."""
    if not HISTORY.exists():
        return
    with HISTORY.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if line["benchmark"] == benchmark:
                yield line


def latest(benchmark: str) -> dict[str, Any] | None:
    """The newest of them."""
    return max(kept(benchmark), key=lambda line: str(line["at"]), default=None)


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed; of few values p99 is the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
