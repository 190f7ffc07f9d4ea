"""`grader check-lab LAB`: prove a lab before it opens."""

import secrets
from typing import Annotated

import typer
from rich.text import Text

from grader.bootstrap.grading import App, SandboxRunner
from grader.commands import console
from grader.settings import SandboxChoice, Settings
from grader.steps.calibrated import calibration_of
from grader.steps.courses import spec_of

SHOWN_PROBLEMS = 10


def command(
    lab: Annotated[str | None, typer.Argument(help="A lab's id or the unique start of one")] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="Every lab of the course")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="How many seeds")] = 200,
    first_seed: Annotated[int | None, typer.Option(min=0, help="Repeat the seeds of another run")] = None,
    sandbox: Annotated[SandboxChoice | None, typer.Option(help="auto takes the first that works")] = None,
) -> None:
    """The solution must earn every point, the starter none, each mutant less than all, at every seed.

    Exit code 0: the lab may open; 1: it may not, and the problems are listed; 3: it could not be run.
    """
    app = App(Settings())
    ids = app.shelf.labs() if all_labs or lab is None else [lab]
    runner = app.runner(sandbox)
    start = secrets.randbelow(2**40) if first_seed is None else first_seed
    sound = [_check(app, runner, name, list(range(start, start + seeds))) for name in ids]
    if not all(sound):
        raise typer.Exit(1)


def _check(app: App, runner: SandboxRunner, name: str, seeds: list[int]) -> bool:
    folder = app.shelf.find(name)
    with console.progress(folder.lab.id) as on_event:
        found = runner.rehearse(folder, folder.rehearsal(), seeds, on_event)
    problems = [str(problem) for problem in found["problems"]]
    known = calibration_of(spec_of(folder), folder.calibration(), found["environment"])
    counts = f"{found['seeds']} seeds from {seeds[0]}, {found['tests']} tests, {found['mutants']} mutants"
    if not problems:
        console.out.print(Text("✓ ", style="green").append(f"{folder.lab.id}: sound over {counts}", style="default"))
        for doubt in known.doubts:
            console.out.print(Text(f"  ! {doubt}", style="yellow"))
        return True
    console.out.print(
        Text("✗ ", style="red").append(f"{folder.lab.id}: {len(problems)} problems over {counts}", style="default")
    )
    for problem in problems[:SHOWN_PROBLEMS]:
        console.out.print(Text(f"  · {problem}"))
    if len(problems) > SHOWN_PROBLEMS:
        console.out.print(Text(f"  … and {len(problems) - SHOWN_PROBLEMS} more"))
    return False
