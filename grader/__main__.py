"""The `grader` command."""

import sys

import typer

from grader.commands import check_lab, console, demo, doctor, grade, replay
from grader.domain.errors import GraderError

app = typer.Typer(
    name="grader",
    help="Grades course labs: in a sandbox, with calibrated verdicts and a diagnosis per failure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("grade")(grade.command)
app.command("check-lab")(check_lab.command)
app.command("replay")(replay.command)
app.command("doctor")(doctor.command)
app.command("demo")(demo.command)


def main() -> None:
    """Run the command line; errors become a sentence and an exit code."""
    try:
        app()
    except GraderError as error:
        sys.exit(console.fail(error))


if __name__ == "__main__":
    main()
