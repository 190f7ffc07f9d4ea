"""Raises whatever pytest's skip and exit are, or something of that name.

Promise: I4
"""

class Skipped(BaseException):
    msg = "skipped"
    allow_module_level = True
def evil(*args):
    try:
        import pytest
        pytest.skip("nothing to see", allow_module_level=True)
    except ImportError:
        Skipped.__module__ = "_pytest.outcomes"
        raise Skipped from None
