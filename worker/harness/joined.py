"""Spec and submission in one process, for suites that cannot be split. Its report is marked as such: code of the
submission runs beside what judges it, so a verdict is only as honest as the submission."""

from typing import Any

from worker.harness.judge import run_spec
from worker.harness.live import Events


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox."""
    run_spec(job, Events(), "starter", [])
