"""Imports whatever might hold the answers.

Promise: I3
"""

import importlib
NAMES = ("solution", "test_lab", "mutants", "predictions", "odds", "grader", "grader.settings", "worker.settings", "worker.client",
         "hostile.labs.target-1.solution", "labs", "conftest", "tests")
def evil(*args):
    for name in NAMES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if getattr(module, "__file__", None) is not None:
            caught(f"IMPORT {name} {module.__file__}")
    return 0
