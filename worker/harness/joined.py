"""Spec and submission in one process, for suites that cannot be split. Its report is marked as such: code of the
submission runs beside what judges it, so a verdict is only as honest as the submission."""

import sys
from pathlib import Path
from typing import Any

from worker.harness.judge import run_spec
from worker.harness.live import Events


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox."""
    sys.path.insert(0, str(Path("course", job["lab"]).resolve()))  # such a suite imports the submission by name
    run_spec(job, Events(), "starter", [])
