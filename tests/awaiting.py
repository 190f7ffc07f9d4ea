"""Waiting for what another thread or process does and nobody announces."""

import time
from collections.abc import Callable


def until(happened: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Look until it has happened; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
    return True
