"""`grader serve`: the service, and where the broker reaches nobody else a worker in the same process."""

from typing import Annotated, Any

import typer
from rich.text import Text

from grader.adapters import logs
from grader.bootstrap.site import Site
from grader.commands import console, serving
from grader.commands.course import ONCE
from grader.settings import Settings


def command(
    host: Annotated[str | None, typer.Option(help="The address to listen at; by default GRADER_HOST")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="By default GRADER_PORT; 0: any free")] = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Workers run elsewhere")] = False,
) -> None:
    """Serve pages, API and jobs until Ctrl-C or SIGTERM; what runs then may end first. Nothing accepted is ever lost.

    The first start makes a course of the lab folder and prints a one-time login link for its instructor.
    """
    logs.configure()
    given: dict[str, Any] = {"host": host, "port": port}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    with serving.listen(settings.host, settings.port) as listening:
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        site = Site(settings, with_worker=False if no_worker else None)
        changed = site.open_course()
        link = site.first_link()
        with serving.served(site, listening):
            _greet(settings, changed, link, no_worker)
            site.warm_up()
            serving.wait_for_signal(_ending)
    console.out.print("Ended. What waits is kept and goes on at the next start.")


def _greet(settings: Settings, changed: list[str], link: str | None, no_worker: bool) -> None:
    say = console.out.print
    say(Text(f"grader is up: {settings.public_url}"), soft_wrap=True)
    if changed:
        say(Text(f"Changed since the last start: {', '.join(changed)}"), soft_wrap=True)
    if settings.embedded and no_worker:
        say(Text("No worker can reach this: set GRADER_BROKER, or leave --no-worker out.", style="yellow"))
    elif not settings.embedded:
        say("Workers run elsewhere: grader worker")
    if link is not None:
        say(Text(f"First start. The instructor logs in here; it {ONCE}:\n  {link}"), soft_wrap=True)
    say(Text("Ctrl-C ends it.", style="dim"))


def _ending() -> None:
    console.out.print(
        "Ending: what runs now may finish. Ctrl-C again ends at once; it is then graded at the next start."
    )
