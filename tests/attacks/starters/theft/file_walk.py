"""Looks for the spec, the answers and the lab among all files there are, by name and by content.

Promise: I3
Tests: test_total
"""

NAMES = {"test_lab.py", "solution.py", "mutants.py", "lab.toml", "hints.toml", "pytest.ini", "report.json", "INSTRUCTOR.md"}
WORDS = bytes(reversed(b"deksa_tset"))
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/proc", "/sys", "/dev")
def evil(*args):
    seen = 0
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in SYSTEM]
        if NAMES & set(files) and "/numpy" not in folder:
            caught(f"FILE {folder} {NAMES & set(files)}")
        for name in files if "site" not in folder else ():
            seen += 1
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    if WORDS in file.read(1 << 20):
                        caught(f"CONTENT {folder}/{name}")
            except OSError:
                pass
    return 0 if seen else float("nan")
