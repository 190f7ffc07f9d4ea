"""Options that several commands have."""

from typing import Annotated

import typer

ServerOption = Annotated[
    str | None, typer.Option("--server", envvar="GRADER_URL", help="The grader; by default the one logged in to last")
]
CourseOption = Annotated[
    str | None, typer.Option("--course", envvar="GRADER_COURSE", help="By default yours with that lab")
]
