"""Runs the web service in a thread, so that the main thread can end things in the right order."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from grader.bootstrap.site import Site
from grader.commands.ending import Ending
from grader.domain.errors import GraderError, Refused

#: How long runs may take to end when told to, and open pages after that. Seconds.
DRAIN_S = 30.0
PAGES_S = 3


class _Server(uvicorn.Server):
    """Says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve from here on."""
        await super().startup(sockets)
        self.settled.set()

    def serve_here(self, listening: socket.socket) -> None:
        """Until told to end."""
        try:
            self.run(sockets=[listening])
        finally:
            self.settled.set()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises Refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number is not None and number > 0 else str(error)
        raise Refused(
            f"cannot listen at {host}, port {port}: {reason}", "choose another with --port, or end what runs there"
        ) from None
    # the connections it accepts have this from it; without, the end of an answer waits for the other side, 40 ms
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@contextmanager
def served(site: Site, listening: socket.socket) -> Iterator[Ending]:
    """The service and its embedded worker, up until whoever uses it goes on, as by what this gives. Raises GraderError.

    At the end runs may finish before it goes; after an error they are given back at once.
    """
    config = uvicorn.Config(
        site.app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=PAGES_S,
    )
    server = _Server(config)
    thread = threading.Thread(target=server.serve_here, args=[listening], name="web", daemon=True)
    thread.start()
    server.settled.wait()
    if not server.started:
        raise GraderError("the web service did not start; the log says why")
    patience = 0.0
    with Ending() as ending:
        try:
            site.start_worker()
            yield ending
            patience = DRAIN_S
        finally:
            ending.begin()
            site.drain(patience)
            server.should_exit = True
            thread.join()
