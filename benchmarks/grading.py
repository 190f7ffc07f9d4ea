"""How long grading takes, what it costs, and how that compares: see benchmarks/README.md.

    python benchmarks/grading.py                     # everything, about twelve minutes on two cores
    python benchmarks/grading.py latency --rounds 30 --labs lab-01,toy --sandboxes bubblewrap
    python benchmarks/grading.py --table             # the newest figures of each part as Markdown
    python benchmarks/grading.py --readme            # the same, into benchmarks/README.md
    python benchmarks/grading.py --picture           # the newest comparison as docs/images/grading-speed.svg

Each part stands alone and appends a line of its own to benchmarks/history.jsonl: what was interrupted is repeated by
naming the parts that are missing.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import burst, latency, peers, throughput
from benchmarks.busy import background
from benchmarks.history import keep, latest, machine, machine_line
from benchmarks.picture import PICTURE, draw
from benchmarks.services import DISTRIBUTED
from benchmarks.tables import figures, markdown

README = Path(__file__).with_name("README.md")
FIGURES = "## Figures\n"
SANDBOXES = "bubblewrap,docker,docker+runsc"
LABS = "lab-01,lab-03,lab-04,toy"
#: Peers whose throughput is measured: those that put a submission into a container.
COMPARED = (peers.DockerRun, peers.OtterGrade)
#: Workers of the simulated deadline, and seconds of a run where none were measured.
SLOTS, ASSUMED_S = (2, 4, 8), 0.5
Part = Callable[[argparse.Namespace, Path], dict[str, Any]]


def say(line: str) -> None:
    """At once, also into a file."""
    print(line, flush=True)


def _latency(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    names = given.sandboxes.split(",")
    names += [f"{names[0]}{DISTRIBUTED}"] if given.distributed else []
    return latency.measure(given.labs.split(","), names, given.push.split(","), given.rounds, folder, say)


def _peers(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The toy lab alone, fewer rounds: some peers take seconds."""
    found, skipped = peers.prepared(folder / "peers", say)
    rounds, names = max(2, given.rounds // 2), given.sandboxes.split(",")
    result = latency.measure(["toy"], names, [], rounds, folder, say, peers.ways(found))
    return {**result, "skipped": {**result["skipped"], **skipped}}


def _throughput(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    found, skipped = peers.prepared(folder / "peers", say, COMPARED)
    result = throughput.measure(given.sandboxes.split(","), found, background(), folder, say)
    return {**result, "skipped": {**result["skipped"], **skipped}}


def _burst(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A run takes what the throughput says: a core for each."""
    rows = (latest("throughput") or {}).get("rows", {})
    times = {name: 60 * throughput.CORES / rows[name]["per_minute"] for name in given.burst.split(",") if name in rows}
    if not times:
        say(f"  no throughput was measured yet: {ASSUMED_S} s a run are assumed")
    return burst.measure(times or {"assumed": ASSUMED_S}, SLOTS, given.seeds, throughput.CORES)


PARTS: dict[str, Part] = {"latency": _latency, "peers": _peers, "throughput": _throughput, "burst": _burst}


def main() -> int:
    """Measure, print, keep; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--labs", default=LABS)
    parser.add_argument("--sandboxes", default=SANDBOXES)
    parser.add_argument("--push", default="bubblewrap", help="of which sandboxes `git push` is timed as well")
    parser.add_argument("--no-distributed", dest="distributed", action="store_false")
    parser.add_argument("--burst", default="bubblewrap", help="whose run times the simulated deadline takes")
    parser.add_argument("--seeds", type=int, default=2, help="how many deadlines are simulated of each kind")
    parser.add_argument("--forget", action="store_true", help="append nothing to history.jsonl")
    parser.add_argument("--table", action="store_true", help="print the newest figures as Markdown, measure nothing")
    parser.add_argument("--readme", action="store_true", help="write the newest figures into benchmarks/README.md")
    parser.add_argument("--picture", action="store_true", help="draw the newest comparison into docs/images")
    given = parser.parse_args()
    if given.table:
        print(markdown())
    if given.readme:
        kept_head = README.read_text(encoding="utf-8").partition(FIGURES)[0]
        README.write_text(f"{kept_head}{FIGURES}\n{markdown()}", encoding="utf-8")
    if given.picture:
        print(draw(latest("peers")) or f"{PICTURE}: the part `peers` was never kept")
    if given.table or given.picture or given.readme:
        return 0
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # what was started is cleared up
    for part in given.parts or PARTS:
        about = machine()
        say(f"{part}: {machine_line(about)}")
        began = time.perf_counter()
        with TemporaryDirectory(prefix="grader-bench-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)
            found = PARTS[part](given, Path(folder))
        result = {**found, "seconds": round(time.perf_counter() - began)}
        say("\n".join(figures(part, result)))
        if not given.forget:
            keep(part, result, about)
    return 0


if __name__ == "__main__":
    sys.exit(main())
