"""A class of students with what they handed in over some weeks, through the steps: what boards and pictures show.

`python -m tests.classroom FOLDER` fills a database there, and prints links for a grader and a student.
"""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.adapters.sql_store import SqlStore
from grader.domain.job import JobState
from grader.domain.lab import Lab, TestSpec
from grader.domain.people import CredentialKind, Role, Viewer
from grader.domain.policy import DAY_S
from grader.domain.run import RunResult
from grader.steps import access, board, courses, extending, intake, running
from grader.steps.service import Service
from grader.steps.viewing import the_spec
from tests.fakes import ManualClock, make_service

LABS = Path(__file__).parents[1] / "labs"
COURSE = "specdec"
BEGIN = 1_790_000_000.0
_FIRST = (
    "Ada", "Ben", "Chloé", "Dmitri", "Elif", "Fatima", "Goran", "Hana", "Ivo", "Jin", "Kofi", "Lena", "Mateo", "Nia",
    "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tuấn",
)  # fmt: skip
_LAST = ("Adeyemi", "Bauer", "Castillo", "Dąbrowski", "Eriksson", "Farouk", "García", "Huang", "Ito", "Jansen")
_CAUSES = ("wrong-answer", "not-written", "changed-argument", "wrong-type", "timed-out", "wrong-exception")
_RULES = """
timezone = "Europe/Berlin"
late_days = 4
[policy]
late_percent_per_day = 20
"""
_STAGES = {stage: {"outcome": "passed", "duration": 0.05} for stage in ("setup", "call", "teardown")}


@dataclass
class Classroom:
    """A service with a full course. `students` by login."""

    service: Service
    clock: ManualClock
    students: dict[str, Viewer]
    grader: Viewer
    labs: list[Lab]
    chance: random.Random

    def hand_in(self, login: str, lab: Lab, attempt: int) -> intake.Receipt:
        """A submission that is not graded yet."""
        text = f"# {login} {lab.id} attempt {attempt}\n{_body(lab, attempt)}"
        return intake.submit(
            self.service, self.students[login], COURSE, lab.id, name=lab.submission[0], data=text.encode(), source="git"
        )

    def grade(self, job_id: str, lab: Lab, skill: float) -> None:
        """Run it as a worker does; a better student passes more."""
        found = running.claim(self.service, job_id, "worker-1")
        assert found is not None
        self.clock.passes(self.chance.uniform(0.4, 2.0))
        body = json.dumps({"tests": list(_tests(lab, skill, self.chance))}).encode()
        state = running.accept(self.service, found.job, RunResult(body, "bubblewrap", "split", 0.8, None, ""))
        assert state is JobState.GRADED


def classroom(folder: Path, students: int = 60, attempts: int = 4, labs: Path = LABS, seed: int = 1) -> Classroom:
    """The course is over half: the last lab is still being worked on, with jobs that wait."""
    store = SqlStore(f"sqlite:///{folder / 'grader.db'}")
    store.migrate()
    clock, chance = ManualClock(BEGIN), random.Random(seed)
    service = make_service(store, clock)
    courses.init_course(service, COURSE, "Speculative decoding", str(labs))
    roster = [courses.Enrolment(*who, Role.STUDENT, "ABC"[i % 3]) for i, who in enumerate(_people(students))]
    roster.append(courses.Enrolment("gina", "Gina Grader", "", Role.GRADER))
    people = [access.viewer(service, person) for person, _ in courses.enrol(service, COURSE, roster)]
    specs = [the_spec(service, lab.spec_digest).lab for lab in store.courses.labs(COURSE)]
    by_login = {viewer.person.login: viewer for viewer in people[:-1]}
    room = Classroom(service, clock, by_login, people[-1], specs, chance)
    store.standings.put_rules(COURSE, _RULES + _dues(specs))
    for index, lab in enumerate(specs):
        _work(room, lab, attempts, begun=BEGIN + 7 * index * DAY_S, share=0.95 - 0.1 * index)
    _afterwards(room)
    return room


def _dues(labs: list[Lab]) -> str:
    rules = ""
    for index, lab in enumerate(labs):
        due = BEGIN + (7 * index + 5) * DAY_S
        rules += f"[labs.{lab.id}]\ndue = {_toml(due)}\n"
    return rules


def _toml(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:00:00}Z"


def _people(count: int) -> Iterator[tuple[str, str, str]]:
    for index in range(count):
        first, last = _FIRST[index % len(_FIRST)], _LAST[(index * 7 + index // 20) % len(_LAST)]
        yield f"s{index + 1:03}", f"{first} {last}", f"{first.lower()}@uni.example"


def _work(room: Classroom, lab: Lab, attempts: int, begun: float, share: float) -> None:
    """A week in one lab: who takes part hands in some times, better each time."""
    plan = []
    for login in room.students:
        if room.chance.random() < share:
            skill = room.chance.gauss(0.3, 1.2)
            for attempt in range(room.chance.randint(1, attempts)):
                at = begun + room.chance.uniform(0, 1.2) * DAY_S + attempt * room.chance.uniform(0.2, 1.6) * DAY_S
                plan.append((at, login, skill + 0.8 * attempt, attempt))
    for at, login, skill, attempt in sorted(plan):
        room.clock.now = max(room.clock.now, at)
        room.grade(room.hand_in(login, lab, attempt).job.id, lab, skill)


def _afterwards(room: Classroom) -> None:
    """Now: some wait, some run, some chose to be seen, one got more time."""
    lab, logins = room.labs[-1], list(room.students)
    waiting = [room.hand_in(login, lab, 90) for login in logins[:7]]
    for receipt in waiting[:2]:
        running.claim(room.service, receipt.job.id, "worker-1")
    for index, login in enumerate(logins[::4]):
        board.list_me(room.service, room.students[login], COURSE, f"Draft {index + 1}", True)
    extending.extend(room.service, room.grader, COURSE, lab.id, logins[0], 2 * DAY_S, "was ill")


def _body(lab: Lab, attempt: int) -> str:
    lines = [f"def {name}(*args):" + f"\n    # version {attempt}\n    total = {attempt}\n    return total + len(args)\n"
             for name in lab.functions]  # fmt: skip
    return "\n".join(["import numpy as np\n", *lines, *[f"EXTRA_{i} = {i}" for i in range(attempt)]]) + "\n"


def _tests(lab: Lab, skill: float, chance: random.Random) -> Iterator[dict[str, Any]]:
    for index, test in enumerate(lab.tests):
        hard = 3.2 * index / len(lab.tests) - 1.2
        yield _test(test, index, skill - hard + chance.gauss(0, 0.7), chance)


def _test(test: TestSpec, index: int, ease: float, chance: random.Random) -> dict[str, Any]:
    """Odd tests are exact checks with a margin, and fail for few causes each."""
    passed = ease > 0
    told: list[dict[str, Any]] = []
    if index % 2:
        observed = 1e-5 * 10 ** (chance.gauss(-1.6, 0.8) if passed else abs(chance.gauss(0.9, 0.8)) + 0.02)
        told.append({"check": {"name": "largest error", "kind": "exact", "statistic": "largest error", "allowed": 1e-5,
                               "observed": min(observed, 9.9e-6) if passed else observed, "n": 60,
                               "false_fail_rate": 0.0, "conclusive": True}})  # fmt: skip
    if not passed:
        cause = _CAUSES[(index + (chance.random() < 0.3) + 2 * (chance.random() < 0.2)) % len(_CAUSES)]
        told.append({"diagnosis": {"cause": cause, "hint": "", "message": f"{test.name}: {cause}"}})
        if ease > -0.08:
            told.append({"verdict": "inconclusive"})
    outcome = "passed" if passed else "failed"
    return {"nodeid": f"test_lab.py::{test.name}", "outcome": outcome, **_STAGES, "user_properties": told,
            "call": {"outcome": outcome, "duration": 0.1}}  # fmt: skip


def main() -> None:
    """Fill a database and say how to get in."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    room = classroom(folder)
    for viewer in (room.grader, room.students["s001"]):
        print(viewer.person.login, access.issue(room.service, viewer.person, CredentialKind.TOKEN, "class").secret)


if __name__ == "__main__":
    main()
