"""What a run at home was worth, test by test: the table at its end."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.manifest import Manifest


def rows(terminalreporter: Any, root: Path, manifest: Manifest) -> list[dict[str, Any]]:
    """One row per listed test that ran or was skipped: the worst of its cases, and what it earned."""
    found: dict[str, dict[str, Any]] = {}
    where = manifest.folder.relative_to(root).as_posix() if manifest.folder.is_relative_to(root) else ""
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            file, _, name = getattr(report, "nodeid", "").partition("::")
            if not file.startswith(f"{where}/") or (outcome == "passed" and report.when != "call"):
                continue
            entry = manifest.entry(name)
            if entry is None:
                continue
            diagnosis = next((v for k, v in report.user_properties if k == "diagnosis"), {"cause": ""})
            worth = earned(entry.points, report.user_properties) if outcome == "passed" else 0
            previous = found.get(entry.name)
            if previous is None or worth <= previous["earned"]:
                found[entry.name] = {
                    "test": entry.name,
                    "points": entry.points,
                    "earned": worth,
                    "outcome": outcome,
                    "seconds": round(report.duration, 4),
                    "diagnosis_id": diagnosis["cause"],
                }
    return [found[name] for name in manifest.tests if name in found]


def earned(points: int, properties: Sequence[tuple[str, object]]) -> int:
    """Of a test that passed: its points times the smallest share it left, rounded half up; what is no share is none."""
    shares = [value for key, value in properties if key == "share"]
    known = [share if isinstance(share, (int, float)) and 0 <= share <= 1 else 0.0 for share in shares]
    return math.floor(points * min(known, default=1.0) + 0.5)


def print_table(terminalreporter: Any, manifest: Manifest, rows: Sequence[dict[str, Any]]) -> None:
    """The table a student reads first."""
    terminalreporter.section(f"{manifest.short} · {manifest.title}")
    for row in rows:
        entry = manifest.tests[row["test"]]
        mark = {"passed": "✓", "skipped": "-"}.get(row["outcome"], "✗")
        points = "stretch" if entry.stretch else f"{row['earned']:>3}/{row['points']}"
        terminalreporter.write_line(f" {mark} {points:>7}  {entry.claim}")
    total = sum(row["earned"] for row in rows)
    terminalreporter.write_line(f"   {total:>3} of {manifest.max_score} points")
