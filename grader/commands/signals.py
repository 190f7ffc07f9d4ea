"""Signals are seen to at once, whichever thread of this program the kernel gives them to."""

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def waking_main_thread() -> Iterator[None]:
    """Each signal wakes the main thread, which is who enters this.

    The kernel gives a signal to any thread, and Python runs its handler in the main one, which nothing wakes where
    it waits for a lock: on a busy machine that is a Ctrl-C, or a SIGTERM, that nobody hears.
    """
    if sys.platform == "win32":
        yield
        return
    told, telling = socket.socketpair()
    nudging = threading.Thread(target=_nudge, args=(threading.get_ident(), told), name="signals", daemon=True)
    with told, telling:
        telling.setblocking(False)  # as Python asks for
        urgent = signal.signal(signal.SIGURG, lambda *_: None)  # what wakes it: nobody else sends that
        before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        nudging.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGURG, urgent)
            telling.close()
            nudging.join()


def _nudge(main: int, told: socket.socket) -> None:
    while numbers := told.recv(64):
        if any(number != signal.SIGURG for number in numbers):
            signal.pthread_kill(main, signal.SIGURG)
