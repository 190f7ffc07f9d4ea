"""A lab's spec run by labkit again and again in one process that has everything imported and collected: the floor.

    python floor.py LAB          in a course folder; then one line of JSON {"file": PATH, "seed": NUMBER} per run

answers each line with the seconds that the tests took, fixtures included: nothing can grade this lab sooner.
"""

import json
import os
import sys
from typing import TextIO

import pytest
from _pytest.config import _prepareconfig
from _pytest.main import Session
from _pytest.runner import runtestprotocol

OPTIONS = ["-s", "-p", "no:cacheprovider", "-p", "no:terminal"]


def collected(lab: str) -> Session:
    """The session with its tests, as far as pytest goes before it runs the first."""
    config = _prepareconfig([*OPTIONS, lab])
    config._do_configure()
    session = Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    config.hook.pytest_collection(session=session)
    return session


def run(session: Session, file: str, seed: int) -> float:
    """Seconds of all tests on this file; a failed one ends the program."""
    os.environ.update(LAB_IMPL=file, LAB_SEED=str(seed))
    total = 0.0
    items = session.items
    for item, following in zip(items, [*items[1:], None], strict=True):
        item._initrequest()  # type: ignore[attr-defined] # as plug-ins that run a test again do
        for report in runtestprotocol(item, log=False, nextitem=following):
            if report.failed:
                sys.exit(f"{item.nodeid} failed on {file}: {report.longreprtext[-2000:]}")
            total += report.duration
    return total


def main(asked: TextIO, told: TextIO) -> None:
    """Answer until there are no more questions."""
    session = collected(sys.argv[1])
    for line in asked:
        question = json.loads(line)
        told.write(f"{run(session, question['file'], question['seed'])}\n")
        told.flush()


if __name__ == "__main__":
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as `python -m pytest` does
    assert pytest.__version__
    main(sys.stdin, sys.stdout)
