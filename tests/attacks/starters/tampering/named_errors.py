"""Raises OSError and TimeoutError, which the judge itself knows from a broken channel: they are the answer of a function.

Promise: I4
Verdict: failed
"""

class Late(TimeoutError): pass
def evil(*args):
    raise TimeoutError("took too long") if len(args) == 1 else OSError("not there")
