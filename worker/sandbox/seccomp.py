"""The table of system calls (`calls`) as the kernel and as a Docker engine read it.

bubblewrap takes a classic-BPF program, an engine a JSON profile. Both say the same of every call in the table; the
engine's own runtime adds that a call newer than all it knows does not exist, which the program says by itself.
"""

import errno
import json
import os
import platform
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

from worker.sandbox import Role
from worker.sandbox.calls import ANSWERS, CONDITIONS, NEWEST, Condition, Look, allowed

# machine -> what the kernel calls it
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# struct seccomp_data: number, machine, instruction (8 bytes), arguments (8 bytes each, little endian)
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


@cache
def program(role: Role, machine: str = "") -> bytes:
    """The filter for `role` on that machine (this one by default); empty where we know no numbers for it."""
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        return b""
    # another machine's calls have other numbers: x86's 32-bit ones, which nothing here makes
    steps = [_step(_LOAD, _MACHINE), _step(_EQUAL, _MACHINES[machine], 1, 0), _step(_RETURN, _KILL)]
    steps += [_step(_LOAD, _NUMBER), _step(_ABOVE, NEWEST, 0, 1), _error(errno.ENOSYS)]
    for number in _numbers(allowed(role), machine):
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ALLOW)]
    for answer in ANSWERS:
        for number in _numbers(answer.numbers(), machine):
            steps += [_step(_EQUAL, number, 0, 1), _error(answer.code)]
    for condition in CONDITIONS:
        for number in _numbers(condition.numbers(), machine):
            looked = _looked_at(condition)
            steps += [_step(_EQUAL, number, 0, len(looked)), *looked]
    return b"".join([*steps, _error(errno.EPERM)])


def profile(role: Role) -> str:
    """The same for a Docker engine, which looks the names up for its own machine."""
    rules = [_rule(sorted(allowed(role)), "SCMP_ACT_ALLOW")]
    rules += [_rule(sorted(answer.numbers()), "SCMP_ACT_ERRNO", errnoRet=answer.code) for answer in ANSWERS]
    rules += [rule for condition in CONDITIONS for rule in _rules(condition)]
    machines = [{"architecture": f"SCMP_ARCH_{name.upper()}", "subArchitectures": []} for name in _MACHINES]
    return json.dumps({"defaultAction": "SCMP_ACT_ERRNO", "archMap": machines, "syscalls": rules})


def open_program(role: Role) -> int | None:
    """A descriptor to read the program from, the caller's to close; None where there is none."""
    if not program(role):
        return None
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, program(role))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _numbers(calls: Any, machine: str) -> Iterator[int]:
    for numbers in calls.values():
        number = getattr(numbers, machine)
        if number is not None:
            yield number


def _looked_at(condition: Condition) -> list[bytes]:
    """Ends in an answer, whatever the argument."""
    load, otherwise = _step(_LOAD, _ARGUMENTS + 8 * condition.place), _error(condition.refusal)
    if condition.test is Look.NO_BIT_OF:
        (bits,) = condition.values
        return [load, _step(_ANY_BIT, bits, 0, 1), otherwise, _step(_RETURN, _ALLOW)]
    count = len(condition.values)
    hits = [_step(_EQUAL, value, count - place, 0) for place, value in enumerate(condition.values)]
    return [load, *hits, otherwise, _step(_RETURN, _ALLOW)]


def _rules(condition: Condition) -> Iterator[dict[str, Any]]:
    """One rule per value. "Not that value" can be said of one value alone; of several, EPERM is said by the default."""
    names, place = list(condition.numbers()), condition.place
    for value in condition.values:
        if condition.test is Look.NO_BIT_OF:
            argument = {"index": place, "op": "SCMP_CMP_MASKED_EQ", "value": value, "valueTwo": 0}
        else:
            argument = {"index": place, "op": "SCMP_CMP_EQ", "value": value}
        yield _rule(names, "SCMP_ACT_ALLOW", args=[argument])
    if condition.refusal != errno.EPERM:
        (value,) = condition.values
        unequal = {"index": place, "op": "SCMP_CMP_NE", "value": value}
        yield _rule(names, "SCMP_ACT_ERRNO", args=[unequal], errnoRet=condition.refusal)


def _rule(names: list[str], action: str, **more: Any) -> dict[str, Any]:
    return {"names": names, "action": action, **more}


def _error(code: int) -> bytes:
    return _step(_RETURN, _ERROR | code)


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; jumps count the instructions to skip."""
    return struct.pack("<HBBI", code, if_so, if_not, value)
