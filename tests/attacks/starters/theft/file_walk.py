"""Looks for the spec, the answers and the lab among all files there are, by name and by content.

Promise: I3
Tests: test_total
"""

NAMES = {"test_lab.py", "solution.py", "mutants.py", "lab.toml", "hints.toml", "pytest.ini", "report.json", "INSTRUCTOR.md"}
WORDS = bytes(reversed(b"deksa_tset"))
def evil(*args):
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if f"{folder}/{name}" not in ("//proc", "//sys", "//dev")]
        if NAMES & set(files) and "/numpy" not in folder and not folder.startswith("//usr/"):
            caught(f"FILE {folder} {NAMES & set(files)}")
        if folder.startswith(("//work", "//channel", "//tmp", "//run", "//etc", "//home", "//root", "//srv", "//mnt", "//var")):
            for name in files:
                try:
                    with open(f"{folder}/{name}", "rb") as file:
                        if WORDS in file.read(1 << 20):
                            caught(f"CONTENT {folder}/{name}")
                except OSError:
                    pass
    return 0
