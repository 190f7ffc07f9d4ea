"""A program is asked to end by a signal, whichever of its threads gets that."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from grader.commands.ending import Ending
from tests.awaiting import until

SOON = 30.0
#: Its main thread waits for ever, and another gets the signals.
WAITING = """
import signal, threading
from grader.commands.ending import Ending
from tests.awaiting import until

def send():
    until(lambda: signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL, 30)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with Ending() as ending:
    threading.Thread(target=send, daemon=True).start()
    {ends}
    threading.Event().wait()
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """Who hears what, and what C tells, is the same afterwards."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1
    assert not any(thread.name == "signals" for thread in threading.enumerate())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_another_thread_is_heard(handlers: None, number: signal.Signals) -> None:
    def ask() -> None:
        until(lambda: signal.getsignal(number) is not before, SOON)
        signal.pthread_kill(threading.get_ident(), number)

    before = signal.getsignal(number)
    other = threading.Thread(target=ask, daemon=True)
    other.start()
    with Ending() as ending:
        ending.wait()
    other.join(SOON)
    assert not other.is_alive()


def test_nothing_is_changed_until_somebody_waits(handlers: None) -> None:
    with Ending(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("ends", ["ending.wait(); threading.Thread(target=send).start()", "ending.begin()"])
def test_another_ends_it_there_and_then(ends: str) -> None:
    """Where it was asked before, or ends anyway."""
    done = subprocess.run(
        [sys.executable, "-c", WAITING.format(ends=ends)], capture_output=True, text=True, timeout=SOON, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
