"""Raises exceptions that are called what pytest calls its ways to end a test or a run.

Promise: I4
"""

import types
names = ("Skipped", "Exit", "XFailed", "Failed", "OutcomeException", "UsageError")
calls = []
def evil(*args):
    name = names[len(calls) % len(names)]
    calls.append(name)
    kind = type(name, (BaseException,), {"__module__": "_pytest.outcomes", "returncode": 0, "allow_module_level": True})
    raise kind("reason: nothing to see")
