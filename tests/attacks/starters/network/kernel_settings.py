"""Writes the settings of the kernel and of its control groups.

Promise: C2
Tests: test_total
"""

def evil(*args):
    for root in ("/proc/sys", "/sys/fs/cgroup", "/sys/kernel", "/proc/sysrq-trigger", "/proc/acpi", "/sys/power"):
        for folder, _, files in os.walk(root) if os.path.isdir(root) else [(os.path.dirname(root), [], [os.path.basename(root)])]:
            for name in files:
                try:
                    os.close(os.open(f"{folder}/{name}", os.O_WRONLY))
                except OSError:
                    continue
                caught(f"SETTING {folder}/{name}")
    return 0
