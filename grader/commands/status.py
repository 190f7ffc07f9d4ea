"""`grader status [SUBMISSION]`: what became of what you handed in."""

import json
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from grader.client import session
from grader.client.remote import Remote
from grader.commands import console, following, render
from grader.commands.options import CourseOption, ServerOption
from grader.commands.seen import Seen
from grader.domain.errors import Fault, Refused
from grader.domain.job import JobState


def command(
    submission: Annotated[str | None, typer.Argument(help="A submission's id or page; without it, your latest")] = None,
    lab: Annotated[str | None, typer.Option("--lab", help="Only this lab's")] = None,
    course: CourseOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay until it is graded")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else")] = False,
    server: ServerOption = None,
) -> None:
    """Your latest submissions as a list, or one in full. With --watch the exit codes are those of `grader submit`."""
    with session.connect(server) as remote:
        if not as_json:
            tell_notices(remote)
        if submission is None and not watch:
            _list(latest(remote, course, lab, limit), as_json)
            return
        found = _one(remote, submission, course, lab)
        if watch:
            raise typer.Exit(_watched(remote, found, as_json))
        if as_json:
            print(json.dumps(found.raw))
            return
        show(found)


def tell_notices(remote: Remote) -> None:
    """What they have to be told, once: a rerun has changed a score of theirs."""
    for told in remote.get("notices"):
        became = f" {told['change']} points." if told["change"] else ""
        words = f"! {told['text']}{became} Look: grader status {told['submission']}"
        console.out.print(Text(words, style="bold"), soft_wrap=True)
        remote.post(f"notices/{told['id']}/seen")


def latest(remote: Remote, course: str | None, lab: str | None, limit: int) -> list[Seen]:
    """Your own over your courses, newest first. Raises GraderError."""
    if lab:
        chosen = session.find_lab(remote, course, lab)
        places = [(chosen.course, chosen.id)]
    else:
        places = [(name, "") for name in session.courses(remote, course)]
    login = str(remote.me().get("login", ""))
    rows = [
        Seen.read(row, remote.server)
        for name, which in places
        for row in remote.submissions(name, lab=which, login=login, limit=limit)
    ]
    return sorted(rows, key=lambda row: row.created_at, reverse=True)[:limit]


def _one(remote: Remote, submission: str | None, course: str | None, lab: str | None) -> Seen:
    if submission is None:
        newest = latest(remote, course, lab, 1)
        if not newest:
            raise Refused("you have handed nothing in yet", "hand something in: grader submit LAB PATH")
        submission = newest[0].id
    name = urlsplit(submission).path.rstrip("/").rpartition("/")[2]
    return Seen.read(remote.submission(name), remote.server)


def _watched(remote: Remote, found: Seen, as_json: bool) -> int:
    if as_json:
        with following.unharmed(found, console.err):
            ended = following.watch(remote, found, None)
        print(json.dumps(ended.raw))
        return following.code(ended)
    console.out.print(Text(f"{found.title}, handed in {following.clock(found.created_at)}"))
    with following.unharmed(found, console.out):
        ended = following.watch(remote, found, console.out)
        return following.conclude(ended, found.lab, console.out)


def _list(rows: list[Seen], as_json: bool) -> None:
    if as_json:
        print(json.dumps([row.raw for row in rows]))
        return
    if not rows:
        console.out.print("Nothing handed in yet.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("submission", no_wrap=True)
    table.add_column("lab", overflow="fold")
    table.add_column("no.", justify="right")
    table.add_column("handed in", no_wrap=True)
    table.add_column("state", overflow="fold")
    for row in rows:
        words, colour = in_words(row)
        when = following.clock(row.created_at)[:16]
        table.add_row(Text(row.id), Text(row.lab), str(row.number), Text(when), Text(words, style=colour))
    console.out.print(table)


_PLAIN = {
    JobState.QUEUED: "waiting",
    JobState.OFFERED: "waiting",
    JobState.RUNNING: "running",
    JobState.CANCELLED: "cancelled",
    JobState.SUPERSEDED: "replaced by a newer one",
}
_UNGRADED = {
    Fault.LAB_AUTHOR: "not graded: the lab's fault",
    Fault.STUDENT: "not graded",
}


def in_words(row: Seen) -> tuple[str, str]:
    """A state for a list, and its colour."""
    if row.state is JobState.GRADED:
        return f"{row.points} of {row.max_points}", "green" if row.points == row.max_points else ""
    if row.state in _PLAIN:
        return _PLAIN[row.state] + _turn(row), "dim"
    return _UNGRADED.get(row.fault or Fault.US, "not graded: our fault"), "yellow"


def _turn(row: Seen) -> str:
    if row.place is None or row.state is JobState.RUNNING:
        return ""
    unserved = "" if row.place.slots else f", no worker of the {row.queue} queue"
    return f", {row.place.ahead} ahead{unserved}"


def show(found: Seen) -> None:
    """One in full, as `grader grade` shows it."""
    out = console.out
    out.print(Text(f"{found.title}, handed in {following.clock(found.created_at)} by {found.name}"), soft_wrap=True)
    for attempt in found.attempts[:-1]:
        out.print(Text(f"attempt {attempt.number}: {attempt.ending} {attempt.problem}".rstrip(), style="dim"))
    if found.state is JobState.GRADED:
        out.print(render.table(found.tests, out.width))
        for line in render.calibrated(found.checks):
            out.print(line, soft_wrap=True)
        for part in render.failures(found.findings, found.outputs):
            out.print(part, soft_wrap=True)
        out.print()
        following.score(found, found.lab, out)
        following.notes(found, out)
        if found.replay:
            out.print(Text(f"replay: {found.replay}", style="dim"), soft_wrap=True)
    elif found.state.final:
        for line in following.unscored(found):
            out.print(Text(line), soft_wrap=True)
    else:
        place = found.place
        waits = f"It is {in_words(found)[0]}." if place is None else following.waiting(place, found.queue)
        out.print(Text(f"{waits}\nStay with it: grader status {found.id} --watch"), soft_wrap=True)
    out.print(Text(found.url), soft_wrap=True)
