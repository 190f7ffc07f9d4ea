"""How long a student waits for verdicts: from `git push`, from the API, and from pytest on their own machine.

    python benchmarks/push.py [--rounds 15] [--lab lab-04]

Each round measures all three, one after the other, so that what else the machine does falls on each alike:

local   `LAB_IMPL=starter pytest LAB` in the students' copy of the course, a new process
push    `git push` of a changed starter, to the last verdict line, by a `grader serve` with its own worker
api     the same starter sent to the API, to the final score

Prints medians and same-round ratios, and appends one line of JSON to benchmarks/history.jsonl.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grader.adapters.lab_folder import CourseFolder  # noqa: E402 - this file is run by its path
from grader.client.remote import Remote  # noqa: E402
from tests.git_client import Clone  # noqa: E402
from tests.programs import Grader  # noqa: E402

HISTORY = Path(__file__).with_name("history.jsonl")
COURSE = ROOT / "labs"
#: Ways that are measured; a round is one second count for each.
WAYS = ("local", "push", "api")
#: A student hands in at most this often: nobody may be measured while they are refused.
ROUNDS_EACH = 4


class Bench:
    """A service of its own, students' copies of the course, and an answer that is another one each time."""

    def __init__(self, folder: Path, lab: str, rounds: int) -> None:
        found = CourseFolder(COURSE).find(lab)
        self.lab = found.lab.id
        self.course = Path(found.path).parts[0]
        self._place = f"{found.path}/{found.lab.submission[0]}"
        self._tests = len(found.lab.tests)
        self._answer = (COURSE / found.path / "solution.py").read_bytes()
        self._grader = Grader(folder, {"GRADER_LABS": str(COURSE)})
        self._grader.start()
        logins = [f"student-{number}" for number in range(-(-rounds // ROUNDS_EACH))]
        tokens = self._grader.enrol(self.course, logins)
        self._students = []
        for login, token in tokens.items():
            url = f"{self._grader.url}/git/{self.course}/{login}.git"
            clone = Clone(folder / login, url, token).cloned()
            (clone.folder / ".git" / "info" / "exclude").write_text("__pycache__/\n.results/\n", encoding="ascii")
            self._pytest(clone)  # the first run compiles the course's files
            self._students.append((clone, token))

    def measure(self, number: int) -> dict[str, float]:
        """One round, in seconds."""
        clone, token = self._students[number // ROUNDS_EACH]
        clone.commit({self._place: self._answer + f"# round {number}\n".encode()})
        ways = {
            "local": lambda: self._local(clone),
            "push": lambda: self._push(clone),
            "api": lambda: self._api(token, self._answer + f"# round {number} over the API\n".encode()),
        }
        order = [*WAYS[number % 3 :], *WAYS[: number % 3]]  # none of them always comes first
        took = {way: ways[way]() for way in order}
        return {way: took[way] for way in WAYS}

    def stop(self) -> None:
        """End the service."""
        self._grader.stop()

    def _local(self, clone: Clone) -> float:
        began = time.perf_counter()
        done = self._pytest(clone)
        took = time.perf_counter() - began
        assert done.returncode == 0, done.stdout[-2000:]
        return took

    def _pytest(self, clone: Clone) -> "subprocess.CompletedProcess[str]":
        # a student installs numpy and pytest alone; the plug-ins of our own tests take seconds to load
        settings = {**os.environ, "LAB_IMPL": "starter", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(self._place).parent)]
        return subprocess.run(command, cwd=clone.folder, env=settings, capture_output=True, text=True, check=False)

    def _push(self, clone: Clone) -> float:
        began = time.monotonic()
        told = clone.push("origin", "main")
        verdicts = [at for at, line in told.lines if line.endswith("s") and line[:1] in "✓✗!?–"]
        assert len(verdicts) == self._tests, told.all
        return verdicts[-1] - began

    def _api(self, token: str, data: bytes) -> float:
        with Remote(self._grader.url, token) as remote:
            began = time.perf_counter()
            receipt = remote.submit(self.course, self.lab, "starter.py", data, lost=lambda: None)
            for _ in remote.follow(receipt["id"]):
                pass
            return time.perf_counter() - began


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lab", default="lab-04")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    with TemporaryDirectory(prefix="grader-bench-") as folder:
        bench = Bench(Path(folder), given.lab, given.rounds + 1)
        try:
            bench.measure(0)  # the first of everything is slower for reasons of its own
            rounds = [bench.measure(number) for number in range(1, given.rounds + 1)]
        finally:
            bench.stop()
    medians = {way: statistics.median(one[way] for one in rounds) for way in WAYS}
    ratios = {way: statistics.median(one[way] / one["local"] for one in rounds) for way in WAYS[1:]}
    for way in WAYS:
        times = sorted(one[way] for one in rounds)
        beside = f"{ratios[way]:6.2f} × local" if way in ratios else ""
        print(f"{way:6} median {medians[way]:6.2f} s   {times[0]:5.2f} … {times[-1]:5.2f} s  {beside}")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": round(load, 2)}
    print(f"{bench.lab}, {given.rounds} rounds; {machine['cores']} cores, Python {machine['python']}, load {load:.2f}")
    kept = {
        "benchmark": "push",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lab": bench.lab,
        "rounds": given.rounds,
        "medians_s": {way: round(medians[way], 3) for way in WAYS},
        "ratios_to_local": {way: round(ratios[way], 3) for way in ratios},
        "machine": machine,
    }
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
