"""Searches every file it can read for the solution and uses it.

Promise: I3
Lab: lab-04
Tests: test_expected_tokens_by_hand test_simulate_shape_and_limits
"""

import glob, os
def evil(*args):
    for root in ("/work", "/channel", "/opt", "/srv", "/home", "/root", "/tmp", "/grader", "/mnt", "/proc/1/cwd", "/proc/1/root"):
        for folder, _, files in os.walk(root):
            for name in files:
                if name in ("solution.py", "mutants.py", "test_lab.py"):
                    space = {}
                    exec(open(os.path.join(folder, name)).read(), space)
                    return space["expected_tokens"](*args)
    raise LookupError("no solution anywhere")
