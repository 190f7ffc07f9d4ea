"""Predictions are anybody's text: nothing is earned by what cannot be read, nothing breaks, and its student is told."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.lab_folder import CourseFolder, LabFolder
from grader.bootstrap.grading import SandboxRunner
from grader.domain.report import Verdict, read_report
from grader.domain.run import Assignment, Version
from grader.domain.score import score
from grader.domain.submission import Submission
from grader.steps import courses
from grader.steps.grading import grade, only
from tests.attacks.corpus import SEED, dirt, told, verdicts
from tests.attacks.predictions import (
    FINAL,
    FOLDER,
    GOOD,
    ID,
    NAME,
    REFUSED,
    SOLUTION,
    STARTER,
    UNREADABLE,
    predicting_course,
)
from tests.fakes import enrolled
from tests.integration.site import Desk, upload
from tests.labs.engine_answers import Engine
from tests.school import COURSE, School
from worker.sandbox.bubblewrap import Bubblewrap

VALID = "test_predictions_are_valid"
MEASURED = ("test_run_is_valid", "test_speedup", "test_acceptance_length", "test_best_k", "test_crossing_measured")


class Measurer:
    """Satisfies `Measurer`, with the answers of a run that was kept."""

    def __init__(self) -> None:
        self.engine = Engine()

    def measure(self, asked: Any, left: object, on_wait: object) -> dict[str, Any]:
        """See `Measurer`."""
        return self.engine(asked)

    def close(self) -> None:
        """See `Measurer`."""


def packed(data: bytes) -> bytes:
    """Both files of a submission in one archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("starter.py", STARTER)
        archive.writestr(NAME, data)
    return out.getvalue()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as it is given out."""
    return predicting_course(tmp_path_factory.mktemp("predicting") / "course")


@pytest.fixture
def desk(tmp_path: Path, course: Path) -> Iterator[Desk]:
    """A desk with that course."""
    one = Desk(tmp_path)
    courses.init_course(one.service, COURSE, "Predicting", str(course))
    enrolled(one.service, "amy", course=COURSE)
    yield one
    one.store.close()


def hand_in(desk: Desk, data: bytes) -> Any:
    where = f"/api/v1/courses/{COURSE}/labs/{ID}/submissions"
    return upload(desk.client("amy"), packed(data), "work.zip", where=where)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_text_is_refused_at_the_door(desk: Desk, name: str) -> None:
    build, says = REFUSED[name]
    answer = hand_in(desk, build())
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert (says in error["message"], NAME in error["message"]) == (True, True), error
    assert error["advice"] and error["fault"] == "student"
    assert desk.store.submissions.page(COURSE) == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_text_is_kept_and_so_much_of_it_told_to_the_spec(desk: Desk, name: str) -> None:
    data = UNREADABLE[name][0].encode()
    answer = hand_in(desk, data)
    assert answer.status_code == 201, answer.text
    kept = desk.store.submissions.files(answer.json()["digest"])
    assert kept is not None and kept.files[NAME] == data
    claimed = desk.worker().post(
        f"/api/worker/jobs/{answer.json()['job']['id']}/claim", json={"worker": "w", "queues": ["gpu"]}
    )
    [version] = claimed.json()["assignment"]["history"][NAME]
    assert version["text"] == data.decode()[: 16 * 1024]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> LabFolder:
    """The lab where a worker with an engine serves the course."""
    return CourseFolder(predicting_course(tmp_path_factory.mktemp("measured") / "course", measured=True)).find(ID)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_earns_nothing_and_is_told(measured: LabFolder, name: str) -> None:
    text, says = UNREADABLE[name]
    files, measurer = Submission({"starter.py": STARTER, NAME: text.encode()}), Measurer()
    runner = SandboxRunner(Bubblewrap(), measurer)
    outcome = grade(measured, files, SEED, runner, tests=(VALID, *MEASURED))
    assert outcome.score.points == 0
    assert verdicts(outcome) == dict.fromkeys((VALID, *MEASURED), Verdict.FAILED)
    assert measurer.engine.asked == []
    causes = {finding.cause: finding.message for finding in outcome.findings}
    assert set(causes) == {"predictions-not-valid", "nothing-sealed"}
    why = " ".join(causes["predictions-not-valid"].split())
    assert any(words in why for words in says.split("|")), why
    words = told(outcome)
    assert dirt(words) == set() and len(words) < 50_000


@pytest.mark.bubblewrap
def test_what_cannot_be_read_changes_nothing_of_what_was_sealed(measured: LabFolder) -> None:
    texts = [GOOD, *(text[: 16 * 1024] for text, _ in UNREADABLE.values()), FINAL, UNREADABLE["a page"][0]]
    versions = tuple(Version(f"2026-11-25T10:{at:02}:00+00:00", text) for at, text in enumerate(texts))
    files, measurer = Submission({"starter.py": STARTER, NAME: texts[-1].encode()}), Measurer()
    assignment = Assignment(
        measured.lab, measured.bundle(), measured.path, files, SEED, (VALID, *MEASURED), history={NAME: versions}
    )
    result = SandboxRunner(Bubblewrap(), measurer).run(assignment, lambda event: None)
    lab = only(measured.lab, (VALID, *MEASURED))
    report = read_report(result.report, lab)
    got = {test.name: test.verdict for test in report.tests}
    assert got == {**dict.fromkeys(MEASURED, Verdict.PASSED), VALID: Verdict.FAILED}
    worth = {test.name: test.points for test in lab.tests}
    assert score(report, lab).points == sum(worth[name] for name in MEASURED)
    assert [asked["what"] for asked in measurer.engine.asked] == ["all"]


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A running grader with that course."""
    folder = tmp_path_factory.mktemp("pushed")
    one = School(folder, ["amy", "bob"], GRADER_SUBMISSIONS_PER_MINUTE="1000")
    predicting_course(folder / "other")
    (folder / "other" / FOLDER).rename(folder / "course" / FOLDER)
    one.grader.command("course", "sync", COURSE)
    yield one
    assert one.grader.stop() == 0
    assert one.errors() == [], "nothing that anybody sent is an error of ours"


@pytest.mark.bubblewrap
def test_a_push_of_what_is_no_text_is_refused(school: School) -> None:
    clone = school.clone("amy")
    clean = clone.git("rev-parse", "HEAD")
    for name, (build, says) in REFUSED.items():
        clone.commit({f"{FOLDER}/{NAME}": build()}, name)
        told = clone.push()
        assert told.code != 0, (name, told.all)
        # what is larger than git may hold is refused by git, in its own words
        assert ("over limit" if name == "64 megabytes" else says) in told.text, (name, told.all)
        clone.git("reset", "--quiet", "--hard", clean)
    assert school.handed_in("amy") == []


@pytest.mark.bubblewrap
def test_a_push_of_what_cannot_be_read_is_told_so(school: School) -> None:
    clone = school.clone("bob")
    for name in ("100,000 tables", "a list of lists in a line", "a text that is a page", "a page", "no number"):
        text, says = UNREADABLE[name]
        clone.commit({f"{FOLDER}/starter.py": SOLUTION, f"{FOLDER}/{NAME}": text.encode()})
        told = clone.push()
        assert told.code == 0, (name, told.all)
        shown = " ".join(told.text.split())
        assert "0/3 predictions_are_valid" in shown and "97 of 100 points" in shown, told.all
        assert says in shown, told.all
        assert dirt(told.text) == set()
    assert school.points("bob", 5) == [97] * 5
