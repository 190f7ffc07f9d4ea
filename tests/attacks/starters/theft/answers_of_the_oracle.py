"""Asks the oracle for what it was not given to ask: strings, names, attributes of the function itself.

Promise: I3
Tests: test_asked
"""

def evil(oracle, *args):
    for name in ("__closure__", "__globals__", "__code__", "__defaults__", "function", "_function"):
        value = getattr(oracle, name, None)
        if name == "__globals__" and value is not None:
            if any("test_" in key for key in value):
                caught("GLOBALS")
        if name == "__closure__":
            for cell in value or ():
                if callable(cell.cell_contents):
                    caught("CLOSURE")
    for question in ("__globals__", b"key", None, [1], {"a": 1}):
        try:
            oracle(question)
        except Exception as error:
            if "test_lab" in str(error) or "File" in str(error):
                caught("TRACE")
    return 0
