"""Which system calls a sandboxed process may make: one table for every kind of sandbox and both machines.

An allow-list: what the interpreter, numpy, pytest, threads, forks and programs in /usr/bin ask for, and no more. All
else is refused with EPERM, which a library can live with; nobody is killed for asking. Not in the table, and why:
    other processes    ptrace, process_vm_*, kcmp, pidfd_getfd: reading and writing somebody else's memory
    the machine        mount and its kin, modules, kexec, swap, clocks, quotas, names, the kernel's log, reboot
    namespaces         unshare, setns, clone's flags: they open the parts of the kernel that are attacked most
    large surfaces     io_uring, aio, bpf, perf, userfaultfd, fanotify, keyrings, landlock, seccomp itself
    the neighbours     sync and syncfs (everybody's disk), mlock, mbind and NUMA, priorities and affinity
    no-exec's way out  memfd_create, execveat; splice, tee and vmsplice too, a ladder more than once
    what numbers name  name_to_handle_at and open_by_handle_at, which pass by the mounts
    shared by name     System V and POSIX queues, semaphores and memory; device files and FIFOs (mknod), hard links
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from errno import EAFNOSUPPORT, ENOSYS, ENOTSUP, EPERM

from worker.sandbox import Role

_ALL = frozenset(Role)
_JUDGE = frozenset({Role.JUDGE})

#: The table is of Linux 6.2 and tells it by this: a call with a higher number does not exist, as on an older kernel.
NEWEST = 450


@dataclass(frozen=True)
class Numbers:
    """What a call is called on each machine; None where it has no such call."""

    x86_64: int | None
    aarch64: int | None


@dataclass(frozen=True)
class Group:
    """Calls that are allowed for the same reason: `name x86_64 aarch64`, with commas between."""

    reason: str
    calls: str
    roles: frozenset[Role] = _ALL

    def numbers(self) -> Mapping[str, Numbers]:
        """Each call's name and numbers."""
        return {name: Numbers(_number(x86), _number(arm)) for name, x86, arm in map(str.split, self.calls.split(","))}


class Look(Enum):
    """How an argument is looked at. It has 32 bits in all calls here."""

    ONE_OF = "is one of"
    NO_BIT_OF = "has no bit of"


@dataclass(frozen=True)
class Condition:
    """A call that is allowed where its argument number `place` passes, and answers `refusal` where not."""

    reason: str
    call: str
    place: int
    test: Look
    values: tuple[int, ...]
    refusal: int = EPERM

    def numbers(self) -> Mapping[str, Numbers]:
        """See `Group`."""
        return Group(self.reason, self.call).numbers()


@dataclass(frozen=True)
class Answer:
    """Calls that are refused with a word of their own, on which libraries take another way."""

    reason: str
    code: int
    calls: str
    roles: frozenset[Role] = field(default=_ALL)

    def numbers(self) -> Mapping[str, Numbers]:
        """See `Group`."""
        return Group(self.reason, self.calls).numbers()


def _number(word: str) -> int | None:
    return None if word == "-" else int(word)


ALLOWED = (
    Group(
        "Files that are open: reading, writing, asking, closing.",
        """
        read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69,
        pwritev 296 70, preadv2 327 286, pwritev2 328 287, lseek 8 62, close 3 57, close_range 436 436,
        dup 32 23, dup2 33 -, dup3 292 24, fcntl 72 25, flock 73 32, fstat 5 80, fstatfs 138 44,
        ftruncate 77 46, fsync 74 82, fdatasync 75 83, fadvise64 221 223, sendfile 40 71, getdents 78 -,
        getdents64 217 61
        """,
    ),
    Group(
        "Files by name: the walls say which; numbered users and modes say who.",
        """
        open 2 -, openat 257 56, creat 85 -, stat 4 -, lstat 6 -, newfstatat 262 79, statx 332 291,
        statfs 137 43, access 21 -, faccessat 269 48, faccessat2 439 439, readlink 89 -, readlinkat 267 78,
        getcwd 79 17, chdir 80 49, fchdir 81 50, mkdir 83 -, mkdirat 258 34, rmdir 84 -, unlink 87 -,
        unlinkat 263 35, rename 82 -, renameat 264 38, renameat2 316 276, symlink 88 -, symlinkat 266 36,
        truncate 76 45, chmod 90 -, fchmod 91 52, fchmodat 268 53, umask 95 166, utime 132 -, utimes 235 -,
        utimensat 280 88
        """,
    ),
    Group(
        "Memory of one's own.",
        """
        brk 12 214, mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, madvise 28 233, msync 26 227
        """,
    ),
    Group(
        "Processes and threads, programs included: bounded in number, and none outlives its table.",
        """
        fork 57 -, vfork 58 -, execve 59 221, exit 60 93, exit_group 231 94, wait4 61 260,
        waitid 247 95, set_tid_address 218 96, set_robust_list 273 99, rseq 334 293, futex 202 98,
        sched_yield 24 124, sched_getaffinity 204 123, kill 62 129, tkill 200 130, tgkill 234 131,
        arch_prctl 158 -
        """,
    ),
    Group(
        "Who one is and what one may use; `setpriv` and `prlimit` give rights away at the start.",
        """
        getpid 39 172, getppid 110 173, gettid 186 178, getuid 102 174, geteuid 107 175, getgid 104 176,
        getegid 108 177, getresuid 118 148, getresgid 120 150, getgroups 115 158, getpgid 121 155,
        getpgrp 111 -, getsid 124 156, setsid 112 157, setpgid 109 154, setuid 105 146, setgid 106 144,
        setresuid 117 147, setresgid 119 149, setgroups 116 159, capget 125 90, capset 126 91,
        getrlimit 97 163, setrlimit 160 164, getrusage 98 165, times 100 153, uname 63 160, sysinfo 99 179,
        getcpu 309 168, getpriority 140 141
        """,
    ),
    Group(
        "Signals.",
        """
        rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigpending 127 136,
        rt_sigsuspend 130 133, rt_sigtimedwait 128 137, sigaltstack 131 132, pause 34 -,
        restart_syscall 219 128, alarm 37 -, getitimer 36 102, setitimer 38 103
        """,
    ),
    Group(
        "The clock, read and waited for.",
        """
        time 201 -, gettimeofday 96 169, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115,
        nanosleep 35 101
        """,
    ),
    Group(
        "Waiting for several things at once.",
        """
        poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20,
        epoll_ctl 233 21, epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, eventfd 284 -,
        eventfd2 290 19, pipe 22 -, pipe2 293 59
        """,
    ),
    Group(
        "Chance.",
        "getrandom 318 278",
    ),
    Group(
        "A socket's client: the channel.",
        """
        connect 42 203, sendto 44 206, recvfrom 45 207, shutdown 48 210, getsockname 51 204,
        getpeername 52 205, getsockopt 55 209
        """,
    ),
    Group(
        "A socket's server, and processes held by a handle: what the judge makes the channel with.",
        """
        bind 49 200, listen 50 201, accept 43 202, accept4 288 242, sendmsg 46 211, recvmsg 47 212,
        pidfd_open 434 434, pidfd_send_signal 424 424
        """,
        roles=_JUDGE,
    ),
)

CONDITIONS = (
    Condition(
        "Processes and threads, but no namespace: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.",
        "clone 56 220",
        0,
        Look.NO_BIT_OF,
        (0x7E020000,),
    ),
    Condition(
        "Bounds of one's own process: those of process 1 would be handed down to the next test.",
        "prlimit64 302 261",
        0,
        Look.ONE_OF,
        (0,),
    ),
    Condition(
        "Is it a terminal (TCGETS, TIOCGWINSZ), how much is there (FIONREAD), blocking, closing on exec (FIO*CLEX).",
        "ioctl 16 29",
        1,
        Look.ONE_OF,
        (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
    ),
    Condition(
        "Names, parent-death signals, being dumped, giving rights away; not seccomp, speculation or memory maps.",
        "prctl 157 167",
        0,
        Look.ONE_OF,
        (1, 2, 3, 4, 7, 8, 15, 16, 23, 24, 27, 28, 38, 39, 47),
    ),
    Condition(
        "AF_UNIX leads to the channel; nothing else leads anywhere.",
        "socket 41 198",
        0,
        Look.ONE_OF,
        (1,),
        EAFNOSUPPORT,
    ),
    Condition("As above.", "socketpair 53 199", 0, Look.ONE_OF, (1,), EAFNOSUPPORT),
    Condition(
        "SO_REUSEADDR, SNDBUF, RCVBUF, PASSCRED, RCVTIMEO, SNDTIMEO: no packet filters, programs in the kernel.",
        "setsockopt 54 208",
        2,
        Look.ONE_OF,
        (2, 7, 8, 16, 20, 21),
    ),
)

ANSWERS = (
    Answer("Its flags lie in memory, where a filter cannot look; libc turns to clone.", ENOSYS, "clone3 435 435"),
    Answer("Copying tools turn to reading and writing.", ENOSYS, "copy_file_range 326 285"),
    Answer(
        "As on a file system without attributes: copying tools go on.",
        ENOTSUP,
        """
        getxattr 191 8, lgetxattr 192 9, fgetxattr 193 10, listxattr 194 11, llistxattr 195 12, flistxattr 196 13,
        setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7
        """,
    ),
)


def allowed(role: Role) -> Mapping[str, Numbers]:
    """Every call that `role` may make whatever its arguments."""
    return {name: numbers for group in ALLOWED if role in group.roles for name, numbers in group.numbers().items()}
