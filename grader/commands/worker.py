"""`grader worker`: run submissions on this machine for a grader elsewhere."""

from typing import Annotated

import typer
from rich.text import Text

from grader.adapters import logs
from grader.bootstrap.working import run_worker
from grader.client.remote import Remote
from grader.commands import console
from grader.domain.errors import Refused
from grader.settings import Settings


def command(
    queues: Annotated[str | None, typer.Option(help="cpu, gpu, or cpu,gpu; by default GRADER_QUEUES")] = None,
    slots: Annotated[int | None, typer.Option(min=1, max=1024, help="Runs at once; by default GRADER_SLOTS")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the grader hears of a worker")] = False,
) -> None:
    """Work until Ctrl-C or SIGTERM; what runs then may end first.

    Needs GRADER_URL and GRADER_WORKER_TOKEN of the grader, and its GRADER_BROKER.
    """
    if check:
        _check(Settings().public_url)
        return
    logs.configure()
    names = [name.strip() for name in queues.split(",") if name.strip()] if queues else None
    try:
        code = run_worker(names, slots)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise Refused(ended.code) from None
        raise
    raise typer.Exit(code)


def _check(server: str) -> None:
    """Exit code 0: some worker was heard of in the last seconds; 3: none, or the grader does not answer."""
    with Remote(server) as remote:
        parts = remote.ready().get("parts")
    if not isinstance(parts, dict) or parts.get("workers") is not True:
        console.err.print(Text(f"the grader at {server} hears of no worker"))
        raise typer.Exit(console.OURS)
    console.out.print(Text(f"the grader at {server} hears of a worker"))
