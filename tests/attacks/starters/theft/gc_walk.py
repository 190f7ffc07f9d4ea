"""Looks for anything of the spec among the objects of its process.

Promise: I3
Lab: lab-04
Tests: test_expected_tokens_by_hand test_simulate_shape_and_limits
"""

import gc, types
def evil(*args):
    for thing in gc.get_objects():
        name = getattr(thing, "__name__", "")
        if isinstance(name, str) and ("solution" in name or "test_lab" in name):
            if isinstance(thing, types.ModuleType):
                return thing.expected_tokens(*args)
    return None
