"""`grader demo`: the main job on what the course ships: a starter, a half-right and a right answer of each CPU lab."""

from rich import box
from rich.table import Table
from rich.text import Text

from grader.bootstrap import App
from grader.commands import console, grade, render
from grader.settings import Settings
from grader.steps.grading import Graded

ANSWERS = (("starter", "starter.py"), ("half right", "examples/half_right.py"), ("right", "solution.py"))


def command() -> None:
    """Grade three answers of every CPU lab and show the difference."""
    app = App(Settings())
    sandbox = app.runner().name
    console.out.print(
        Text(f"Grading {len(ANSWERS)} answers per lab in {sandbox}: judge and submission in separate sandboxes.\n")
    )
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("lab", *(name for name, _ in ANSWERS)):
        rows.add_column(title, justify="left" if title == "lab" else "right")
    for lab in _cpu_labs(app):
        graded = [_graded(app, lab, name, file) for name, file in ANSWERS]
        _story(graded[1])
        rows.add_row(lab, *(f"{g.score.points}/{g.score.max_points}  {g.duration_s:.1f} s" for g in graded))
    console.out.print(rows)
    console.out.print(
        "Now yours: edit a starter.py under labs/ and run\n  .venv/bin/grader grade lab-01 path/to/starter.py"
    )


def _cpu_labs(app: App) -> list[str]:
    folders = [app.shelf.find(name) for name in app.shelf.labs()]
    return [f.lab.id for f in sorted(folders, key=lambda f: f.lab.order) if f.lab.queue == "cpu"]


def _graded(app: App, lab: str, name: str, file: str) -> Graded:
    folder = app.shelf.find(lab)
    path = app.settings.course / folder.path / file
    graded = grade.run(app, lab, str(path), sandbox=None, seed=None, tests=None, quiet=False)
    mark = Text("✓ " if graded.score.points == graded.score.max_points else "· ")
    console.out.print(mark.append(f"{lab} {name}: {graded.score.points} of {graded.score.max_points}"))
    return graded


def _story(graded: Graded) -> None:
    """The first failure of a half-right answer, as its student reads it."""
    if graded.findings:
        console.out.print(Text("  the first thing its student reads:", style="dim"))
        console.out.print(render.first_failure(graded), soft_wrap=True)
        console.out.print()
