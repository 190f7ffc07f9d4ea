"""Nothing handed in is lost or counted twice, whatever is killed meanwhile, and everybody sees a true state all along.

GRADER_TEST_JOBS sets how many are handed in (200), GRADER_TEST_SEED repeats a run's choices.
"""

import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader.client.answers import Declined, Unreachable
from grader.client.remote import Remote
from grader.client.sse import Told
from grader.domain.job import JobState
from tests.contract.sandboxed import left_by, processes
from tests.courses.copies import ANSWERS, answer, toy_course
from tests.programs import Grader, Program, scores, told, worker
from tests.services import PostgresServer, RedisServer, wait_until

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

JOBS = int(os.environ.get("GRADER_TEST_JOBS", "200"))
SEED = int(os.environ.get("GRADER_TEST_SEED") or secrets.randbelow(10**6))
EACH, LABS = 10, 8  # what each student hands in, over how many labs: the second of a lab may supersede the first
STUDENTS = max(1, JOBS // EACH)
COURSE = "basics"
LOOK_S = 2.0
#: Seconds per job: within which all is handed in, while things are killed; and for the rest of it all.
TERM_S, HAVOC_S, REST_S = 0.3, 0.4, 1.5
RULES = {"GRADER_LEASE_S": "2", "GRADER_OFFER_S": "2", "GRADER_MAX_ATTEMPTS": "20", "GRADER_SANDBOX": "bubblewrap"}


@dataclass
class Student:
    """Hands in, again and again until it is acknowledged, and looks at the state of it all the time."""

    token: str
    login: str
    plan: list[tuple[float, str, int]]  # when, for which lab, what it is worth
    worth: dict[str, int] = field(default_factory=dict)  # acknowledged submissions
    states: dict[str, JobState] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    looks: int = 0

    def live(self, url: str, over: threading.Event) -> None:
        """One student's time in the course, in a thread of its own."""
        began = time.monotonic()
        with Remote(url, self.token, pause=_pause(over)) as remote:
            while not over.wait(LOOK_S):
                while self.plan and time.monotonic() - began >= self.plan[0][0] and not over.is_set():
                    self._hand_in(remote, *self.plan[0][1:])
                self._look(remote)

    def _hand_in(self, remote: Remote, lab: str, points: int) -> None:
        data = answer(points, f"{self.login} {len(self.worth)}")
        try:
            receipt = remote.submit(COURSE, lab, "starter.py", data, lost=lambda: None)
        except Unreachable:
            return  # as a person would: once more, a little later
        except Declined as error:
            self.wrong.append(f"{self.login} was refused: {error}")
            return
        self.plan.pop(0)
        self.worth[receipt["id"]] = points
        self._saw(receipt)

    def _look(self, remote: Remote) -> None:
        try:
            seen = remote.submissions(COURSE, limit=EACH)
        except (Unreachable, Declined) as error:
            if isinstance(error, Declined):
                self.wrong.append(f"{self.login} could not look: {error}")
            return
        self.looks += 1
        for submission in seen:
            self._saw(submission)
        if missing := self.worth.keys() - {submission["id"] for submission in seen}:
            self.wrong.append(f"{self.login} does not see {sorted(missing)}")

    def _saw(self, submission: Mapping[str, dict]) -> None:
        known, now = self.states.get(submission["id"]), JobState(submission["job"]["state"])
        if known is not None and known.final and now is not known:
            self.wrong.append(f"{submission['id']} was {known} and is {now}")
        self.states[submission["id"]] = now

    @property
    def done(self) -> bool:
        """Whether all is handed in and has ended, as far as they have seen."""
        return not self.plan and all(self.states[one].final for one in self.worth)


def _pause(over: threading.Event) -> Callable[[float], None]:
    def pause(seconds: float) -> None:
        over.wait(min(seconds, 1.0))

    return pause


@pytest.fixture
def rng() -> Iterator[random.Random]:
    print(f"repeat these choices with GRADER_TEST_SEED={SEED}")  # shown where the test fails
    yield random.Random(SEED)


def plans(rng: random.Random, seconds: float) -> list[list[tuple[float, str, int]]]:
    """What each student hands in, spread over so many seconds."""
    return [
        [
            (moment, f"toy-{number % LABS + 1}", rng.choice(list(ANSWERS)))
            for number, moment in enumerate(sorted(rng.uniform(0, seconds) for _ in range(EACH)))
        ]
        for _ in range(STUDENTS)
    ]


@contextmanager
def term(grader: Grader, rng: random.Random) -> Iterator[list[Student]]:
    """Students at work, until the end of the block."""
    logins = [f"student-{number}" for number in range(STUDENTS)]
    tokens = grader.enrol(COURSE, logins)
    students = [Student(tokens[one], one, plan) for one, plan in zip(logins, plans(rng, JOBS * TERM_S), strict=True)]
    over = threading.Event()
    threads = [threading.Thread(target=student.live, args=(grader.url, over)) for student in students]
    for thread in threads:
        thread.start()
    try:
        yield students
    finally:
        over.set()
        for thread in threads:
            thread.join()


def havoc(
    rng: random.Random, students: list[Student], deeds: Mapping[str, Callable[[], None]], gap: tuple[float, float]
) -> Counter[str]:
    """One deed after the other, for a while; how often each."""
    done: Counter[str] = Counter()
    deck: list[str] = []
    until = time.monotonic() + JOBS * HAVOC_S
    while time.monotonic() < until and not all(student.done for student in students):
        time.sleep(rng.uniform(*gap))
        deck = deck or rng.sample(list(deeds), len(deeds))  # each as often as every other
        deed = deck.pop()
        deeds[deed]()
        done[deed] += 1
    return done


def settle(grader: Grader, students: list[Student]) -> None:
    """Now that nothing is killed any more, all of it ends."""

    def unfinished() -> str:
        states = Counter(str(state) for student in students for state in student.states.values())
        return f"not all ended: {dict(states)}, {sum(len(s.plan) for s in students)} to hand in; {grader.said()}"

    deadline = time.monotonic() + 60 + JOBS * REST_S
    while not all(student.done for student in students):
        assert time.monotonic() < deadline, unfinished()
        time.sleep(0.2)


def audit(grader: Grader, students: list[Student]) -> Counter[str]:
    """Everything has one outcome, and the right one; how often each."""
    wrong = [problem for student in students for problem in student.wrong]
    outcomes: Counter[str] = Counter()
    for student in students:
        assert student.looks, f"{student.login} never saw anything"
        with Remote(grader.url, student.token) as remote:
            there = remote.submissions(COURSE, limit=200)
            if sorted(one["id"] for one in there) != sorted(student.worth):
                wrong.append(f"{student.login} handed in {len(student.worth)}, there are {len(there)}")
            newest = {one["lab"]: one["id"] for one in reversed(there)}
            for one in there:
                detail, facts = remote.submission(one["id"]), told(grader.url, student.token, one["id"])
                outcomes[JobState(detail["job"]["state"])] += 1
                wrong += _faults(detail, facts, student.worth[one["id"]], newest[one["lab"]] == one["id"])
        wrong += _wrong_scores(grader, student, there)
    assert wrong == [], f"{len(wrong)} wrong: {wrong[:10]}"
    assert sum(outcomes.values()) == STUDENTS * EACH
    return outcomes


def _faults(detail: dict[str, Any], facts: list[Told], worth: int, is_newest: bool) -> list[str]:
    """What is not as it must be with an ended submission; only one with a successor may end without a score."""
    job, attempts = detail["job"], detail["attempts"]
    numbers = [one.seq for one in facts if one.seq is not None]
    kinds = Counter(one.kind for one in facts)
    endings = Counter(attempt["ending"] for attempt in attempts)
    graded = job["state"] == "graded"
    held = {
        "graded, or superseded by another": graded or (job["state"] == "superseded" and not is_newest),
        "its points": job["points"] == (worth if graded else None),
        "one report": sum(test["points"] for test in detail["tests"]) == (worth if graded else 0),
        "one finished attempt": endings["finished"] == int(graded) and not endings["running"],
        "the last attempt finished": not graded or attempts[-1]["ending"] == "finished",
        "attempts in order": [attempt["number"] for attempt in attempts] == [*range(1, job["attempt"] + 1)],
        "one end, at the end": kinds["ended"] == 1 and facts[-1].kind == "ended",
        "a start per attempt": kinds["started"] == len(attempts),
        "events without gaps": numbers == [*range(1, len(numbers) + 1)],
    }
    return [f"{detail['id']}: not {what} ({job}, {dict(kinds)})" for what, holds in held.items() if not holds]


def _wrong_scores(grader: Grader, student: Student, there: list[dict]) -> list[str]:
    best: dict[str, int] = {}
    for one in there:
        if one["job"]["state"] == "graded":
            best[one["lab"]] = max(best.get(one["lab"], 0), student.worth[one["id"]])
    listed = {row["lab"]: row["points"] for row in scores(grader.url, student.token, COURSE)}
    return [] if listed == best else [f"{student.login} has the scores {listed}, not {best}"]


def nothing_is_left(programs: list[Program]) -> None:
    """No process, folder or control group of anything that was ever killed."""
    pids = [pid for program in programs for pid in program.pids]
    wait_until(lambda: not any(processes(f".{pid}.") for pid in pids), "sandboxes are left")
    assert [thing for pid in pids for thing in left_by(pid)] == []


def revive(rng: random.Random, program: Program) -> None:
    """kill -9, and a start after a moment."""
    program.kill()
    time.sleep(rng.uniform(0, 1.5))
    program.start()


def test_embedded_while_the_one_process_is_killed(tmp_path: Path, rng: random.Random) -> None:
    course = toy_course(tmp_path / "course", LABS)
    grader = Grader(tmp_path, {**RULES, "GRADER_LABS": str(course), "GRADER_SLOTS": "2"})
    grader.start()
    with term(grader, rng) as students:
        done = havoc(rng, students, {"grader killed": lambda: revive(rng, grader)}, gap=(7, 12))
        settle(grader, students)
    print(dict(done), dict(audit(grader, students)))
    assert done["grader killed"] >= 4 or JOBS < 200
    assert grader.stop() == 0
    nothing_is_left([grader])


@pytest.mark.redis
@pytest.mark.postgres
def test_a_cluster_while_every_part_of_it_is_killed(tmp_path: Path, own_folder: Path, rng: random.Random) -> None:
    redis, postgres = RedisServer(tmp_path), PostgresServer(_folder(own_folder / "chaos"))
    redis.start()
    postgres.start()
    course = toy_course(tmp_path / "course", LABS)
    shared = {**RULES, "GRADER_BROKER": redis.url}
    database = {"GRADER_DATABASE": postgres.url(postgres.fresh()), "GRADER_LABS": str(course)}
    grader = Grader(tmp_path, {**shared, **database})
    workers = [worker(f"worker-{number}", grader, **shared, GRADER_SLOTS="1") for number in (1, 2)]
    grader.start()
    for one in workers:
        one.start()
    deeds: dict[str, Callable[[], None]] = {
        "worker killed": lambda: revive(rng, rng.choice(workers)),
        "worker paused beyond its lease": lambda: _pause_for(rng.choice(workers), rng.uniform(5, 8)),
        "grader killed": lambda: revive(rng, grader),
        "Redis flushed": redis.flushall,
        "Redis restarted": redis.restart,
        "PostgreSQL restarted": postgres.restart,
        "PostgreSQL killed": lambda: (postgres.kill(), postgres.start()),
    }
    with term(grader, rng) as students:
        done = havoc(rng, students, deeds, gap=(2, 5))
        settle(grader, students)
    print(dict(done), dict(audit(grader, students)))
    assert all(done[deed] for deed in deeds) or JOBS < 200
    assert [one.stop() for one in workers] == [0, 0]
    assert grader.stop() == 0
    redis.stop()
    postgres.stop()
    nothing_is_left([grader, *workers])


def _pause_for(program: Program, seconds: float) -> None:
    program.pause(True)
    time.sleep(seconds)
    program.pause(False)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
