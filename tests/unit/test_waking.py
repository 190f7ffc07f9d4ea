"""Who is woken up when something changes: nobody finds out by looking again."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from grader.domain.job import JobState
from grader.domain.run import RunResult
from grader.steps import rerunning, running
from tests.fakes import worker_is_up
from tests.integration.site import Desk
from tests.marking import TESTS, report


@dataclass
class Heard:
    """What was told of: jobs whose watchers were woken, and how often the dispatcher was."""

    jobs: list[str] = field(default_factory=list)
    rounds: int = 0

    def woken(self) -> None:
        """The dispatcher may have something to do."""
        self.rounds += 1


@pytest.fixture
def heard() -> Heard:
    """Nothing yet."""
    return Heard()


@pytest.fixture
def desk(tmp_path: Path, heard: Heard) -> Iterator[Desk]:
    """A course whose watchers and dispatcher are `heard`."""
    one = Desk(tmp_path)
    one.service = replace(one.service, changed=heard.jobs.append, woken=heard.woken)
    yield one
    one.store.close()


def test_a_submission_wakes_the_dispatcher_and_whoever_follows_the_one_it_replaces(desk: Desk, heard: Heard) -> None:
    first = desk.hand_in(data=b"first = 1\n").job
    assert (heard.rounds, heard.jobs) == (1, [])
    desk.hand_in(data=b"second = 2\n")
    assert (heard.rounds, heard.jobs) == (2, [first.id])
    desk.hand_in("bob", data=b"third = 3\n")
    assert heard.jobs == [first.id]


def test_a_cancelled_job_makes_room_at_once(desk: Desk, heard: Heard) -> None:
    job = desk.hand_in().job
    rerunning.cancel(desk.service, desk.people["amy"], job.submission_id)
    assert (heard.rounds, heard.jobs) == (2, [job.id])


def test_a_result_wakes_both(desk: Desk, heard: Heard) -> None:
    job = desk.hand_in().job
    claimed = running.claim(desk.service, job.id, "w1")
    assert claimed is not None
    heard.jobs.clear()
    state = running.accept(desk.service, claimed.job, RunResult(report(*TESTS), "fake", "split", 0.1, None, ""))
    assert state is JobState.GRADED
    assert (heard.rounds, heard.jobs) == (2, [job.id])


def test_a_workers_sign_of_life_wakes_the_dispatcher(desk: Desk, heard: Heard) -> None:
    worker_is_up(desk.service)
    assert heard.rounds == 1
