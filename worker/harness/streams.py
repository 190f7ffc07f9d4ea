"""One job's tests in several processes at once, each with a guest of its own: where cores are idle.

The process that has the job forks the others. Each takes the next test that nobody has, those that take long first; the
first process puts all reports together. Only tests that do not depend on each other are run like this (`independent` in
lab.toml).

The others' guests are in the background: a core may be needed by somebody else before they are done. So a test that ran
out of time there has no verdict yet. The first process, whose guest has a core of its own, runs it again.
"""

import json
import os
import select
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from labkit.faults import TimedOut
from labkit.plugin import listed_name, manifest_of

_INDEX = struct.Struct("=H")
TIMED_OUT = TimedOut.verdict
#: What fits into a pipe; a longer suite runs in one process.
MOST_TESTS = 16 * 1024


class Streams:
    """`number` is this process's own; 0 is the first."""

    def __init__(self, session: pytest.Session, streams: int) -> None:
        """Become as many processes as `streams` says; returns in each of them."""
        self.number = 0
        order = sorted(range(len(session.items)), key=lambda place: not _takes_long(session.items[place]))
        self._places = {item.nodeid: place for place, item in enumerate(session.items)}
        self._others: dict[int, int] = {}
        self._reports: list[dict[str, Any]] = []
        self._again: list[int] = []
        self._out: int | None = None
        self._waiting, indices = os.pipe()
        os.write(indices, b"".join(map(_INDEX.pack, order)))
        os.close(indices)
        self._all_taken, self._to_tell = os.pipe()
        for number in range(1, streams):
            report, out = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(report)
                os.close(self._to_tell)
                self.number, self._out = number, out
                return
            os.close(out)
            self._others[child] = report

    def run(self, session: pytest.Session, listener: socket.socket) -> None:
        """Run those of the tests that come to this process; in the first, then those that ran out of time elsewhere.

        The others take none before their guest has knocked at `listener`: the first may be done with all by then.
        """
        session.config.pluginmanager.register(self)
        door = listener.fileno()
        if self._out is not None and door not in select.select([door, self._all_taken], [], [])[0]:
            return
        for item, following in self._taken(session.items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if self._out is not None:
            return
        os.close(self._to_tell)  # so that no other waits for a guest in vain
        for told in [_received(child, pipe) for child, pipe in self._others.items()]:
            self._reports.append(told["report"])
            self._again += told["again"]
        again = [session.items[place] for place in self._again]
        for place, item in enumerate(again, 1):
            upcoming = again[place] if place < len(again) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=upcoming)

    def together(self, report: dict[str, Any] | None) -> dict[str, Any] | None:
        """In the first process: this report and those of the others as one. The others end here."""
        if self._out is not None:
            with os.fdopen(self._out, "w", encoding="utf-8") as out:
                json.dump({"report": report or {}, "again": self._again}, out)
            os._exit(0)
        reports = [report or {}, *self._reports]
        tests = [test for one in reports for test in one.get("tests", [])]
        tests.sort(key=lambda test: self._places.get(test["nodeid"], 0))
        return (report or {}) | {"tests": tests, "summary": _sums([one.get("summary", {}) for one in reports])}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """In the background, a test is told of only if it did not run out of time."""
        if self._out is None:
            return None
        runner: Any = item.config.pluginmanager.get_plugin("runner")  # pytest's own
        reports = runner.runtestprotocol(item, nextitem=nextitem, log=False)
        if any(("verdict", TIMED_OUT) in report.user_properties for report in reports):
            self._again.append(self._places[item.nodeid])
            return True
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

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


def _received(child: int, pipe: int) -> dict[str, Any]:
    with os.fdopen(pipe, "rb") as coming:
        told = coming.read()
    _, status = os.waitpid(child, 0)
    if status or not told:
        why = f"a process of the judge ended without its report: {os.waitstatus_to_exitcode(status)}\n"
        os.write(2, why.encode())
        os._exit(1)  # no verdict, and not the spec's fault
    found: dict[str, Any] = json.loads(told)
    return found


def _sums(summaries: list[dict[str, int]]) -> dict[str, int]:
    """Every process has collected all tests, and run some of them."""
    names = {name: None for summary in summaries for name in summary if name != "collected"}
    collected = {name: summary[name] for summary in summaries for name in ("collected",) if name in summary}
    return {name: sum(summary.get(name, 0) for summary in summaries) for name in names} | collected
