"""One job's tests in several processes at once, each with a guest of its own: where cores are idle.

The first process has forked the others before the job came. Each takes the next test that nobody has, those that took
longest last time first; the first puts all reports together. Only tests that do not depend on each other are run like
this (`independent` in lab.toml).

The others' guests are in the background: a core may be needed by somebody else before they are done. So a test that ran
out of time there has no verdict yet. The first process, whose guest has a core of its own, runs it again.
"""

import json
import math
import os
import select
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from labkit.faults import TimedOut
from labkit.plugin import listed_name, manifest_of

_INDEX = struct.Struct("=H")
TIMED_OUT = TimedOut.verdict
#: What fits into a pipe; a longer suite runs in one process.
MOST_TESTS = 16 * 1024


@dataclass(frozen=True)
class _Other:
    """A process, what tells it its job, and where its report comes from."""

    process: int
    tell: int
    report: int


class Streams:
    """`number` is this process's own; 0 is the first, which `tell`s the others what they `hear`."""

    def __init__(self, most: int) -> None:
        """Become as many processes as a job can have; returns in each of them."""
        self.number = 0
        self._others: list[_Other] = []
        self._reports: list[dict[str, Any]] = []
        self._again: list[int] = []
        self._places: dict[str, int] = {}
        self._hear = self._out = -1
        self._waiting, self._give_out = os.pipe()
        self._all_taken, self._to_tell = os.pipe()
        for number in range(1, most):
            hear, tell = os.pipe()
            report, out = os.pipe()
            process = os.fork()
            if process == 0:
                theirs = [end for one in self._others for end in (one.tell, one.report)]
                for end in (tell, report, self._give_out, self._to_tell, *theirs):
                    os.close(end)
                self.number, self._hear, self._out, self._others = number, hear, out, []
                return
            os.close(hear)
            os.close(out)
            self._others.append(_Other(process, tell, report))

    def tell(self, job: dict[str, Any], streams: int) -> None:
        """In the first: the job is run in so many processes. The rest of them end."""
        text = json.dumps(job).encode()
        for number, other in enumerate(self._others, 1):
            with suppress(BrokenPipeError), os.fdopen(other.tell, "wb") as out:  # one that died will give no report
                out.write(text if number < streams else b"")
        for other in self._others[streams - 1 :]:
            os.close(other.report)
        del self._others[streams - 1 :]

    def hear(self) -> dict[str, Any]:
        """In the others: the job. One that is not needed ends here."""
        with os.fdopen(self._hear, "rb") as coming:
            text = coming.read()
        if not text:
            os._exit(0)
        job: dict[str, Any] = json.loads(text)
        return job

    def run(self, session: pytest.Session, listener: socket.socket, took: Mapping[str, float]) -> None:
        """Run those of the tests that come to this process; in the first, then those that ran out of time elsewhere.

        `took`: seconds that tests took before, by name; one that says it takes long counts as the longest until then.

        The others take none before their guest has knocked at `listener`: the first may be done with all by then.
        """
        session.config.pluginmanager.register(self)
        self._places = {item.nodeid: place for place, item in enumerate(session.items)}
        if self.number == 0:
            expected = [took.get(listed_name(item.nodeid), _unseen(item)) for item in session.items]
            order = sorted(range(len(expected)), key=expected.__getitem__, reverse=True)
            os.write(self._give_out, b"".join(map(_INDEX.pack, order)))
            os.close(self._give_out)
        door = listener.fileno()
        if self.number and door not in select.select([door, self._all_taken], [], [])[0]:
            return
        for item, following in self._taken(session.items):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if self.number:
            return
        os.close(self._to_tell)  # so that no other waits for a guest in vain
        for told in [_received(other) for other in self._others]:
            self._reports.append(told["report"])
            self._again += told["again"]
        again = [session.items[place] for place in self._again]
        for place, item in enumerate(again, 1):
            upcoming = again[place] if place < len(again) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=upcoming)

    def together(self, report: dict[str, Any] | None) -> dict[str, Any] | None:
        """In the first process: this report and those of the others as one. The others end here."""
        if self.number:
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
        if self.number == 0:
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


def _unseen(item: pytest.Item) -> float:
    """What to expect of a test that nobody has timed."""
    manifest = manifest_of(item.config, item.path)
    entry = manifest.entry(listed_name(item.nodeid)) if manifest is not None else None
    return math.inf if entry is not None and entry.long else 0.0


def _received(other: _Other) -> dict[str, Any]:
    """Its report. What became of it then is of no matter, and nobody waits for that."""
    with os.fdopen(other.report, "rb") as coming:
        told = coming.read()
    try:
        found: dict[str, Any] = json.loads(told)
    except ValueError:
        _, status = os.waitpid(other.process, 0)
        why = f"a process of the judge ended without its report: {os.waitstatus_to_exitcode(status)}\n"
        os.write(2, why.encode())
        os._exit(1)  # no verdict, and not the spec's fault
    return found


def _sums(summaries: list[dict[str, int]]) -> dict[str, int]:
    """Every process has collected all tests, and run some of them."""
    names = {name: None for summary in summaries for name in summary if name != "collected"}
    collected = {name: summary[name] for summary in summaries for name in ("collected",) if name in summary}
    return {name: sum(summary.get(name, 0) for summary in summaries) for name in names} | collected
