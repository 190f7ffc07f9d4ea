"""What judge and guests of an assignment are started with: their code, their orders, their limits."""

from typing import Any

from grader.domain.lab import Lab
from grader.domain.run import Assignment
from worker.bundle import harness_files, order, pack, under, with_code
from worker.limits import MIB, Limits

JUDGE_LIMITS = Limits(memory_mib=1024, scratch_mib=128, processes=64, cpu_seconds=1800)
#: A judge of many jobs is bounded in each of them by what its worker counts (`worker.warm.judge`).
WARM_JUDGE_LIMITS = Limits(
    memory_mib=1024, scratch_mib=128, processes=64, cpu_seconds=1800, output_bytes=2 * JUDGE_LIMITS.output_bytes + MIB
)
#: The interpreter and numpy, before the submission's own memory.
GUEST_BASE_MIB = 192
#: The zygote, and threads a numerical library may start.
GUEST_BASE_PROCESSES = 8


def judge_files(assignment: Assignment) -> dict[str, bytes]:
    """The course and our own code, as the judge finds them."""
    return {
        **with_code({**harness_files(), **under("course", _labkit(assignment))}),
        **under("course", assignment.bundle),
    }


def _labkit(assignment: Assignment) -> dict[str, bytes]:
    return {path: data for path, data in assignment.bundle.items() if path.startswith("labkit/")}


def judge_job(assignment: Assignment) -> dict[str, Any]:
    """What a judge is told of its job, but for how it meets its guests."""
    return {
        "lab": assignment.lab_path,
        "spec": assignment.lab.spec,
        "seed": assignment.seed,
        "tests": list(assignment.tests) if assignment.tests else None,
        "listed": list(assignment.tests or (test.name for test in assignment.lab.tests)),
        "run_seconds": assignment.lab.limits.run_seconds,
        "measured": assignment.lab.measured,
        "history": {
            file: [{"at": one.at, "text": one.text} for one in versions]
            for file, versions in assignment.history.items()
        },
    }


def may_split(lab: Lab) -> bool:
    """Whether a job's tests may run side by side: an engine answers one process, and each question once."""
    return lab.independent and not lab.measured


def warm_judge(assignment: Assignment, streams: int) -> bytes:
    """The bundle of a judge for many jobs of this assignment's spec, each in so many streams at most."""
    job = {"lab": assignment.lab_path, "spec": assignment.lab.spec, "streams": streams}
    return pack("worker.harness.warm", job, judge_files(assignment))


def guest_bundle(assignment: Assignment) -> bytes:
    """The bundle of any guest of this assignment's spec: it holds nothing of a submission, a spec or a job."""
    return pack("worker.harness.guest", {}, with_code({**harness_files(), **under("course", _labkit(assignment))}))


def guest_order(assignment: Assignment, socket: str, token: str) -> bytes:
    """What makes such a guest this assignment's."""
    job = {
        "socket": socket,
        "token": token,
        "memory_mib": assignment.lab.limits.memory_mib,
        "main": assignment.lab.submission[0],
    }
    return order(job, assignment.submission.files)


def guest_limits(assignment: Assignment) -> Limits:
    """What the zygote and all children of it may use."""
    limits = assignment.lab.limits
    return Limits(
        memory_mib=limits.memory_mib + GUEST_BASE_MIB,
        scratch_mib=limits.scratch_mib,
        processes=limits.processes + GUEST_BASE_PROCESSES,
        cpu_seconds=int(limits.run_seconds) + 30,
    )


def joined_limits(assignment: Assignment) -> Limits:
    """What spec and submission in one process may use."""
    limits = assignment.lab.limits
    return Limits(
        memory_mib=limits.memory_mib + 2 * GUEST_BASE_MIB,
        scratch_mib=limits.scratch_mib + 16,
        processes=limits.processes + GUEST_BASE_PROCESSES,
        cpu_seconds=int(limits.run_seconds) + 30,
    )
