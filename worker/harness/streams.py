"""One job's tests in several processes at once, each with a guest of its own: where cores are idle.

The process that has the job forks the others. Each takes the next test that nobody has; the first one puts all reports
together. Only tests that do not depend on each other are run like this (`independent` in lab.toml).
"""

import json
import os
import struct
from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

import pytest

_INDEX = struct.Struct("=H")
#: What fits into a pipe; a longer suite runs in one process.
MOST_TESTS = 16 * 1024


class Streams:
    """`number` is this process's own; 0 is the first."""

    def __init__(self, session: pytest.Session, streams: int) -> None:
        """Become as many processes as `streams` says; returns in each of them."""
        self.number = 0
        self._places = {item.nodeid: place for place, item in enumerate(session.items)}
        self._reports: dict[int, int] = {}
        self._out: int | None = None
        self._waiting, indices = os.pipe()
        os.write(indices, b"".join(map(_INDEX.pack, range(len(session.items)))))
        os.close(indices)
        for number in range(1, streams):
            report, out = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(report)
                self.number, self._out = number, out
                return
            os.close(out)
            self._reports[child] = report

    def run(self, session: pytest.Session) -> None:
        """Run those of the tests that come to this process.

        It takes its next test before it runs one: pytest is to know what may stay set up for it.
        """
        for item, upcoming in pairwise(chain(self._taken(session.items), [None])):
            assert item is not None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=upcoming)

    def together(self, report: dict[str, Any] | None) -> dict[str, Any] | None:
        """In the first process: this report and those of the others as one. The others end here.

        Raises RuntimeError where one of them has ended without its report.
        """
        if self._out is not None:
            with os.fdopen(self._out, "w", encoding="utf-8") as out:
                json.dump(report, out)
            os._exit(0)
        reports = [report, *(_received(child, pipe) for child, pipe in self._reports.items())]
        tests = [test for one in reports for test in (one or {}).get("tests", [])]
        tests.sort(key=lambda test: self._places.get(test["nodeid"], 0))
        return (report or {}) | {"tests": tests, "summary": _sums([(one or {}).get("summary", {}) for one in reports])}

    def _taken(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        while index := os.read(self._waiting, _INDEX.size):
            yield items[_INDEX.unpack(index)[0]]


def _received(child: int, pipe: int) -> dict[str, Any] | None:
    with os.fdopen(pipe, "rb") as coming:
        told = coming.read()
    _, status = os.waitpid(child, 0)
    if status or not told:
        raise RuntimeError(f"a process of the judge ended without its report: {os.waitstatus_to_exitcode(status)}")
    report: dict[str, Any] | None = json.loads(told)
    return report


def _sums(summaries: list[dict[str, int]]) -> dict[str, int]:
    """Every process has collected all tests, and run some of them."""
    names = {name: None for summary in summaries for name in summary if name != "collected"}
    collected = {name: summary[name] for summary in summaries for name in ("collected",) if name in summary}
    return {name: sum(summary.get(name, 0) for summary in summaries) for name in names} | collected
