"""The two readings of the table of system calls say the same, on both machines, of every call and every argument."""

import errno
import json
import struct
from collections.abc import Iterator

import pytest

from worker.sandbox import Role, seccomp
from worker.sandbox.calls import ALLOWED, ANSWERS, CONDITIONS, NEWEST, Look, Numbers

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
NAMES: dict[str, Numbers] = {
    name: numbers for one in (*ALLOWED, *ANSWERS, *CONDITIONS) for name, numbers in one.numbers().items()
}


def kernel(program: bytes, machine: int, number: int, arguments: tuple[int, ...]) -> int:
    """What the kernel would answer: the few instructions that a filter of ours is made of."""
    data = struct.pack("<IIQ6Q", number, machine, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("<HBBI", program))
    loaded = at = 0
    while True:
        code, if_so, if_not, value = steps[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", data, value)
            continue
        holds = {0x15: loaded == value, 0x25: loaded > value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
        at += if_so if holds else if_not


def engine(profile: str, name: str, arguments: tuple[int, ...]) -> int:
    """What an engine makes of the profile."""
    told = json.loads(profile)
    for rule in told["syscalls"]:
        if name in rule["names"] and all(_holds(one, arguments) for one in rule.get("args", ())):
            return ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else 0x50000 | rule["errnoRet"]
    return 0x50000 | errno.EPERM


def _holds(test: dict[str, int | str], arguments: tuple[int, ...]) -> bool:
    given, value = arguments[int(test["index"])], int(test["value"])
    if test["op"] == "SCMP_CMP_MASKED_EQ":
        return given & value == int(test["valueTwo"])
    return (given == value) is (test["op"] == "SCMP_CMP_EQ")


def tries(name: str) -> Iterator[tuple[int, ...]]:
    """Arguments to try: zeros, and for a call that is looked at each value, its neighbours and each single bit."""
    yield (0,) * 6
    for one in CONDITIONS:
        if name in one.numbers():
            values = {(value + step) & 0xFFFFFFFF for value in one.values for step in (-1, 0, 1)}
            for value in sorted({*values, *(1 << bit for bit in range(32))} - {1 << 32}):
                arguments = [7] * 6
                arguments[one.place] = value
                yield tuple(arguments)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("machine", MACHINES)
def test_kernel_and_engine_are_told_the_same(machine: str, role: Role) -> None:
    program, profile = seccomp.program(role, machine), seccomp.profile(role)
    known = {getattr(numbers, machine): name for name, numbers in NAMES.items()}
    looked = 0
    for number in range(NEWEST + 1):
        for arguments in tries(known.get(number, "")):
            told = kernel(program, MACHINES[machine], number, arguments)
            assert told == engine(profile, known.get(number, "unheard of"), arguments), (number, arguments)
            looked += 1
    assert looked > NEWEST + 100


@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines_and_newer_calls(machine: str) -> None:
    program = seccomp.program(Role.GUEST, machine)
    assert kernel(program, 0x40000003, 1, ()) == KILL  # x86's 32-bit calls
    for number in (NEWEST + 1, NEWEST + 100, 0x40000000, 0x40000001, 0xFFFFFFFF):
        assert kernel(program, MACHINES[machine], number, ()) == 0x50000 | errno.ENOSYS


def test_what_must_never_be_in_the_table() -> None:
    """A person who adds a call to make something work should meet this."""
    never = """ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd mount umount2 move_mount open_tree fsopen
        pivot_root chroot unshare setns bpf perf_event_open userfaultfd io_uring_setup io_uring_enter keyctl add_key
        request_key init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff syslog
        settimeofday clock_settime adjtimex personality memfd_create memfd_secret execveat splice vmsplice tee
        open_by_handle_at name_to_handle_at mknod mknodat quotactl sync syncfs mlock mlockall shmget msgget semget
        shmat shmctl msgsnd msgrcv msgctl semop semtimedop semctl mq_open mq_unlink mq_notify io_setup seccomp
        landlock_create_ruleset fanotify_init setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr
        sched_setaffinity migrate_pages move_pages mbind set_mempolicy"""
    passed = {name for group in ALLOWED for name in group.numbers()}
    assert passed & set(never.split()) == set()
    looked_at = {one.call.split()[0]: one for one in CONDITIONS}
    assert looked_at["clone"].test is Look.NO_BIT_OF
    assert (looked_at["prlimit64"].place, looked_at["prlimit64"].values) == (0, (0,))


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.program(Role.GUEST, "riscv64") == b""
