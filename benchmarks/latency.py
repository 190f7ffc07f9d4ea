"""From handing in to the final score, end to end, against the floor and pytest at home, lab by lab."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.busy import background
from benchmarks.course import Lab, MeasuredCourse
from benchmarks.rounds import FAILURES, FLOOR, HOME, TOOK, Figures, Way, answer_of, interleaved, summary
from benchmarks.services import DISTRIBUTED, Measured
from benchmarks.tables import STAGE
from benchmarks.ways import AtHome, Floor
from tests.services import missing
from worker.sandbox.kinds import sandbox as sandbox_named

POOLED = "all labs"


def api(service: Measured) -> Way:
    """Handed in over the API, until the final score came over the stream that a client waits at."""

    def measure(lab: Lab, number: int) -> Figures:
        done = service.graded(lab, answer_of(lab, number))
        return {
            TOOK: done.total,
            "queued": done.queued,
            "ran": done.ran,
            **{f"{STAGE}{k}": v for k, v in done.stages.items()},
        }

    return measure


def push(service: Measured) -> Way:
    """`git push`, until its last verdict came."""

    def measure(lab: Lab, number: int) -> Figures:
        done = service.pushed(lab, answer_of(lab, number, 1))
        return {TOOK: done.verdict, "last line": done.line, "after score": done.gap}

    return measure


def obstacle(name: str) -> str:
    """Why this set-up cannot be measured here; "" if it can."""
    if name.endswith(DISTRIBUTED) and (reason := missing("redis") or missing("postgres")):
        return reason
    kind, _, runtime = name.removesuffix(DISTRIBUTED).partition("+")
    probe = sandbox_named(kind, runtime or None).probe()
    return "" if probe.works else f"{probe.reason} ({probe.fix})"


@contextmanager
def started(
    names: list[str], course: MeasuredCourse, folder: Path, skipped: dict[str, str]
) -> Iterator[dict[str, Measured]]:
    """These services; one that cannot be started is added to `skipped` with the reason."""
    with ExitStack() as ended:
        services = {}
        for name in names:
            if reason := obstacle(name):
                skipped[name] = reason
                continue
            service = Measured(name, course, folder / name.replace(", ", "-"))
            ended.callback(service.stop)
            try:
                service.start()
            except FAILURES as error:
                skipped[name] = f"it did not start: {error}"
            else:
                services[name] = service
        yield services


@contextmanager
def compared(
    names: list[str], pushed: list[str], course: MeasuredCourse, folder: Path, skipped: dict[str, str]
) -> Iterator[dict[str, Way]]:
    """Floor, pytest at home, and these services by API and by push."""
    floor, home = Floor(course, folder / "floor"), AtHome(course, folder / "home")
    try:
        with started(names, course, folder, skipped) as services:
            ways: dict[str, Way] = {
                FLOOR: lambda lab, number: {TOOK: floor(lab, answer_of(lab, number))},
                HOME: lambda lab, number: {TOOK: home(lab, answer_of(lab, number))},
            }
            ways |= {name: api(service) for name, service in services.items()}
            ways |= {f"git push, {name}": push(services[name]) for name in pushed if name in services}
            yield ways
    finally:
        floor.stop()


def measure(
    labs: list[str],
    names: list[str],
    pushed: list[str],
    rounds: int,
    folder: Path,
    told: Callable[[str], None],
    others: Mapping[str, Way] | None = None,
) -> dict[str, Any]:
    """The whole part: a summary per lab, and one of the differences over all labs. `others` are timed as well."""
    course = MeasuredCourse(folder / "course")
    chosen = [course.lab(lab) for lab in labs]
    skipped: dict[str, str] = {}
    quiet = background()  # before the services are there, which are busy at first
    with compared(names, pushed, course, folder, skipped) as ways:
        for name, reason in skipped.items():
            told(f"  {name} is skipped: {reason}")
        ways = {**ways, **(others or {})}
        found = interleaved(ways, chosen, rounds, quiet, told)
        by_lab = {lab.id: summary((one for one in found if one.lab == lab.id), ways) for lab in chosen}
        pooled = {way: _pooled(row) for way, row in summary(found, ways).items()}
    together = {POOLED: pooled} if len(chosen) > 1 else {}
    return {"rounds": rounds, "background": round(quiet, 3), "labs": {**by_lab, **together}, "skipped": skipped}


def _pooled(row: Mapping[str, Any]) -> dict[str, Any]:
    """Times and ratios of different labs have no common median."""
    return {name: value for name, value in row.items() if name not in ("ms", "ratio", "cpu_ms")}
