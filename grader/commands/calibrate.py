"""`grader calibrate LAB`: measure a lab's verdicts and keep the record beside them."""

import json
import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.text import Text

from grader.bootstrap.grading import App, SandboxRunner
from grader.commands import console
from grader.domain.calibrating import problems_of, record_of
from grader.domain.calibration import digests, read_record
from grader.domain.calibration_lines import record_lines
from grader.settings import SandboxChoice, Settings

SHOWN_PROBLEMS = 10


def command(
    lab: Annotated[str | None, typer.Argument(help="A lab's id or the unique start of one")] = None,
    all_labs: Annotated[bool, typer.Option("--all", help="Every lab of the course")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="Seeds for the spec itself")] = 24,
    runs: Annotated[int, typer.Option(min=1, max=10_000_000, help="Simulated correct submissions")] = 20_000,
    first_seed: Annotated[int | None, typer.Option(min=0, help="Repeat the seeds of another run")] = None,
    sandbox: Annotated[SandboxChoice | None, typer.Option(help="auto takes the first that works")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as JSON lines")] = False,
) -> None:
    """Measure how often a correct submission fails, and how surely a wrong one does; keeps LAB/calibration.json.

    Exit code 0: measured; 1: the solution fails its own spec, and nothing is kept; 3: it could not be run.
    """
    app = App(Settings())
    ids = app.shelf.labs() if all_labs or lab is None else [lab]
    runner = app.runner(sandbox)
    start = secrets.randbelow(2**40) if first_seed is None else first_seed
    measured = [_measure(app, runner, name, list(range(start, start + seeds)), runs, as_json) for name in ids]
    if not all(measured):
        raise typer.Exit(1)


def _measure(app: App, runner: SandboxRunner, name: str, seeds: list[int], runs: int, as_json: bool) -> bool:
    folder = app.shelf.find(name)
    files, digest = digests(folder.bundle()), folder.spec_digest()
    with console.progress(folder.lab.id) as on_event:
        parts = runner.calibrate(folder, folder.rehearsal(), seeds, runs, on_event)
    if problems := problems_of(parts):
        mark = Text("✗ ", style="red").append(f"{folder.lab.id}: not measured, mend this first", style="default")
        console.err.print(mark)
        for problem in problems[:SHOWN_PROBLEMS]:
            console.err.print(Text(f"  · {problem}"))
        return False
    made = datetime.now(UTC).date().isoformat()
    record = record_of(folder.lab, digest, files, parts, made=made)
    folder.keep_calibration(f"{json.dumps(record, indent=1, ensure_ascii=False)}\n")
    if as_json:
        print(json.dumps(record))
        return True
    console.out.print(Text("✓ ", style="green").append(f"{folder.lab.id}: measured", style="default"))
    for line in record_lines(read_record(json.dumps(record))):
        console.out.print(Text(f"  · {line}"))
    return True
