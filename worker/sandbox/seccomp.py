"""System calls a bubblewrapped process does without, as a classic-BPF program for the kernel.

What is refused either changes the machine (mounts, modules, clocks), looks into others (ptrace, process_vm, keyrings),
makes namespaces, or is a large and often broken surface no lab needs (io_uring, bpf, perf, userfaultfd). A deny-list,
because the interpreter and numpy should not break with every new libc; Docker's own allow-list serves for containers.
"""

import errno
import os
import platform
import struct
from functools import cache

# name: (x86_64, aarch64); None where that machine has no such call
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
_CLONE, _CLONE3, _SOCKET = (56, 220), (435, 435), (41, 198)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6; the last two lead nowhere but libraries ask for them
_OTHER_CALLS = 0x40000000  # x86's 32-bit pointers: the same calls under other numbers

# struct seccomp_data: number, machine, instruction (8 bytes), arguments (8 bytes each, little endian)
_NUMBER, _MACHINE, _ARGUMENT = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


@cache
def program() -> bytes:
    """The filter for this machine; empty where we know no numbers for it."""
    if platform.machine() not in _MACHINES:
        return b""
    column, machine = _MACHINES[platform.machine()]
    refuse = _step(_RETURN, _ERROR | errno.EPERM)
    steps = [_step(_LOAD, _MACHINE), _step(_EQUAL, machine, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _NUMBER)]
    steps += [_step(_AT_LEAST, _OTHER_CALLS, 0, 1), refuse]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            steps += [_step(_EQUAL, number, 0, 1), refuse]
    # its flags lie in memory, where a filter cannot look; told it does not exist, libc turns to clone
    steps += [_step(_EQUAL, _CLONE3[column], 0, 1), _step(_RETURN, _ERROR | errno.ENOSYS)]
    clone = [_step(_LOAD, _ARGUMENT), _step(_ANY_BIT, _NAMESPACE_FLAGS, 0, 1), refuse, _step(_RETURN, _ALLOW)]
    steps += [_step(_EQUAL, _CLONE[column], 0, len(clone)), *clone]
    families = [_step(_EQUAL, family, len(_FAMILIES) - place, 0) for place, family in enumerate(_FAMILIES)]
    socket = [_step(_LOAD, _ARGUMENT), *families, _step(_RETURN, _ERROR | errno.EAFNOSUPPORT)]
    steps += [_step(_EQUAL, _SOCKET[column], 0, len(socket)), *socket, _step(_RETURN, _ALLOW)]
    return b"".join(steps)


def open_program() -> int | None:
    """A descriptor to read the program from, the caller's to close; None where there is none."""
    if not program():
        return None
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, program())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; jumps count the instructions to skip."""
    return struct.pack("<HBBI", code, if_so, if_not, value)
