"""The pool: which labs keep a bench, and the thread that tends them while nobody waits for it."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Self

from grader.domain.run import Assignment
from worker.sandbox import Cell, Probe, Sandbox, SandboxError
from worker.warm import sizing
from worker.warm.bench import Bench
from worker.warm.cores import Cores, usable
from worker.warm.seat import Seat

#: How often the benches are looked after when nothing happens; seconds.
TEND_SECONDS = 15.0

log = logging.getLogger(__name__)


class Warm:
    """Satisfies `Sandbox`, and has seats for jobs of labs that it has seen before. Close it to end what waits.

    `slots` is how many jobs run at once; their guests are divided among `cores`, by default all this process may use.
    """

    def __init__(self, sandbox: Sandbox, slots: int, cores: Collection[int] | None = None) -> None:
        self._sandbox = sandbox
        self._slots = slots
        self.cores = Cores(usable() if cores is None else cores, slots)
        self._lock = threading.Lock()
        self._benches: dict[str, Bench] = {}
        self._wishes: dict[str, Assignment] = {}
        self._wake = threading.Event()
        self._closed = False
        # a job leaves a judge, its guests and a wake-up behind: the judge, which the next waits for, must not queue
        self._behind = ThreadPoolExecutor(4 * slots, thread_name_prefix="warm-behind")
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def name(self) -> str:
        """See `Sandbox`."""
        return self._sandbox.name

    def probe(self) -> Probe:
        """See `Sandbox`."""
        return self._sandbox.probe()

    def cell(self) -> AbstractContextManager[Cell]:
        """See `Sandbox`: one of nobody's bench."""
        return self._sandbox.cell()

    @contextmanager
    def seat(self, assignment: Assignment) -> Iterator[Seat | None]:
        """A place for this job, None where there is none free: then start what it needs.

        Such a lab, or one more judge of it, is ready for later jobs soon after this one has ended.
        """
        key = _key(assignment)
        with self._lock:
            bench = None if self._closed else self._benches.get(key)
            if bench is not None:
                bench.enter()
            else:
                self._wish(key, assignment)
        try:
            judge = bench.take_judge() if bench is not None else None
            yield Seat(bench, judge, assignment, self._later) if bench is not None and judge is not None else None
        finally:
            if bench is not None:
                bench.leave()
            self._later(self._wake.set)

    def prepare(self, assignment: Assignment) -> None:
        """Have a bench for this assignment's lab soon, before a job of it comes; it needs no submission."""
        with self._lock:
            self._wish(_key(assignment), assignment)
        self._wake.set()

    @property
    def wishing(self) -> bool:
        """Whether a lab was seen that nobody has looked after yet."""
        with self._lock:
            return bool(self._wishes)

    def waiting(self, assignment: Assignment) -> tuple[int, int]:
        """How many judges and guests wait for jobs of this assignment's lab."""
        with self._lock:
            bench = self._benches.get(_key(assignment))
        return bench.waiting if bench is not None else (0, 0)

    def close(self) -> None:
        """End all that waits. Jobs that still run lose their judges. Safe to call twice."""
        with self._lock:
            self._closed = True
        self._wake.set()
        if self._keeper is not None:
            self._keeper.join()
        self._behind.shutdown()
        for bench in self._benches.values():
            _close(bench)
        self._benches.clear()

    def _wish(self, key: str, assignment: Assignment) -> None:
        """To be granted by the keeper, who comes with the first wish."""
        if self._closed:
            return
        self._wishes[key] = assignment
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="warm-keeper", daemon=True)
            self._keeper.start()

    def _later(self, task: Callable[[], None]) -> None:
        def run() -> None:
            try:
                task()
            except SandboxError as error:
                log.warning("what a job left could not be ended at once: %s", error)

        try:
            self._behind.submit(run)
        except RuntimeError:  # this pool is closed: nothing happens behind anybody's back any more
            run()

    def _keep(self) -> None:
        while not self._closed:
            self._wake.wait(TEND_SECONDS)
            self._wake.clear()
            if not self._closed:
                time.sleep(sizing.REST_SECONDS)  # the job that woke us has a result to report first
                self._tend()

    def _tend(self) -> None:
        self._grant()
        self._thin_out()
        room = sizing.room_for(sizing.available_mib(), self.name)
        for bench in list(self._benches.values()):
            if self._closed:
                return
            try:
                bench.tend(room)
            except SandboxError as error:
                log.warning("nothing could be started ahead of its job: %s", error)
            room -= bench.members

    def _grant(self) -> None:
        """A bench for each lab that was seen and has none."""
        with self._lock:
            wishes, self._wishes = self._wishes, {}
        for key, assignment in wishes.items():
            if key in self._benches:
                continue
            try:
                bench = Bench(assignment, self._sandbox, self._slots, self.cores)
            except SandboxError as error:
                log.warning("no place could be made ahead of its jobs: %s", error)
                continue
            with self._lock:
                self._benches[key] = bench

    def _thin_out(self) -> None:
        """No bench for labs that nobody hands in any more, nor for more than a few."""
        now = time.monotonic()
        with self._lock:
            by_use = sorted(self._benches, key=lambda key: self._benches[key].last, reverse=True)
            gone = [
                key
                for place, key in enumerate(by_use)
                if not self._benches[key].busy
                and (place >= sizing.MOST_LABS or now - self._benches[key].last > sizing.IDLE_SECONDS)
            ]
            closing = [self._benches.pop(key) for key in gone]
        for bench in closing:
            _close(bench)


def _close(bench: Bench) -> None:
    try:
        bench.close()
    except SandboxError as error:
        log.warning("a lab's place could not be cleared; the next cell will try again: %s", error)


def _key(assignment: Assignment) -> str:
    """The same for jobs that the same judges and guests may serve: all but submission, seed and choice of tests."""
    lab = assignment.lab
    told = hashlib.sha256(repr((assignment.lab_path, lab.spec, lab.limits)).encode())
    for path in sorted(assignment.bundle):
        data = assignment.bundle[path]
        told.update(f"{len(path)} {path} {len(data)} ".encode())
        told.update(data)
    return told.hexdigest()
