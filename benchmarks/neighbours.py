"""What a hostile neighbour costs an honest submission: its time beside each attack over its time alone.

    python benchmarks/neighbours.py                          # both sandboxes, ten pairs an attack
    python benchmarks/neighbours.py --sandbox docker --rounds 30

One worker's pool with a slot per core, at least two. An honest run of the toy lab alone and one beside an attack that
goes on all the while make a pair; which comes first takes turns, and so do the attacks. Ratios are of pairs, so what
else the machine does falls on both. `honest` is a neighbour who hands in right answers without a pause.

Both labs' tests may run side by side, so an attack has begun on every core that was idle. Alone means on one core: that
is what each job is promised. Where others are idle too it is done sooner, but nobody keeps them free for it.
"""

import argparse
import json
import os
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.course import TOY, MeasuredCourse
from benchmarks.history import keep, machine, machine_line, quantile
from grader.adapters.lab_folder import CourseFolder, LabFolder
from grader.domain.run import Assignment
from grader.domain.submission import Submission
from worker import supervisor
from worker.cancellation import Cancellation
from worker.sandbox import Sandbox, SandboxError
from worker.sandbox.kinds import choose
from worker.warm.pool import Warm

SLOTS = max(2, os.cpu_count() or 1)
#: What is promised: a neighbour may cost a fifth more time.
PROMISED = 1.2
#: Seconds: an attack is under way so long after its judge has begun; a pool that did not change for so long is ready.
UNDER_WAY, SETTLED = 0.4, 1.5
#: What the attacked lab gives, so that an attack lasts until it is ended.
ROOM = {"test_seconds": 600, "run_seconds": 600, "memory_mib": 512, "scratch_mib": 64}
HONEST = "honest"

#: Each is the body of a function that is called in one test.
ATTACKS = {
    "spin": """
        for _ in range(12):
            if os.fork() == 0:
                break
        while True:
            pass
    """,
    "threads": """
        import threading
        a = np.random.rand(500, 500)
        def work():
            while True:
                a @ a
        for _ in range(3):
            threading.Thread(target=work).start()
        work()
    """,
    "fork": """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            try:
                if os.fork() == 0:
                    os._exit(0)
            except OSError:
                pass
    """,
    "memory": """
        while True:
            held = [bytearray(b"x") * (8 << 20) for _ in range(40)]
            del held
    """,
    "files": """
        block = b"x" * (1 << 20)
        while True:
            for number in range(200):
                with open(f"/work/submission/{number}", "wb") as file:
                    file.write(block[: 4096 if number else None])
            for number in range(200):
                os.unlink(f"/work/submission/{number}")
    """,
    "output": """
        while True:
            try:
                os.write(1, b"x" * 65536)
            except OSError:
                pass
    """,
    "system calls": """
        while True:
            os.stat("/work"), os.close(os.dup(1)), os.sched_yield()
    """,
}


_FUNCTIONS = tuple(tomllib.loads((TOY / "lab.toml").read_text(encoding="utf-8"))["functions"])


def hostile(body: str) -> bytes:
    """A starter whose every function is the attack."""
    names = " = ".join([*_FUNCTIONS, "evil"])
    return f"import os, signal\nimport numpy as np\n\ndef evil(*args):\n{body}\n{names}\n".encode()


class Neighbourhood:
    """A pool, an honest submission, and the lab that is there to be attacked."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        course = MeasuredCourse(folder / "course")
        lab = course.lab("toy")
        found = CourseFolder(course.folder).find("toy")
        answer = lab.answer(1)
        handed_in = Submission({Path(lab.file).name: answer.data})
        self._honest = Assignment(found.lab, found.bundle(), found.path, handed_in, answer.seed)
        target = _endless(MeasuredCourse(folder / "target").folder)
        nothing = Submission({"starter.py": b""})
        self._attacked = Assignment(target.lab, target.bundle(), target.path, nothing, 1)
        self._pool = Warm(sandbox, SLOTS)

    def __enter__(self) -> "Neighbourhood":
        return self

    def __exit__(self, *problem: object) -> None:
        self._pool.close()

    def ready(self, *works: Assignment) -> None:
        """Wait until these labs have a judge and guests that wait, and nothing is being started."""
        for work in works:
            self._pool.prepare(work)
            seen, since = (0, 0), time.monotonic()
            while min(seen) < 1 or time.monotonic() < since + SETTLED:
                time.sleep(0.02)
                if (now := self._pool.waiting(work)) != seen:
                    seen, since = now, time.monotonic()

    def honest(self) -> float:
        """Seconds of the honest run, which gets everything."""
        self.ready(self._honest)
        others = [self._pool.cores.enter() for _ in range(self._pool.cores.idle - 1)]
        try:
            result = supervisor.run(self._honest, self._pool, lambda event: None)
        finally:
            for core in others:
                self._pool.cores.leave(core)
        outcomes = {test["outcome"] for test in json.loads(result.report or b'{"tests": []}')["tests"]}
        if outcomes != {"passed"}:
            raise RuntimeError(f"the honest run got {outcomes}: {result.problem}")
        return result.duration_s

    @contextmanager
    def beside(self, attack: str) -> Iterator[None]:
        """While inside, that neighbour is at it."""
        self.ready(self._honest, self._attacked)
        end, begun = Cancellation(), threading.Event()
        evil = replace(self._attacked, submission=Submission({"starter.py": hostile(ATTACKS.get(attack, ""))}))

        def live() -> None:
            if attack != HONEST:
                supervisor.run(evil, self._pool, lambda event: begun.set(), end)
            while attack == HONEST and not end.cancelled:
                supervisor.run(self._honest, self._pool, lambda event: begun.set())

        thread = threading.Thread(target=live, name="neighbour", daemon=True)
        thread.start()
        begun.wait(30)
        time.sleep(UNDER_WAY)
        try:
            yield
            if attack != HONEST and not thread.is_alive():
                raise RuntimeError(f"the attack {attack!r} was over before the honest run")
        finally:
            end.cancel()
            thread.join()

    def pair(self, attack: str, *, alone_first: bool) -> tuple[float, float]:
        """Seconds alone and beside."""
        alone = self.honest() if alone_first else 0.0
        with self.beside(attack):
            beside = self.honest()
        return alone or self.honest(), beside


def _endless(folder: Path) -> LabFolder:
    """The toy lab once more, with ROOM: it is there to be attacked."""
    file = folder / CourseFolder(folder).find("toy").path / "lab.toml"
    head, _, rest = file.read_text(encoding="utf-8").partition("[limits]\n")
    room = "".join(f"{name} = {value}\n" for name, value in ROOM.items())
    file.write_text(f"{head}[limits]\n{room}{rest.partition(chr(10))[2]}", encoding="utf-8")
    return CourseFolder(folder).find("toy")


def measure(sandbox: Sandbox, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """By neighbour: ratios of pairs, and the seconds alone."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with TemporaryDirectory() as folder, Neighbourhood(sandbox, Path(folder)) as place:
        place.honest()
        for number in range(rounds):
            for at in range(len(names)):
                name = names[(at + number) % len(names)]
                pairs[name].append(place.pair(name, alone_first=number % 2 == 0))
    return {name: _row(found) for name, found in pairs.items()}


def _row(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    ratios = [beside / alone for alone, beside in pairs]
    return {
        "ratio": round(median(ratios), 3),
        "p90": round(quantile(ratios, 0.9), 3),
        "alone_ms": round(1000 * median(alone for alone, _ in pairs)),
        "beside_ms": round(1000 * median(beside for _, beside in pairs)),
        "n": len(pairs),
    }


def _table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["neighbour      ratio p50   p90   alone ms   beside ms"]
    lines += [
        f"{name:<14} {row['ratio']:>9.2f} {row['p90']:>5.2f} {row['alone_ms']:>10} {row['beside_ms']:>11}"
        f"{'   over' if row['ratio'] > PROMISED else ''}"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sandbox", action="append", choices=("bubblewrap", "docker"))
    parser.add_argument("--neighbour", action="append", choices=(HONEST, *ATTACKS), help="default: all of them")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--forget", action="store_true", help="append nothing to history.jsonl")
    given = parser.parse_args()
    about = machine()
    print(machine_line(about))
    found = {}
    for name in given.sandbox or ("bubblewrap", "docker"):
        try:
            found[name] = measure(choose(name, None), given.neighbour or (HONEST, *ATTACKS), given.rounds)
        except SandboxError as error:
            print(f"\n{name}: skipped, {error}")
            continue
        print(f"\n{name}, {SLOTS} slots\n{_table(found[name])}", flush=True)
    if not given.forget:
        keep("neighbours", {"slots": SLOTS, "sandboxes": found}, about)


if __name__ == "__main__":
    main()
