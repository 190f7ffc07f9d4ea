"""How commands speak: results on standard output, progress and errors on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from grader.client.answers import Unreachable
from grader.domain.errors import Fault, GraderError
from grader.domain.run import Event, OnEvent

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

GRADED = 0
USAGE = 2
OURS = 3

_WHOSE = {
    Fault.STUDENT: "",
    Fault.LAB_AUTHOR: "The lab's author has to mend this. ",
    Fault.OPERATOR: "Whoever runs the grader has to mend this. ",
    Fault.US: "This is the grader's fault. ",
}


def fail(error: GraderError) -> int:
    """Tell an error with its owner and advice; returns the exit code it stands for."""
    err.print(Text(f"error: {error.message}", style="red"))
    again = "Trying again may help. " if error.retried else ""
    whose = "" if isinstance(error, Unreachable) else _WHOSE[error.fault]  # who knows, from here
    advice = f"{whose}{again}{error.advice}".strip()
    if advice:
        err.print(Text(advice))
    if error.fault is Fault.STUDENT:
        return USAGE
    err.print(Text("Nothing was scored."))
    return OURS


@contextmanager
def progress(title: str, quiet: bool = False) -> Iterator[OnEvent]:
    """A bar on standard error while a run lasts; silent where nobody watches."""
    columns: list[Any] = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
    ]
    with Progress(
        *columns, TimeElapsedColumn(), console=err, transient=True, disable=quiet or not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(title, total=None)
        yield _updates(bar, task, title)


def _updates(bar: Progress, task: Any, title: str) -> Callable[[Event], None]:
    def update(event: Event) -> None:
        kind = event["event"]
        if kind == "collected":
            bar.update(task, total=len(event.get("tests", ())))
        elif kind == "test":
            bar.update(task, advance=1, description=f"{title} · {Text(str(event.get('test', ''))[:40]).plain}")
        elif kind == "progress":
            bar.update(task, completed=event.get("done", 0), total=event.get("total"))

    return update
