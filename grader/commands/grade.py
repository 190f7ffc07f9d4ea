"""`grader grade LAB PATH`: grade one submission and show what its author should read."""

import json
import time
from typing import Annotated

import typer
from rich.text import Text

from grader.bootstrap.grading import App
from grader.commands import console, render
from grader.domain.errors import UnknownLab
from grader.domain.lab import Lab
from grader.domain.report import Verdict
from grader.settings import SandboxChoice, Settings
from grader.steps.grading import Graded, grade


def command(
    lab: Annotated[str, typer.Argument(help="A lab's id or the unique start of one: lab-01")],
    path: Annotated[str, typer.Argument(help="A file, a folder or an archive")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else")] = False,
    sandbox: Annotated[SandboxChoice | None, typer.Option(help="auto takes the first that works")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Repeat the inputs of another run")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Only this test; may be given more than once")] = None,
) -> None:
    """Grade PATH under LAB in a sandbox. Exit code 0: graded, whatever the score; 2: nothing to grade; 3: our fault."""
    graded = run(App(Settings()), lab, path, sandbox=sandbox, seed=seed, tests=test, quiet=as_json)
    if as_json:
        print(json.dumps(render.as_json(graded), ensure_ascii=True, allow_nan=False))
        return
    show(graded, path)


def run(
    app: App, lab: str, path: str, *, sandbox: str | None, seed: int | None, tests: list[str] | None, quiet: bool
) -> Graded:
    """Grade, with progress on standard error unless `quiet`. Raises GraderError."""
    folder = app.shelf.find(lab)
    names = _named(folder.lab, tests) if tests else None
    submission = app.submission(folder.lab, path)
    runner = app.runner(sandbox)
    used = app.seed(submission, folder) if seed is None else seed
    with console.progress(folder.lab.title, quiet) as on_event:
        return grade(folder, submission, used, runner, tests=names, at=time.time(), on_event=on_event)


def _named(lab: Lab, tests: list[str]) -> tuple[str, ...]:
    known = {t.name: t.name for t in lab.tests} | {t.name.removeprefix("test_"): t.name for t in lab.tests}
    unknown = [t for t in tests if t not in known]
    if unknown:
        raise UnknownLab(
            f"{lab.id} has no test {unknown[0]!r}", f"its tests are {', '.join(t.name for t in lab.tests)}"
        )
    return tuple(dict.fromkeys(known[t] for t in tests))


def show(graded: Graded, path: str) -> None:
    """Print an outcome for a person."""
    console.out.print(render.table(render.rows(graded), console.out.width))
    passed = [result for result in graded.report.tests if result.verdict is Verdict.PASSED]
    for line in render.calibrated(check for result in passed for check in result.checks):
        console.out.print(line, soft_wrap=True)
    outputs = {result.name: result.output for result in graded.report.tests}
    for part in render.failures(graded.findings, outputs):
        console.out.print(part, soft_wrap=True)
    console.out.print()
    how = f"{graded.sandbox}, {graded.isolation}, {graded.duration_s:.1f} s, seed {graded.seed}"
    points, most = graded.score.points, graded.score.max_points
    console.out.print(render.total(graded.lab.title, points, most, how, joined=graded.isolation != "split"))
    again = f"replay: grader grade {graded.lab.id} {path} --seed {graded.seed}"
    console.out.print(Text(again, style="dim"), soft_wrap=True)
