"""A judge that is there before the submission: it has read the spec, and forks a child for each job.

The child is judge of one job and ends with its report. What it was told, drew, imported or changed ends with it; the
process that read the spec has seen no submission and no job, opens no connection to a guest, and reads nothing. Two
forks of it differ in nothing but their jobs.

A spec that must not be read before its job is known (it reads the seed while it is imported, or draws something then)
is read by each child for itself.
"""

import importlib
import os
from typing import Any

from worker.harness.endings import NOT_AHEAD, exit_code


def main(job: dict[str, Any]) -> None:
    """Entry point inside the sandbox. `job` names the lab and its spec; orders follow on standard input.

    This process waits for the one that does everything, and imports nothing that it needs not.
    """
    os.umask(0)
    alone = os.getpid() == 1
    reader = os.fork()
    if reader == 0:
        importlib.import_module("worker.harness.ahead").read(job, alone=alone)
    ended, status = os.wait()
    while ended != reader:  # an orphan of a job
        ended, status = os.wait()
    if os.waitstatus_to_exitcode(status) != NOT_AHEAD:
        os._exit(exit_code(status))
    importlib.import_module("worker.harness.ahead").leave_to_each(alone=alone)
