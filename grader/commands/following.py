"""What a person sees while their submission waits and runs, and what it came to."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.rule import Rule
from rich.status import Status
from rich.text import Text

from grader.client.answers import Incomprehensible
from grader.client.remote import PATIENT, Remote
from grader.client.sse import Told
from grader.commands import console, render, seen
from grader.commands.seen import Seen
from grader.domain.errors import Fault
from grader.domain.job import JobState, Place
from grader.domain.report import Verdict

INTERRUPTED = 130
_NAME_WIDTH = 56
_BESIDE_NAME = 26


class Screen:
    """Writes what happens as lines; where somebody watches, also what it is at right now, below them."""

    def __init__(self, out: Console, status: Status | None, queue: str) -> None:
        self._out = out
        self._status = status
        self._queue = queue
        self._turn: tuple[int, bool] | None = None
        self._tests = 0
        self.shown: dict[str, Verdict] = {}

    def hear(self, told: Told) -> None:
        """Show one event. Raises KeyError, TypeError, ValueError for one of another shape."""
        match told.kind:
            case "place":
                self._place(seen.place(told.data))
            case "started":
                self._started(int(told.data.get("attempt") or 1))
            case "collected":
                self._tests = int(told.data["tests"])
                self._now("running")
            case "test":
                self._test(seen.row(told.data))
            case "measuring":
                ahead = int(told.data.get("ahead") or 0)
                self._now(f"waiting for the engine, {ahead} before you" if ahead else "measuring on the engine")
            case "requeued":
                self._requeued(str(told.data.get("problem") or ""))
            case "lost":
                self._line(f"· The connection broke ({told.data['problem']}). Your submission is safe. Trying again …")
            case "back":
                self._line("· Connected again.")

    def _place(self, place: Place) -> None:
        turn = (place.ahead, place.slots > 0)
        if self._status is not None:
            self._status.update(Text(waiting(place, self._queue)))
        elif turn != self._turn:
            self._line(waiting(place, self._queue))
        self._turn = turn

    def _started(self, attempt: int) -> None:
        self.shown.clear()
        self._line("Running." if attempt == 1 else f"Running again, attempt {attempt}.")
        self._now("running")

    def _test(self, row: render.Row) -> None:
        self.shown[row.test] = row.verdict
        self._out.print(verdict_line(row, self._out.width), soft_wrap=True)
        self._now("running")

    def _requeued(self, problem: str) -> None:
        self.shown.clear()
        self._turn = None
        why = f": {problem.rstrip('.')}" if problem else ""
        ours = "" if "our fault" in problem else " That is our fault."
        self._line(f"↻ This attempt broke off{why}.{ours} It costs you nothing and runs again from the start.")
        self._now("waiting for another attempt")

    def _line(self, text: str) -> None:
        self._out.print(Text(text, style="dim"), soft_wrap=True)

    def _now(self, what: str) -> None:
        if self._status is not None:
            count = f", {len(self.shown)} of {self._tests} tests" if self._tests else ""
            self._status.update(Text(f"{what}{count}"))


@contextmanager
def screen(out: Console, queue: str) -> Iterator[Screen]:
    """A screen that leaves only its lines behind."""
    if not out.is_terminal:
        yield Screen(out, None, queue)
        return
    with out.status(Text("waiting"), spinner="dots") as status:
        yield Screen(out, status, queue)


def watch(remote: Remote, found: Seen, out: Console | None) -> Seen:
    """Follow until its job has ended, shown on `out` if given; returns how it ended. Raises GraderError."""
    told: dict[str, Verdict] = {}
    while True:
        if not found.state.final:
            told = _followed(remote, found, out)
        found = Seen.read(remote.submission(found.id, PATIENT), remote.server)
        if found.state.final:
            break  # else it is being run again already
    if out is not None:
        for row in (row for row in found.tests if told.get(row.test) is not row.verdict):
            out.print(verdict_line(row, out.width), soft_wrap=True)
    return found


def _followed(remote: Remote, found: Seen, out: Console | None) -> dict[str, Verdict]:
    """The verdicts shown meanwhile."""
    if out is not None:
        return _shown(remote, found, out)
    for _ in remote.follow(found.id):
        pass
    return {}


def _shown(remote: Remote, found: Seen, out: Console) -> dict[str, Verdict]:
    try:
        with screen(out, found.queue) as shows:
            for told in remote.follow(found.id):
                shows.hear(told)
            return shows.shown
    except (KeyError, TypeError, ValueError):
        raise Incomprehensible(remote.server) from None


@contextmanager
def unharmed(found: Seen, out: Console) -> Iterator[None]:
    """Ctrl-C stops the watching, not the grading, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        out.print()
        out.print(Text("Nothing is lost: your submission is kept and gets graded without you. Look again with"))
        out.print(Text(f"  grader status {found.id} --watch\n  {found.url}"), soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None


def verdict_line(row: render.Row, width: int) -> Text:
    """One test as it ends: mark, points, name, seconds."""
    mark, colour = render.MARKS[row.verdict]
    line = Text(mark, style=colour).append(f"{row.worth:>9}   ", style="default")
    room = max(20, min(_NAME_WIDTH, width - _BESIDE_NAME))
    line.append(f"{row.name:<{room}}", style="default" if row.verdict is Verdict.PASSED else colour)
    return line.append(f"{row.duration_s:>8.2f} s", style="dim")


def waiting(place: Place, queue: str) -> str:
    """A place in the line of a queue, in words."""
    turn = f"{place.ahead} ahead of you" if place.ahead else "you are next"
    if place.slots < 1:
        return f"Waiting: {turn}, but no worker of the {queue} queue is up. It is kept and runs as soon as one is."
    soon = "" if place.eta_s is None or place.eta_s < 1 else f", about {spell(place.eta_s)}"
    return f"Waiting: {turn}{soon}."


def spell(seconds: float) -> str:
    """A time to wait, no more exact than it is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def clock(moment: float) -> str:
    """A moment in the reader's own time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def conclude(found: Seen, title: str, out: Console, known: Collection[str] = ()) -> int:
    """Say what it came to, with the first thing to mend; returns the exit code. `known` notes were told before."""
    if found.state is JobState.GRADED:
        for line in render.calibrated(found.checks):
            out.print(line, soft_wrap=True)
        if found.findings:
            _first(found, out)
        out.print()
        score(found, title, out)
        notes(found, out, known)
        out.print(Text(found.url), soft_wrap=True)
        return code(found)
    for line in unscored(found):
        out.print(Text(line), soft_wrap=True)
    out.print(Text(found.url), soft_wrap=True)
    return code(found)


def code(found: Seen) -> int:
    """The exit code of what it came to."""
    if found.state is JobState.GRADED:
        return console.GRADED
    own = found.state in (JobState.CANCELLED, JobState.SUPERSEDED) or found.fault is Fault.STUDENT
    return console.USAGE if own else console.OURS


def score(found: Seen, title: str, out: Console) -> None:
    """The points, and how they were found."""
    how = f"{found.sandbox}, {found.duration_s:.1f} s, seed {found.seed}"
    out.print(render.total(title, found.points or 0, found.max_points or 0, how))


def notes(found: Seen, out: Console, known: Collection[str] = ()) -> None:
    """What the course's rules say of it, but for what is known."""
    for note in found.notes:
        if note not in known:
            out.print(Text(f"{note}."), soft_wrap=True)


def _first(found: Seen, out: Console) -> None:
    first, *others = found.findings
    _, colour = render.MARKS[first.verdict]
    out.print(Rule(style=colour))
    for part in render.failures([first], found.outputs)[1:]:
        out.print(part, soft_wrap=True)
    if others:
        names = ", ".join(finding.tests[0].removeprefix("test_") for finding in others)
        out.print()
        out.print(Text(f"Also to mend: {names}", style="dim"), soft_wrap=True)
        out.print(Text(f"All of it: grader status {found.id}", style="dim"), soft_wrap=True)


_WHOSE = {
    Fault.LAB_AUTHOR: "That is the lab's fault, not yours: its author has to mend it. Your submission is kept.",
    Fault.OPERATOR: "That is our fault, not yours: whoever runs the grader has to mend it. Your submission is kept.",
    Fault.US: "That is our fault, not yours. Your submission is kept.",
}


def unscored(found: Seen) -> list[str]:
    """Why there is no score, and whose move it is, in lines."""
    if found.state is JobState.CANCELLED:
        return ["Cancelled. Nothing was scored."]
    if found.state is JobState.SUPERSEDED:
        return ["A newer submission of yours took its place before it ran; that one counts."]
    tries = f", after {len(found.attempts)} attempts" if len(found.attempts) > 1 else ""
    why = found.problem.rstrip(".") or "no reason was told"
    lines = [f"It could not be graded{tries}: {why}."]
    return lines if found.fault is Fault.STUDENT else [*lines, _WHOSE[found.fault or Fault.US]]
