"""`grader rerun`: grade chosen submissions again, see what would change, and only then let it count."""

import json
import sys
import time
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from grader.client import reruns, session
from grader.client.remote import Remote
from grader.client.reruns import SeenItem, SeenRerun
from grader.commands import console, following
from grader.commands.options import CourseOption, ServerOption
from grader.domain.errors import Refused
from grader.domain.rerun import RerunState

_ARROWS = {
    "up": ("↑ up", "green"),
    "down": ("↓ down", "red"),
    "same": ("= unchanged", "dim"),
    "unsettled": ("? unsettled", "yellow"),
}
_FATES = {"kept": "kept, would go down", "moved_on": "graded anew since", "pending": "not graded yet"}
_MOST_SAME = 20


def command(
    rerun: Annotated[str | None, typer.Argument(help="A rerun's id; without it, a new one of what is selected")] = None,
    course: CourseOption = None,
    lab: Annotated[str, typer.Option("--lab", help="The lab's id or the unique start of it")] = "",
    test: Annotated[str, typer.Option("--test", help="With this test")] = "",
    verdict: Annotated[str, typer.Option("--verdict", help="… that ended so: failed, inconclusive, …")] = "",
    cause: Annotated[str, typer.Option("--cause", help="… for this cause")] = "",
    student: Annotated[str, typer.Option("--student", help="Of this login")] = "",
    section: Annotated[str, typer.Option("--section", help="Of students in this section")] = "",
    submission: Annotated[str, typer.Option("--submission", help="This submission alone")] = "",
    no_result: Annotated[bool, typer.Option("--no-result", help="Of those that never got a result")] = False,
    everybody: Annotated[bool, typer.Option("--all", help="Of everybody")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="The newest of each student, not what counts")] = False,
    spec: Annotated[
        str, typer.Option("--spec", metavar="DIGEST", help="By this spec, not the present one")
    ] = "current",
    never_lower: Annotated[
        bool | None, typer.Option("--never-lower/--may-lower", help="Whether scores may go down")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Why; students whose score changes read it")] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would change, change nothing (the default)")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Let it count once it is graded")] = False,
    revert: Annotated[bool, typer.Option("--revert", help="Undo the applied rerun RERUN")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Let RERUN never count")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="End RERUN while it is graded")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the reruns there are")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else")] = False,
    server: ServerOption = None,
) -> None:
    """Grade again, preview, apply, revert. Scores stay as they are until --apply.

    Exit code 0: done; 2: refused; 3: not possible for a reason of ours; 130: you stopped watching, the rerun goes on.
    """
    actions = [
        name for name, on in (("apply", apply), ("revert", revert), ("discard", discard), ("cancel", cancel)) if on
    ]
    _refuse_confusion(rerun, actions, preview or list_all)
    with session.connect(server) as remote:
        if list_all:
            _list([one for name in session.courses(remote, course) for one in reruns.listed(remote, name)], as_json)
            return
        if rerun is None:
            if not (test or student or section or submission or no_result or everybody):
                raise Refused("whose submissions?", "narrow it down with --test, --student, --section …, or say --all")
            chosen = session.find_lab(remote, course, lab)
            found = reruns.begin(remote, chosen.course, {
                "lab": chosen.id, "test": test, "verdict": verdict, "cause": cause, "login": student,
                "section": section, "submission_id": submission, "no_result": no_result, "newest": newest,
                "spec": spec, "never_lower": bool(never_lower), "note": note,
            })  # fmt: skip
        else:
            found = reruns.look(remote, rerun, never_lower)
        ended = _carried_out(remote, found, actions, never_lower, as_json)
        if as_json:
            print(json.dumps({**ended.raw, "rows": [vars(one) for one in reruns.items(remote, ended.id, never_lower)]}))


def _refuse_confusion(rerun: str | None, actions: list[str], looks: bool) -> None:
    if len(actions) + looks > 1:
        raise Refused("one thing at a time", "choose one of --preview, --apply, --revert, --discard, --cancel, --list")
    if rerun is None and actions and actions != ["apply"]:
        raise Refused(f"--{actions[0]} which rerun?", f"name it: grader rerun RERUN --{actions[0]}")


def _carried_out(
    remote: Remote, found: SeenRerun, actions: list[str], never_lower: bool | None, as_json: bool
) -> SeenRerun:
    """Follow it to its end, show it, and do what was asked for; as it is after that."""
    if "cancel" in actions:
        return _acted(remote, found, "cancel", as_json)
    if found.state is RerunState.RUNNING:
        _graded(remote, found, as_json)
        found = reruns.look(remote, found.id, never_lower)
    if not as_json and not {"revert", "discard"} & set(actions):
        show(found, reruns.items(remote, found.id, never_lower))
    if not actions:
        if not as_json and found.state is RerunState.READY:
            console.out.print(
                Text(f"Nothing has changed. To let it count: grader rerun {found.id} --apply"), soft_wrap=True
            )
            console.out.print(Text(found.url), soft_wrap=True)
        return found
    if actions == ["apply"] and not as_json and sys.stdin.isatty() and console.out.is_terminal:
        typer.confirm("Let these scores count?", abort=True)
    return _acted(remote, found, actions[0], as_json, never_lower)


def _acted(remote: Remote, found: SeenRerun, action: str, as_json: bool, never_lower: bool | None = None) -> SeenRerun:
    ended = reruns.act(remote, found.id, action, never_lower)
    if not as_json:
        undo = f" To undo it: grader rerun {ended.id} --revert" if ended.state is RerunState.APPLIED else ""
        console.out.print(Text(f"Rerun {ended.id} of {ended.lab} is {ended.state}.{undo}"), soft_wrap=True)
        console.out.print(Text(ended.url), soft_wrap=True)
    return ended


def _graded(remote: Remote, found: SeenRerun, as_json: bool) -> None:
    """Stay until it is graded; Ctrl-C stops the watching alone."""
    out = console.err if as_json else console.out
    out.print(
        Text(f"Grading {found.items} submissions of {found.lab} again, by spec {found.spec[:12]}."), soft_wrap=True
    )
    try:
        with out.status(Text(_far(found)), spinner="dots") as status:
            reruns.follow(remote, found, lambda now: status.update(Text(_far(now))), time.sleep)
    except KeyboardInterrupt:
        out.print(
            Text(f"It goes on without you and nothing counts yet. Look again: grader rerun {found.id}"), soft_wrap=True
        )
        raise typer.Exit(following.INTERRUPTED) from None


def _far(found: SeenRerun) -> str:
    return f"{found.done} of {found.items} graded"


def show(found: SeenRerun, rows: list[SeenItem]) -> None:
    """Its preview: who goes where, then test by test."""
    out = console.out
    out.print(_students(rows))
    counts = found.preview.get("counts", {})
    sums = [f"{counts.get(name, 0)} {name}" for name in _ARROWS]
    sums += [f"{found.preview[name]} {words}" for name, words in _FATES.items() if found.preview.get(name)]
    changed = [one for one in found.preview.get("tests", []) if one[1] or one[2]]
    if changed:
        table = _table(("test", "left"), ("gain it", "right"), ("lose it", "right"))
        for name, gain, lose in changed:
            table.add_row(Text(name), str(gain), str(lose))
        out.print(table)
    out.print(Text(f"{found.lab}, {_far(found)}, {found.state}: {', '.join(sums)}"), soft_wrap=True)


def _students(rows: list[SeenItem]) -> Table:
    """Everybody whose score changes or may not, and the first of those that stay the same."""
    table = _table(("student", "left"), ("counts", "right"), ("rerun", "right"), ("so", "left"))
    same = 0
    for one in rows:
        same += one.direction == "same" and one.fate == "moves"
        if one.direction == "same" and same > _MOST_SAME:
            continue
        words, colour = _ARROWS.get(one.direction, (one.direction, ""))
        before, after = ("–" if points is None else str(points) for points in (one.before, one.after))
        table.add_row(Text(one.login), before, after, Text(_FATES.get(one.fate, words), style=colour))
    if same > _MOST_SAME:
        table.add_row(Text(f"and {same - _MOST_SAME} more"), "", "", Text("= unchanged", style="dim"))
    return table


def _table(*columns: tuple[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _list(found: list[SeenRerun], as_json: bool) -> None:
    if as_json:
        print(json.dumps([one.raw for one in found]))
        return
    if not found:
        console.out.print("No reruns yet.")
        return
    table = _table(
        ("rerun", "left"), ("begun", "left"), ("lab", "left"), ("graded", "right"), ("state", "left"), ("by", "left")
    )
    for one in found:
        when = following.clock(one.created_at)[:16]
        table.add_row(Text(one.id), Text(when), Text(one.lab), f"{one.done}/{one.items}", Text(one.state), Text(one.by))
    console.out.print(table)
