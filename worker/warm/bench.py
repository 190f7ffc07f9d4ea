"""One lab's bench: a cell with the judges and guests that wait for its jobs."""

import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import replace

from grader.domain.run import Assignment
from worker import roles
from worker.bundle import ARGV
from worker.guests import Guest
from worker.sandbox import OutputTooLarge, Role, Running, Sandbox, SandboxError
from worker.warm import sizing
from worker.warm.cores import Cores
from worker.warm.judge import FREE_SECONDS, Judge

#: What a judge may need to import all, read the spec and be free; seconds.
START_SECONDS = 30.0
#: How long a job waits for a judge that has ended another one, before it starts one of its own; seconds.
RETURN_SECONDS = 1.0
#: Tests whose times are remembered; a spec may name its tests anew for each job.
MOST_KNOWN = 2_000
#: After a start that failed, seconds until the next.
RETRY_SECONDS = 60.0


class Bench:
    """Safe to use from many threads; `tend` and `close` are one thread's. Nothing is handed out twice."""

    def __init__(self, assignment: Assignment, sandbox: Sandbox, slots: int, cores: Cores) -> None:
        """An empty one. Raises SandboxError."""
        self._slots = slots
        self._cores = cores
        tests = len(assignment.lab.tests)
        self._streams = sizing.streams(cores.count, tests) if roles.may_split(assignment.lab) else 1
        self._judge_limits = replace(roles.WARM_JUDGE_LIMITS, cpus=float(self._streams))
        self._judge_bundle = roles.warm_judge(assignment, self._streams)
        self._guest_bundle = roles.guest_bundle(assignment)
        self._guest_limits = roles.guest_limits(assignment)
        self._held = ExitStack()
        self._cell = self._held.enter_context(sandbox.cell())
        self._retry_at = 0.0
        self._took: dict[str, float] = {}
        self._lock = threading.Condition()
        self._free: list[Judge] = []
        self._guests: list[Guest] = []
        self._judges = 0
        self._jobs: deque[float] = deque()
        self._at_once = self._most_at_once = 0
        self._last = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether somebody uses it."""
        return self._at_once > 0

    @property
    def last(self) -> float:
        """When it was last used (time.monotonic)."""
        return self._last

    @property
    def waiting(self) -> tuple[int, int]:
        """Judges and guests that wait."""
        return len(self._free), len(self._guests)

    @property
    def members(self) -> int:
        """What waits, as memory counts it: a judge is there itself, and once more for each stream of a job."""
        return len(self._free) * (1 + self._streams) + len(self._guests)

    def enter(self) -> None:
        """A job has come."""
        with self._lock:
            self._last = time.monotonic()
            self._jobs.append(self._last)
            self._at_once += 1
            self._most_at_once = max(self._most_at_once, self._at_once)

    def leave(self) -> None:
        """It has ended."""
        with self._lock:
            self._last = time.monotonic()
            self._at_once -= 1

    def take_judge(self) -> Judge | None:
        """One that is free, or is about to be: where judges outnumber jobs, one is on its way back from the last."""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._free or self._judges < self._at_once, RETURN_SECONDS)
                if not self._free:
                    return None
                judge = self._free.pop()
            if judge.is_alive():
                return judge
            self.dismiss(judge)

    def put_back(self, judge: Judge) -> None:
        """It has done its job; it waits again once it is free, and is replaced where it is not or has done enough."""
        if judge.may_go_on() and judge.is_free(FREE_SECONDS):
            with self._lock:
                self._free.append(judge)
                self._lock.notify()
        else:
            self.dismiss(judge)

    def dismiss(self, judge: Judge) -> None:
        """It is of no more use."""
        with self._lock:
            self._judges -= 1
            self._lock.notify_all()
        judge.close()

    def take_guest(self, *, background: bool = False) -> Guest:
        """One that waited, or a fresh one: to be fed its order. Raises SandboxError.

        Better a fresh one on a core where fewer work than one that waited beside them.
        """
        while True:
            with self._lock:
                core = self._cores.enter(self._cores_waiting(background=background), background=background)
                fitting = (one for one in self._guests if (one.core, one.background) == (core, background))
                guest = next(fitting, None)
                if guest is not None:
                    self._guests.remove(guest)
            if guest is None:
                try:
                    return self._start_guest(core, background)
                except SandboxError:
                    self._cores.leave(core, background=background)
                    raise
            if _waits(guest.running):
                return guest
            self.leave_core(guest)
            guest.running.close()

    def streams(self, assignment: Assignment) -> int:
        """In how many streams a job's tests may run now: one for each idle core that a guest waits for."""
        with self._lock:
            waiting = len(self._cores_waiting(background=True))
        tests = assignment.tests or assignment.lab.tests
        return sizing.streams(min(self._cores.idle, 1 + waiting), len(tests))

    def learn(self, test: str, seconds: float) -> None:
        """A test of some job took so long to pass."""
        with self._lock:
            if test in self._took or len(self._took) < MOST_KNOWN:
                self._took[test] = seconds

    def took(self) -> dict[str, float]:
        """How long tests took when they last passed: those that take long are begun first."""
        with self._lock:
            return dict(self._took)

    def leave_core(self, guest: Guest) -> None:
        """A guest that was taken works no more."""
        self._cores.leave(guest.core, background=guest.background)

    def tend(self, room: int) -> None:
        """Start what is missing, end what is too much. `room`: how many guests may wait here.

        Raises SandboxError; nothing is tried again for a while then, and jobs start what they need themselves.
        """
        judges, guests, behind = self._wanted(room)
        while len(self._guests) > guests + behind:
            with self._lock:
                spare = self._guests.pop() if self._guests else None
            if spare is not None:
                spare.running.close()
        if time.monotonic() < self._retry_at:
            return
        try:
            while self._judges < judges:
                self._add_judge()
            for background, wanted in ((False, guests), (True, behind)):
                while len(self._cores_waiting(background=background)) < wanted:
                    core = self._cores.for_waiting(self._cores_waiting(background=background), background=background)
                    guest = self._start_guest(core, background)
                    if background and not _is_ready(guest.running):
                        guest.running.close()
                        return
                    with self._lock:
                        self._guests.append(guest)
        except SandboxError:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            raise

    def _wanted(self, room: int) -> tuple[int, int, int]:
        now = time.monotonic()
        with self._lock:
            while self._jobs and self._jobs[0] < now - sizing.RECENT_SECONDS:
                self._jobs.popleft()
            if not self._jobs:
                self._most_at_once = self._at_once
            idle = 0.0 if self._at_once else now - self._last
            judges = sizing.judges_wanted(self._slots, self._most_at_once, idle)
            guests = sizing.guests_wanted(self._slots, len(self._jobs), idle, room)
            return judges, guests, min(self._streams - 1, room - guests) if guests else 0

    def close(self) -> None:
        """End all of it. Raises SandboxError."""
        self._held.close()

    def _add_judge(self) -> None:
        running = self._cell.start(Role.JUDGE, ARGV, self._judge_bundle, self._judge_limits, more=True)
        judge = Judge(running)
        if judge.is_free(START_SECONDS):
            with self._lock:
                self._judges += 1
                self._free.append(judge)
                self._lock.notify()
            return
        tail = judge.stderr_tail().strip()
        judge.close()
        raise SandboxError(f"a judge did not become ready ahead of its jobs\n{tail}".strip(), "grader doctor")

    def _start_guest(self, core: int | None, background: bool) -> Guest:
        limits = replace(self._guest_limits, core=core, background=background)
        running = self._cell.start(Role.GUEST, ARGV, self._guest_bundle, limits, more=True)
        return Guest(running, core, background)

    def _cores_waiting(self, *, background: bool) -> list[int | None]:
        return [guest.core for guest in self._guests if guest.background == background]


def _is_ready(guest: Running) -> bool:
    """Whether it says that it is; one that would keep its job waiting is no help to it."""
    try:
        return guest.read_line(START_SECONDS) is not None
    except (TimeoutError, OutputTooLarge):
        return False


def _waits(guest: Running) -> bool:
    """Whether it is there: ready, or nearly so."""
    try:
        while guest.read_line(0) is not None:
            pass
    except TimeoutError:
        return True
    except OutputTooLarge:
        return False
    return False
