"""How the processes of a warm judge end."""

import os

#: The spec cannot be read before the job is known.
NOT_AHEAD = 64
#: Something was changed that a next job would see.
CHANGED = 65
#: The worker has no job that this judge knows, or none any more.
DECLINED = 66
NO_MORE = 67


def exit_code(status: int) -> int:
    """How to end as a child did; a signal as a shell tells it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
