"""Looks at every other process: its arguments, environment, folder and open files.

Promise: I3
"""

def evil(*args):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) not in (1, os.getpid()):
            caught(f"PROCESS {pid}")
        for what in ("environ", "cmdline"):
            try:
                with open(f"/proc/{pid}/{what}", "rb") as file:
                    if any(word in file.read() for word in (b"SEED=", b"TOKEN", b"SECRET", b"test_lab", b"KEY=")):
                        caught(f"{what} {pid}")
            except OSError:
                pass
    return 0
