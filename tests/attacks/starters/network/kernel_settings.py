"""Writes the settings of the kernel and of its control groups.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for root in ("/proc/sys", "/sys/fs/cgroup", "/sys/kernel", "/proc/sysrq-trigger", "/proc/acpi", "/sys/power"):
        for folder, _, files in os.walk(root) if os.path.isdir(root) else [(os.path.dirname(root), [], [os.path.basename(root)])]:
            for name in files:
                try:
                    written(f"{folder}/{name}")
                except OSError:
                    continue
                caught(f"SETTING {folder}/{name}")
    return 0

def written(place):
    """What it holds, written back; some settings can be opened by everybody and refuse every word."""
    try:
        with open(place, "rb") as file:
            old = file.read(4096)
    except OSError:
        old = b"0"
    setting = os.open(place, os.O_WRONLY)
    try:
        os.write(setting, old)
    finally:
        os.close(setting)
