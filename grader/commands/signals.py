"""Signals are seen to at once, whichever thread of this program the kernel gives them to."""

import signal
import socket
import sys
import threading


def wake_main_thread() -> None:
    """Wake the main thread at each signal. For the main thread, once in a program.

    The kernel gives a signal to any thread, and Python runs its handler in the main one, which nothing wakes where
    it waits for a lock: on a busy machine that is a Ctrl-C, or a SIGTERM, that nobody hears.
    """
    if sys.platform == "win32":
        return
    told, telling = socket.socketpair()
    telling.setblocking(False)  # as Python asks for
    signal.signal(signal.SIGURG, lambda *_: None)  # what wakes it: nobody else sends that, and nobody misses it
    signal.set_wakeup_fd(telling.detach(), warn_on_full_buffer=False)
    main = threading.get_ident()
    threading.Thread(target=_nudge, args=(main, told), name="signals", daemon=True).start()


def _nudge(main: int, told: socket.socket) -> None:
    while numbers := told.recv(64):
        if any(number != signal.SIGURG for number in numbers):
            signal.pthread_kill(main, signal.SIGURG)
