"""How long the scoreboard of a large class takes: 1,000 students × 30 labs × 20 submissions, SQLite and PostgreSQL.

    python benchmarks/board.py [--students 1000] [--labs 30] [--submissions 20] [--rounds 150] [--on sqlite,postgres]

One client, one process. For each database it prints p50 and p99 in milliseconds of

store   the calls that boards and pages are made of, with every answer new (`first`) and as it is met on a running
        service, where one result comes in between every two readings (`live`)
finish  a result, with all that follows from it for standings and totals, and the same without a reader
pages   the server's time for whole pages, from the request to the last byte, without a network

and appends one line of JSON to benchmarks/history.jsonl. `--explain` prints how each database finds the rows.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import crowd  # noqa: E402 - this file is run by its path
from benchmarks.inside import application, asked, explained, token  # noqa: E402
from grader.adapters.sql_store import SqlStore  # noqa: E402
from grader.domain.course import Handin  # noqa: E402
from grader.domain.job import Job, JobRules, JobState, Lane, Outcome  # noqa: E402
from grader.domain.marks import TestMark  # noqa: E402
from grader.domain.submission import Submission  # noqa: E402
from grader.garbage import seldom_look_for_garbage  # noqa: E402
from tests.fakes import ManualClock, make_service  # noqa: E402
from tests.services import PostgresServer, missing  # noqa: E402

HISTORY = Path(__file__).with_name("history.jsonl")
PAGE = 50
Figures = dict[str, dict[str, float]]


class Hall:
    """The class over one database, with a client that reads and a worker that brings results."""

    def __init__(self, url: str, given: argparse.Namespace) -> None:
        self._url, self._given = url, given
        self.store = SqlStore(url)
        self.dice = random.Random(6)
        self._made = 0

    def finish(self) -> float:
        """Somebody hands something in and a worker brings its result: seconds that the result alone takes."""
        self._made += 1
        login = f"student-{self.dice.randrange(self._given.students):04}"
        person = self.store.accounts.person(login)
        assert person is not None
        lab = self.dice.choice(self.store.courses.labs(crowd.COURSE))
        now = crowd.BEGAN + lab.order * crowd.WEEK + self._made
        files = Submission({"starter.py": b"x = %d" % self._made})
        name = f"new{self._made}"
        handin = Handin(name, crowd.COURSE, lab.id, person.id, 0, files.digest, "api", now)
        job = Job(name, name, crowd.COURSE, lab.id, person.id, lab.spec_digest, "cpu", Lane.INTERACTIVE, 1, 5, now)
        self.store.submissions.add(handin, files, job)
        assert self.store.jobs.claim(name, "w", "t" * 64, now, JobRules()) is not None
        passed = self.dice.randrange(len(crowd.TESTS))
        marks = tuple(TestMark(t, "passed" if at < passed else "failed", "") for at, t in enumerate(crowd.TESTS))
        per_test = tuple((t, crowd.WORTH if at < passed else 0) for at, t in enumerate(crowd.TESTS))
        points = sum(worth for _, worth in per_test)
        result = Outcome(JobState.GRADED, b"{}", points, 40, per_test, detail=marks)
        began = time.perf_counter()
        assert self.store.jobs.finish(name, 1, result, now)
        return time.perf_counter() - began

    def some_page(self) -> dict[str, Any]:
        """A page of the scoreboard as somebody may ask for it."""
        lab = f"lab-{self.dice.randint(1, self._given.labs):02}"
        pages = max(1, self._given.students // PAGE)
        return {
            "sort": self.dice.choice(("login", "name", "section", "points", "last", lab)),
            "descending": self.dice.random() < 0.5,
            "section": self.dice.choice(("", "", "Section 3")),
            "search": self.dice.choice(("", "", "", "number 01")),
            "offset": self.dice.randrange(pages) * PAGE,
        }

    def calls(self) -> dict[str, Callable[[], object]]:
        """What is measured of the store."""
        standings, dice = self.store.standings, self.dice
        now = crowd.BEGAN + self._given.labs * crowd.WEEK - 60
        people = list(self.store.accounts.people(range(1, self._given.students + 1)))

        def lab() -> str:
            return f"lab-{dice.randint(1, self._given.labs):02}"

        return {
            "board": lambda: standings.board(crowd.COURSE, **self.some_page()),
            "mine": lambda: standings.mine(crowd.COURSE, dice.choice(people)),
            "public": lambda: standings.public(crowd.COURSE, now),
            "marks, 50": lambda: standings.marks(crowd.COURSE, lab(), offset=PAGE * dice.randrange(4)),
            "marks, all": lambda: standings.marks(crowd.COURSE, lab(), limit=1000),
            "revision": lambda: standings.revision(crowd.COURSE, lab()),
        }

    def measure(self) -> Figures:
        """All of it."""
        found: Figures = {}
        rounds = self._given.rounds
        for name, call in self.calls().items():
            self.store.close()
            self.store = SqlStore(self._url)
            call = self.calls()[name]
            found[f"{name} first"] = spread(timed(call) for _ in range(max(5, rounds // 15)))
        for name, call in self.calls().items():
            found[f"{name} live"] = spread(self._after_news(call) for _ in range(rounds))
        found["finish"] = spread(self.finish() for _ in range(rounds))
        found |= asyncio.run(self._pages(rounds))
        return found

    def _after_news(self, call: Callable[[], object]) -> float:
        self.finish()
        return timed(call)

    async def _pages(self, rounds: int) -> Figures:
        """The pages' own time: the application is called as a server calls it."""
        with TemporaryDirectory(prefix="grader-bench-") as folder:
            service = make_service(self.store, ManualClock(crowd.BEGAN + 40 * crowd.WEEK))
            app = application(service, Path(folder))
            secrets = {login: token(service, login) for login in ("grader", "student-0007")}
            kinds = {
                "scoreboard": ("grader", self._board_address), "lab page": ("grader", self._insight_address),
                "public board": ("student-0007", lambda: f"/c/{crowd.COURSE}/public"),
            }  # fmt: skip
            found: Figures = {}
            for name, (login, address) in kinds.items():
                for _ in range(3 * max(self._given.labs, self._given.students // PAGE)):
                    await asked(app, address(), secrets[login])  # a running service has seen most pages
                times = []
                for _ in range(rounds):
                    self.finish()
                    times.append(await asked(app, address(), secrets[login]))
                found[f"page: {name} live"] = spread(iter(times))
                still = [await asked(app, address(), secrets[login]) for _ in range(rounds)]
                found[f"page: {name}"] = spread(iter(still))
        return found

    def _board_address(self) -> str:
        page = self.some_page()
        return (
            f"/c/{crowd.COURSE}/board?sort={page['sort']}&desc={str(page['descending']).lower()}"
            f"&section={page['section'].replace(' ', '+')}&search={page['search'].replace(' ', '+')}"
            f"&page={1 + page['offset'] // PAGE}"
        )

    def _insight_address(self) -> str:
        return f"/c/{crowd.COURSE}/labs/lab-{self.dice.randint(1, self._given.labs):02}/insight"


def timed(call: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def spread(seconds: Iterator[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds."""
    times = sorted(seconds)
    return {
        name: round(1000 * times[min(len(times) - 1, int(share * len(times)))], 2)
        for name, share in (("p50", 0.5), ("p99", 0.99))
    }


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server of its own with an empty database, gone afterwards."""
    folder.chmod(0o755)
    place = folder / "postgres"
    place.mkdir()
    server = PostgresServer(place)
    server.start()
    yield server.url(server.fresh())
    server.stop()


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    """A file."""
    yield f"sqlite:///{folder / 'grader.db'}"


DATABASES = {"sqlite": sqlite, "postgres": postgres}


def run(url: str, given: argparse.Namespace) -> Figures:
    """Fill one database, work the standings out and measure."""
    seldom_look_for_garbage()  # as the service does at its start
    began = time.perf_counter()
    crowd.fill(url, given.students, given.labs, given.submissions)
    filled = time.perf_counter()
    hall = Hall(url, given)
    hall.store.standings.put_rules(crowd.COURSE, crowd.rules(given.labs))
    built = time.perf_counter()
    count = given.students * given.labs
    print(f"  filled in {filled - began:.0f} s; {count:,} standings worked out in {built - filled:.0f} s")
    if given.explain:
        print(explained(hall.store, lambda: [call() for call in hall.calls().values()]))
    found = hall.measure()
    hall.store.close()
    return {**found, "rebuild": {"seconds": round(built - filled, 1)}}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("students", 1000), ("labs", 30), ("submissions", 20), ("rounds", 150)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--on", default=",".join(DATABASES))
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--forget", action="store_true", help="append nothing to history.jsonl")
    given = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": load}
    size = f"{given.students:,} students × {given.labs} labs × {given.submissions} submissions"
    print(f"{size}; {machine['cores']} cores, Python {machine['python']}, load {load}")
    kept: dict[str, Any] = {}
    for name in given.on.split(","):
        if name == "postgres" and (reason := missing("postgres")):
            print(reason)
            continue
        print(name)
        with TemporaryDirectory(prefix="grader-bench-") as folder, DATABASES[name](Path(folder)) as url:
            kept[name] = run(url, given)
        for what, figures in kept[name].items():
            if "p50" in figures:
                print(f"  {what:28} p50 {figures['p50']:8.2f} ms   p99 {figures['p99']:8.2f} ms")
    line = {
        "benchmark": "board",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: getattr(given, name) for name in ("students", "labs", "submissions", "rounds")},
        "ms": kept,
        "machine": machine,
    }
    if not given.forget:
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
