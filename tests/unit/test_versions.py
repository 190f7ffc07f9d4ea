"""What a spec is told of the past: versions of a file, each once, up to the submission that is graded."""

from dataclasses import replace
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.lab import Lab
from grader.domain.run import Version
from grader.domain.submission import Submission
from grader.steps import courses, intake, running
from grader.steps.service import Service
from grader.steps.versions import MOST_CHARACTERS, versions
from tests.contract.desk import MANIFEST
from tests.fakes import ManualClock, enrolled, make_service
from worker.attempt import read_assignment

FILES = (
    'submission = ["starter.py", "predictions.toml"]\noptional = ["predictions.toml"]\nhistory = ["predictions.toml"]'
)
TOLD = MANIFEST.replace('submission = ["starter.py"]', FILES)
LAB = Lab.from_toml(TOLD, file="lab.toml")
EPOCH = "1970-01-01T00:00:00+00:00"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(tmp_path: Path, clock: ManualClock) -> Service:
    folder = tmp_path / "course" / "phase" / "labs" / "toy"
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text(TOLD, encoding="utf-8")
    for name in ("test_lab.py", "starter.py", "solution.py", "predictions.toml"):
        (folder / name).write_text("x = 1\n", encoding="utf-8")
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    service = make_service(store, clock)
    courses.init_course(service, "c", "Course", str(tmp_path / "course"))
    return service


def hand_in(service: Service, clock: ManualClock, login: str, program: str, predictions: str | None) -> str:
    """The job's id."""
    clock.passes(60)
    viewer = enrolled(service, login, course="c")
    (lab,) = service.store.courses.labs("c")
    files = {"starter.py": program.encode()} | ({"predictions.toml": predictions.encode()} if predictions else {})
    return intake.submit_files(service, viewer, lab, Submission(files), "test").job.id


def told(service: Service, job: str) -> list[str]:
    claimed = running.claim(service, job, "w")
    assert claimed is not None
    return [one.text for one in claimed.history["predictions.toml"]]


def test_each_version_is_told_once_and_a_program_alone_changes_none(service: Service, clock: ManualClock) -> None:
    for program, predictions in [("a", None), ("b", "1"), ("c", "1"), ("d", "2"), ("e", None), ("f", "1")]:
        job = hand_in(service, clock, "amy", program, predictions)
    hand_in(service, clock, "bob", "b", "7")
    assert told(service, job) == ["1", "2", "1"]


def test_what_was_said_first_is_not_pushed_out_by_saying_more(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.steps.versions.MOST_VERSIONS", 3)
    for number in range(6):
        job = hand_in(service, clock, "amy", "a", str(number))
    assert told(service, job) == ["0", "1", "2"]


def test_a_lab_without_a_history_asks_for_none(service: Service, clock: ManualClock) -> None:
    job = hand_in(service, clock, "amy", "a", "1")
    claimed = running.claim(service, job, "w")
    assert claimed is not None
    assert [version.at.endswith("+00:00") for version in claimed.history["predictions.toml"]] == [True]
    assert versions(replace(LAB, history=()), claimed.files, 0.0) == {}


def test_in_a_group_lab_it_is_the_teams(service: Service, clock: ManualClock) -> None:
    hand_in(service, clock, "amy", "a", "amy's")
    job = hand_in(service, clock, "bob", "b", "bob's")
    store, people = service.store, [service.store.accounts.person(login) for login in ("amy", "bob")]
    for person in people:
        assert person is not None
        store.standings.put_team("c", person.id, "blue")
    assert told(service, job) == ["bob's"]
    store.standings.put_rules("c", "[labs.toy]\ngroups = true\n")
    late = hand_in(service, clock, "bob", "c", None)
    assert told(service, late) == ["amy's", "bob's"]


def test_what_is_no_text_is_told_as_far_as_it_is() -> None:
    files = Submission({"predictions.toml": b"\xef\xbb\xbfa\xff" + b"b" * (2 * MOST_CHARACTERS), "starter.py": b"x"})
    (version,) = versions(LAB, files, 0.0).values()
    assert version == Version(EPOCH, ("a\N{REPLACEMENT CHARACTER}" + "b" * MOST_CHARACTERS)[:MOST_CHARACTERS])


def test_a_worker_reads_what_the_grader_tells() -> None:
    claim = {
        "manifest": TOLD, "bundle": {}, "lab_path": "p", "files": {}, "seed": 1,
        "history": {"predictions.toml": [{"at": EPOCH, "text": "1"}]},
    }  # fmt: skip
    assert read_assignment(claim).history == {"predictions.toml": (Version(EPOCH, "1"),)}
    assert read_assignment({**claim, "history": {}}).history == {}
