"""`grader replay RESULT PATH`: does the same code get the same verdicts again?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from grader.bootstrap.grading import App
from grader.commands import console, grade, render
from grader.domain.errors import UnreadableSubmission
from grader.settings import SandboxChoice, Settings

MAX_RESULT_BYTES = 16 * 1024 * 1024


def command(
    result: Annotated[Path, typer.Argument(help="What `grader grade --json` printed")],
    path: Annotated[str, typer.Argument(help="The submission it was about")],
    sandbox: Annotated[SandboxChoice | None, typer.Option(help="auto takes the first that works")] = None,
) -> None:
    """Grade PATH again with RESULT's seed and compare. Exit code 0: the same verdicts; 1: other ones; 3: our fault."""
    before = read_result(result)
    again = grade.run(
        App(Settings()), before["lab"], path, sandbox=sandbox, seed=before["seed"], tests=None, quiet=False
    )
    now = render.as_json(again)
    for key, what in (("submission_digest", "the submission"), ("spec_digest", "the lab's spec")):
        if now[key] != before[key]:
            console.err.print(Text(f"note: {what} has changed since that result", style="yellow"))
    old = {v["test"]: v["verdict"] for v in before["verdicts"]}
    changes = [
        (v["test"], old[v["test"]], v["verdict"])
        for v in now["verdicts"]
        if old.get(v["test"]) not in (None, v["verdict"])
    ]
    for test, was, is_now in changes:
        console.out.print(Text(f"{test}: {was} → {is_now}", style="yellow"))
    console.out.print(f"score {before['score']} → {now['score']}, {len(changes)} verdicts changed")
    if changes:
        raise typer.Exit(1)


def read_result(file: Path) -> dict[str, Any]:
    """The result in `file`. Raises UnreadableSubmission where it is none."""
    advice = "keep what `grader grade LAB PATH --json` prints in a file"
    try:
        if file.stat().st_size > MAX_RESULT_BYTES:
            raise UnreadableSubmission(f"{file} is too large for a result", advice)
        data = json.loads(file.read_text(encoding="utf-8"))
        verdicts = [{"test": str(v["test"]), "verdict": str(v["verdict"])} for v in data["verdicts"]]
        kept = {key: str(data[key]) for key in ("lab", "submission_digest", "spec_digest")}
        return {**kept, "seed": int(data["seed"]), "score": int(data["score"]), "verdicts": verdicts}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableSubmission(f"{file} is no result of grader: {type(error).__name__}", advice) from None
