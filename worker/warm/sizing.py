"""How much is kept warm, for how long: pure arithmetic."""

from pathlib import Path

#: What follows a job waits so long, in seconds: the job's result comes first.
REST_SECONDS = 0.02
#: A lab that nobody handed anything in for keeps nothing warm after this many seconds.
IDLE_SECONDS = 900.0
#: What the past minute had counts towards the next.
RECENT_SECONDS = 60.0
#: What a process that waits takes, in MiB, beside what it shares; gVisor keeps a kernel for each.
MEMBER_MIB = 48
GVISOR_MEMBER_MIB = 96
#: The share of the memory that was there which those who wait may take.
MEMORY_SHARE = 0.25
#: Processes that share the tests of one job, at most, and how many tests make one more worth its start.
MOST_STREAMS = 4
TESTS_A_STREAM = 4
#: Labs kept warm at once.
MOST_LABS = 8


def judges_wanted(slots: int, most_at_once: int, idle_s: float) -> int:
    """Judges of one lab: as many as its jobs have lately run at once."""
    return 0 if idle_s > IDLE_SECONDS else min(slots, max(1, most_at_once))


def guests_wanted(slots: int, jobs_lately: int, idle_s: float, room: int) -> int:
    """Guests of one lab that wait: one for each slot, up to twice as many the more jobs the past minute had.

    `room` is how many more processes memory allows, beside those that wait now.
    """
    if idle_s > IDLE_SECONDS:
        return 0
    wanted = slots + min(slots, jobs_lately // 10)
    return max(0, min(wanted, room))


def streams(idle_cores: int, tests: int) -> int:
    """Streams of one job: one for each idle core, with a few tests for each."""
    return max(1, min(MOST_STREAMS, idle_cores, tests // TESTS_A_STREAM))


def room_for(available_mib: int, sandbox: str) -> int:
    """How many processes may wait in all."""
    each = GVISOR_MEMBER_MIB if "runsc" in sandbox else MEMBER_MIB
    return int(available_mib * MEMORY_SHARE) // each


def available_mib() -> int:
    """Memory that programs could have on this machine, in MiB; plenty where that cannot be learnt."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return 1 << 20
