"""The guest: holds the student's module and answers calls. Everything here runs on the student's side.

It is started ahead, imports what it needs, and becomes a zygote once it learns whose guest it is.
"""

import ctypes
import gc
import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from worker.harness.forks import held_back
from worker.harness.orders import receive

#: What a guest says once it has imported what it needs.
READY = b"ready\n"
_SET_DUMPABLE = 4


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox: it is started ahead, and learns whose guest it is when somebody needs it."""
    with held_back() as handlers:
        zygote = importlib.import_module("worker.harness.zygote")
    for ours in ("harness", "course"):  # imported by now: nothing of it lies where a test could change it for the next
        shutil.rmtree(Path.cwd() / ours, ignore_errors=True)
    # closes the memory of this process, and all else of it below /proc, to its children, which have the same user
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    gc.collect()
    gc.freeze()  # what is imported stays: each child would copy it merely to look through it
    os.write(1, READY)
    order = receive(sys.stdin.buffer)
    if order is not None:  # else the worker needs it no more, or is gone
        zygote.Zygote(order.job, order.files, handlers).serve()
