"""A worker of its own, for a grader elsewhere."""

from collections.abc import Sequence

from worker import program


def run_worker(queues: Sequence[str] | None, slots: int | None) -> int:
    """Be a worker until told to stop; the exit code. Raises SystemExit, with what to change, where it cannot grade."""
    return program.main(queues, slots)
