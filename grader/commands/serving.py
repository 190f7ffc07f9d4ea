"""Runs the web service in a thread, so that the main thread hears signals and can end things in the right order."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from grader.bootstrap.site import Site
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
def served(site: Site, listening: socket.socket) -> Iterator[None]:
    """The service and its embedded worker, up. Raises GraderError.

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
    try:
        site.start_worker()
        yield
        patience = DRAIN_S
    finally:
        _on_signal(_end_at_once)
        site.drain(patience)
        server.should_exit = True
        thread.join()


def wait_for_signal(told: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM; `told` is called at once. Another one ends the program there and then."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        _on_signal(_end_at_once)
        ended.set()

    _on_signal(end)
    ended.wait()
    told()


def _on_signal(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """Without waiting for any thread: whatever runs is found again by its lease."""
    os._exit(128 + number)
