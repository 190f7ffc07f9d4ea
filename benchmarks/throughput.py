"""How many submissions a minute one machine grades, what each costs, and what waiting sandboxes take of its memory."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.busy import QUIET, Meter, below, contained, names_of, processes, pss_mib, settle
from benchmarks.course import Lab, MeasuredCourse
from benchmarks.latency import obstacle
from benchmarks.peers import Peer
from benchmarks.rounds import FAILURES, answer_of
from benchmarks.services import Measured

CORES = os.cpu_count() or 1
#: So many are handed in at once to each; a service has as many slots as there are cores.
SUBMISSIONS = {"bubblewrap": 60, "docker": 40, "docker+runsc": 16, "otter grade (container)": 8}
OTHERWISE = 24
#: So many times fewer are handed in once more while the memory is watched.
WATCHED_SHARE = 4
_AT_ONCE = 8
_SAMPLE_S = 0.4
_IDLE_S = 2.0
#: Other answers than those of the rounds.
_FIRST = 5000


class Sandboxes:
    """The processes that run or wait to run strangers' code for a service, and what they take."""

    def __init__(self) -> None:
        """Made before the service starts: containers that are there already are somebody else's."""
        self._before = contained()
        self._peak = 0.0
        self._over = threading.Event()

    def now(self, programs: list[int]) -> set[int]:
        """Their process ids."""
        parents = processes()
        started = set[int]().union(*(below(program, parents) for program in programs))
        return (started - set(programs)) | (contained() - self._before)

    def count(self, programs: list[int]) -> int:
        """How many there are: containers, or bubblewraps that no other one started."""
        found, parents = self.now(programs), processes()
        names = names_of(found)
        shims = sum(name.startswith("containerd-shim") for name in names.values())
        wraps = {pid for pid, name in names.items() if name == "bwrap"}
        return shims or sum(parents.get(pid) not in wraps for pid in wraps)

    def watched(self, programs: list[int]) -> "threading.Thread":
        """Starts to look for the largest amount."""

        def look() -> None:
            while not self._over.wait(_SAMPLE_S):
                self._peak = max(self._peak, pss_mib(self.now(programs)))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        return thread

    def most(self, thread: "threading.Thread") -> float:
        """Ends the look: MiB."""
        self._over.set()
        thread.join()
        return self._peak


def of_service(name: str, course: MeasuredCourse, lab: Lab, folder: Path, background: float) -> dict[str, Any]:
    """Start one with a slot per core, look at it idle, then give it more than it can run at once."""
    wanted = SUBMISSIONS.get(name, OTHERWISE)
    sandboxes = Sandboxes()
    service = Measured(name, course, folder / name.replace(", ", "-"), slots=CORES)
    try:
        service.start(students=wanted)
        for at in range(CORES + 1):
            service.graded(lab, answer_of(lab, _FIRST - 1 - at))
        time.sleep(_IDLE_S)
        settle(background)
        programs = service.programs
        idle = sandboxes.count(programs)
        row: dict[str, Any] = {
            "idle": idle,
            "idle_mib": round(pss_mib(sandboxes.now(programs)), 1),
            "program_mib": round(pss_mib(set(programs)), 1),
        }
        meter = Meter(background)
        finished = _flood(service, lab, _FIRST, wanted)
        settle(background)
        row |= {"n": wanted, "per_minute": _rate(finished), **_cpu(meter, wanted, background)}
        watched = sandboxes.watched(programs)  # reading the memory of many processes takes time: not while it counts
        _flood(service, lab, _FIRST + wanted, wanted // WATCHED_SHARE)
        row["busy_mib"] = round(sandboxes.most(watched), 1)
        return row
    finally:
        service.stop()


def of_peer(peer: Peer, lab: Lab, background: float) -> dict[str, Any]:
    """As many at once as there are cores."""
    wanted = SUBMISSIONS.get(peer.name, OTHERWISE)
    answers = [answer_of(lab, _FIRST + at).data for at in range(wanted)]
    settle(background)
    meter = Meter(background)
    began = time.perf_counter()
    peer.many(answers, CORES)
    took = time.perf_counter() - began
    return {"n": wanted, "per_minute": round(60 * wanted / took, 1), **_cpu(meter, wanted, background)}


def measure(
    names: list[str], peers: dict[str, Peer], background: float, folder: Path, told: Callable[[str], None]
) -> dict[str, Any]:
    """The whole part, on the toy lab."""
    course = MeasuredCourse(folder / "course")
    lab = course.lab("toy")
    tasks: dict[str, Callable[[], dict[str, Any]]] = {}
    rows, skipped = {}, {}
    for name in names:
        if reason := obstacle(name):
            skipped[name] = reason
        else:
            tasks[name] = lambda name=name: of_service(name, course, lab, folder, background)  # type: ignore[misc]
    for name, peer in peers.items():
        tasks[name] = lambda peer=peer: of_peer(peer, lab, background)  # type: ignore[misc]
    for name, task in tasks.items():
        try:
            rows[name] = task()
        except FAILURES as error:
            skipped[name] = f"{type(error).__name__}: {error}"
        told(f"  {name}: {rows.get(name) or skipped.get(name)}")
    return {"cores": CORES, "background": round(background, 3), "rows": rows, "skipped": skipped}


def _flood(service: Measured, lab: Lab, first: int, wanted: int) -> list[float]:
    """So many hand in at once, answers from `first` on; when each was finished, by the service's clock."""

    def submit(number: int) -> str:
        remote = service.remotes[number]
        data = answer_of(lab, first + number).data
        return str(remote.submit(service.course.id, lab.id, Path(lab.file).name, data, lost=lambda: None)["id"])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        made = list(pool.map(submit, range(wanted)))
    finished = []
    for number, submission in enumerate(made):
        for _ in service.remotes[number].follow(submission):
            pass
        job = service.remotes[number].submission(submission)["job"]
        if job["points"] != lab.most:
            raise RuntimeError(f"{job['points']} points for a right answer: {job['problem'][-400:]}")
        finished.append(float(job["finished_at"]))
    return sorted(finished)


def _cpu(meter: Meter, wanted: int, background: float) -> dict[str, int]:
    """Of each; unknown on a machine that others use."""
    return {"cpu_ms": round(1000 * meter.read() / wanted)} if background < QUIET else {}


def _rate(finished: list[float]) -> float:
    """Per minute, from when the first of each slot was done to the last."""
    return round(60 * (len(finished) - CORES) / (finished[-1] - finished[CORES - 1]), 1)
