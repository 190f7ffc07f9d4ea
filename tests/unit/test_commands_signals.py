"""A program's main thread sees to a signal, whichever of its threads gets that."""

import signal
import subprocess
import sys
import threading

import pytest

from grader.commands.signals import waking_main_thread

#: Its main thread waits for a lock, and another one gets the signal.
WAITING = """
import signal, sys, threading
from grader.commands.signals import waking_main_thread

def heard(number, frame):
    print("heard", number)
    sys.exit(3)

signal.signal({number}, heard)
send = lambda: signal.pthread_kill(threading.get_ident(), {number})
with waking_main_thread():
    threading.Timer(0.1, send).start()
    try:
        threading.Event().wait()
    finally:
        print("seen")
print("went on")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_another_thread_is_seen_to(number: signal.Signals) -> None:
    code = WAITING.format(number=int(number))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (3, [f"heard {int(number)}", "seen"]), done.stderr


def test_nothing_of_it_stays() -> None:
    before = signal.getsignal(signal.SIGURG)
    with waking_main_thread():
        assert any(thread.name == "signals" for thread in threading.enumerate())
    assert signal.set_wakeup_fd(-1) == -1
    assert signal.getsignal(signal.SIGURG) == before
    assert not any(thread.name == "signals" for thread in threading.enumerate())
