"""Replaces the code that runs it: its caller, its encoder, its checks.

Promise: I1
"""

import sys
def evil(*args):
    contract, plain = sys.modules["labkit.contract"], sys.modules["labkit.plain"]
    contract.Callee.run = lambda self, args, kwargs: b"passed"
    contract.to_plain = plain.to_plain = lambda value: value
    contract.fingerprint = plain.fingerprint = lambda value: b""
    for name, module in list(sys.modules.items()):
        if name.startswith(("worker.harness", "labkit")):
            for attribute in ("send_frame", "encode", "WireError", "StudentFault", "signature"):
                if hasattr(module, attribute) and attribute in ("WireError", "StudentFault"):
                    setattr(module, attribute, type(attribute, (Exception,), {}))
    return object()
