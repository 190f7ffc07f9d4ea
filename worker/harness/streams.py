"""One job's tests in several processes at once, each with a guest of its own: where cores are idle.

The process that has the job forks the others. Each takes the next test that nobody has, those that take long first; the
first process puts all reports together. Only tests that do not depend on each other are run like this (`independent` in
lab.toml).
"""

import json
import os
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from labkit.plugin import listed_name, manifest_of

_INDEX = struct.Struct("=H")
#: What fits into a pipe; a longer suite runs in one process.
MOST_TESTS = 16 * 1024


class Streams:
    """`number` is this process's own; 0 is the first."""

    def __init__(self, session: pytest.Session, streams: int) -> None:
        """Become as many processes as `streams` says; returns in each of them."""
        self.number = 0
        order = sorted(range(len(session.items)), key=lambda place: not _takes_long(session.items[place]))
        self._places = {item.nodeid: place for place, item in enumerate(session.items)}
        self._reports: dict[int, int] = {}
        self._out: int | None = None
        self._waiting, indices = os.pipe()
        os.write(indices, b"".join(map(_INDEX.pack, order)))
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
        """Run those of the tests that come to this process."""
        for item, following in self._taken(session.items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

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

    def _taken(self, items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
        """Each with a test that says what may stay set up behind it, as pytest wants to know.

        Where all tests are neighbours, any other says it. Else it is the next, which is taken before this one is run.
        """
        item = self._take(items)
        neighbours = len({one.parent for one in items}) == 1
        while item is not None:
            if neighbours:
                yield item, items[1] if item is items[0] else items[0]
                item = self._take(items)
            else:
                following = self._take(items)
                yield item, following
                item = following

    def _take(self, items: list[pytest.Item]) -> pytest.Item | None:
        index = os.read(self._waiting, _INDEX.size)
        return items[_INDEX.unpack(index)[0]] if index else None


def _takes_long(item: pytest.Item) -> bool:
    manifest = manifest_of(item.config, item.path)
    entry = manifest.entry(listed_name(item.nodeid)) if manifest is not None else None
    return entry is not None and entry.long


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
