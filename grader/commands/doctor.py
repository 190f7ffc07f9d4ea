"""`grader doctor`: can this machine grade, and if not, what mends it."""

from typing import Annotated

import typer
from rich.text import Text

from grader.bootstrap.grading import App
from grader.commands import console
from grader.settings import Settings


def command(
    build_image: Annotated[bool, typer.Option("--build-image", help="Build the Docker sandbox's image first")] = False,
    sweep: Annotated[bool, typer.Option("--sweep", help="Remove what killed workers left on this machine")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing where a sandbox works")] = False,
) -> None:
    """Try every sandbox for real, and what a worker that measures needs. Exit code 0: a sandbox works, and the engine
    that GRADER_ENGINE asks for, if any, lacks nothing; 3: not so, and nothing can be graded, or nothing measured."""
    app = App(Settings())
    if build_image:
        console.err.print("building the Docker sandbox's image; the first time takes minutes")
        app.build_image()
    if sweep:
        removed = app.sweep()
        console.out.print(
            Text("\n".join(f"removed {thing}" for thing in removed) or "killed workers have left nothing")
        )
        return
    probes = app.probes()
    works = [probe for probe in probes if probe.works]
    if quiet and works:
        return
    for probe in probes:
        mark = Text("✓ ", style="green") if probe.works else Text("✗ ", style="red")
        reason = probe.reason or ("works" if probe.works else "")
        console.out.print(mark.append(f"{probe.name}: {reason}", style="default"))
        if probe.fix and not probe.works:
            console.out.print(Text(f"  fix: {probe.fix}"))
    console.out.print(Text(f"  course: {app.settings.course} ({len(app.shelf.labs())} labs)", style="dim"))
    if works:
        console.out.print(f"grading uses {works[0].name if app.settings.sandbox == 'auto' else app.settings.sandbox}")
        _tell_queues(app)
        _tell_engine(app)
        return
    console.out.print(Text("No sandbox works here, and grader never runs a submission without one.", style="bold red"))
    raise typer.Exit(console.OURS)


def _tell_queues(app: App) -> None:
    """Which queues the service's own worker serves, and which labs wait for another one."""
    served = [name.strip() for name in app.settings.queues.split(",")]
    console.out.print(f"the service's own worker takes labs of {' and '.join(served)} (GRADER_QUEUES)")
    for name in app.shelf.labs():
        queue = app.shelf.find(name).lab.queue
        if queue not in served:
            console.out.print(Text(f"  {name} waits for another: grader worker --queues {queue}", style="yellow"))


def _tell_engine(app: App) -> None:
    """What measures, or which labs wait for that; exit code 3 where GRADER_ENGINE asks for what lacks something."""
    findings = app.engine()
    for one in findings:
        mark = Text("✓ ", style="green") if one.works else Text("✗ ", style="red")
        console.out.print(mark.append(f"engine: {one.what}: {one.seen}", style="default"))
        if not one.works:
            console.out.print(Text(f"  fix: {one.fix}"))
    for name in () if findings else app.shelf.labs():
        if app.shelf.find(name).lab.measured:
            console.out.print(Text(f"  {name} is measured: a worker with GRADER_ENGINE must serve it", style="yellow"))
    if not all(one.works for one in findings):
        raise typer.Exit(console.OURS)
