"""Signals that the kernel gives to another thread of a program than its main one, as it may do with any."""

import ctypes
import os
import signal
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)


def send_past_main(pid: int, number: signal.Signals) -> None:
    """Send it to the oldest thread of that process that is not its main one, which stays. Linux alone has that."""
    others = sorted(int(one.name) for one in Path(f"/proc/{pid}/task").iterdir() if one.name != str(pid))
    assert others, "it has no other thread"
    if _LIBC.tgkill(pid, others[0], int(number)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
