"""The `grader` command."""

import sys
from importlib import import_module
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup
from typer.main import get_command

from grader.commands import console, signals
from grader.domain.errors import GraderError, Refused

#: Each command's module in grader.commands, which has its `command`, or an `app` with several.
COMMANDS = {
    "submit": "submit",
    "status": "status",
    "login": "login",
    "credential": "credential",
    "serve": "serve",
    "course": "course",
    "rerun": "rerun",
    "worker": "worker",
    "grade": "grade",
    "replay": "replay",
    "check-lab": "check_lab",
    "calibrate": "calibrate",
    "doctor": "doctor",
    "demo": "demo",
}


class _Commands(TyperGroup):
    """Loads a command when it is asked for: who submits need not wait for the service's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, as help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them; None for any other name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"grader.commands.{COMMANDS[cmd_name]}")
        several: typer.Typer | None = getattr(module, "app", None)
        app = typer.Typer(add_completion=False) if several is None else several
        if several is None:
            app.command(cmd_name)(module.command)
        found = get_command(app)
        found.name = cmd_name
        return found


app = typer.Typer(
    name="grader",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _about() -> None:
    """Grades course labs: in a sandbox, with calibrated verdicts and a diagnosis per failure."""


def main() -> None:
    """Run the command line; errors become a sentence and an exit code."""
    try:
        with signals.waking_main_thread():
            app()
    except GraderError as error:
        sys.exit(console.fail(error))
    except ValidationError as error:
        sys.exit(console.fail(_settings_are_wrong(error)))


def _settings_are_wrong(error: ValidationError) -> Refused:
    wrong = [f"GRADER_{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors() if part["loc"]]
    return Refused("\n".join(wrong), "The settings are listed in README.md.")


if __name__ == "__main__":
    main()
