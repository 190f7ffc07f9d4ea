"""`grader submit LAB PATH`: hand it in and read the verdicts as they happen."""

import json
from typing import Annotated

import typer
from rich.text import Text

from grader.client import packing, session
from grader.client.remote import Remote
from grader.commands import console, following
from grader.commands.options import CourseOption, ServerOption
from grader.commands.seen import Seen


def command(
    lab: Annotated[str, typer.Argument(help="A lab's id or the unique start of one: lab-01")],
    path: Annotated[str, typer.Argument(help="A file, a folder or an archive")],
    course: CourseOption = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not stay for the verdicts")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else")] = False,
    server: ServerOption = None,
) -> None:
    """Hand in PATH for LAB. Exit code 0: graded, whatever the score; 2: refused; 3: not graded, which is our fault.

    Only the files that the lab is graded from are sent. Once it is accepted nothing is lost, whatever breaks.
    """
    with session.connect(server) as remote:
        chosen = session.find_lab(remote, course, lab)
        packed = packing.pack(chosen, path)
        answer = remote.submit(chosen.course, chosen.id, packed.name, packed.data, _again)
        handed = Seen.read(answer, remote.server)
        if no_wait and as_json:
            print(json.dumps(answer))
            return
        if not as_json:
            _accepted(handed)
        if no_wait:
            _look_later(handed)
            return
        raise typer.Exit(_waited(remote, handed, chosen.title, as_json))


def _waited(remote: Remote, handed: Seen, title: str, as_json: bool) -> int:
    if as_json:
        with following.unharmed(handed, console.err):
            ended = following.watch(remote, handed, None)
        print(json.dumps(ended.raw))
        return following.code(ended)
    with following.unharmed(handed, console.out):
        ended = following.watch(remote, handed, console.out)
        return following.conclude(ended, title, console.out, handed.notes)


def _again() -> None:
    console.err.print(Text("The connection broke; trying again. Nothing is handed in twice."))


def _accepted(handed: Seen) -> None:
    moment = following.clock(handed.created_at)
    if handed.duplicate:
        text = f"You handed in exactly this before: {handed.title}, {moment}. What came of it:"
    else:
        text = f"Accepted: {handed.title}, {moment}. It is kept from here on, even if you close this."
    console.out.print(Text(text), soft_wrap=True)
    following.notes(handed, console.out)


def _look_later(handed: Seen) -> None:
    if handed.place is not None:
        console.out.print(Text(following.waiting(handed.place, handed.queue)), soft_wrap=True)
    console.out.print(Text(f"Look with: grader status {handed.id} --watch\n{handed.url}"), soft_wrap=True)
