"""lab-02 as a student goes through it, on one service with a real engine: predict, see the baseline, be measured."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from grader.bootstrap.site import Site
from grader.client.remote import Remote
from grader.commands import serving
from grader.domain.people import Role
from grader.settings import Settings
from grader.steps import courses
from grader.steps.courses import Enrolment
from tests.courses.copies import let_measure
from tests.engine.vllm import python

LABS = Path(__file__).parents[2] / "labs"
LAB = "lab-02-eagle-on-real-vllm"
FOLDER = LABS / "phase-08-speculative-decoding" / "labs" / LAB
PREDICTIONS = (FOLDER / "examples" / "predictions.toml").read_text(encoding="utf-8")
MEASURED = {"test_speedup", "test_acceptance_length", "test_best_k", "test_crossing_measured"}
pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.bubblewrap]


@dataclass(frozen=True)
class Student:
    """One, at the API and with a browser."""

    course: str
    remote: Remote
    browser: httpx.Client

    def hand_in(self, predictions: str) -> tuple[dict[str, Any], list[str]]:
        """The course's solution with these predictions, graded; and what kinds of things were told meanwhile."""
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("starter.py", (FOLDER / "solution.py").read_bytes())
            archive.writestr("predictions.toml", predictions)
        receipt = self.remote.submit(self.course, LAB, "lab.zip", data.getvalue(), lambda: None)
        told = [event.kind for event in self.remote.follow(receipt["id"])]
        return self.remote.submission(receipt["id"]), told

    def page(self, submission: dict[str, Any]) -> str:
        """The result's page."""
        return self.browser.get(f"/submissions/{submission['id']}").raise_for_status().text


@pytest.fixture
def measuring_course(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    shutil.copytree(LABS, folder, ignore=shutil.ignore_patterns("__pycache__", ".results", ".pytest_cache"))
    let_measure(folder / FOLDER.relative_to(LABS))
    return folder


@pytest.fixture
def student(tmp_path: Path, measuring_course: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Student]:
    """Of a service in this process, with its worker and that worker's engine."""
    monkeypatch.setenv("GRADER_ENGINE", "tiny-cpu")
    monkeypatch.setenv("GRADER_ENGINE_PYTHON", str(python()))
    with serving.listen("127.0.0.1", 0) as listening, ExitStack() as open_:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = Settings(
            home=tmp_path / "home", labs=measuring_course, host="127.0.0.1", port=listening.getsockname()[1], url=url,
            sandbox="bubblewrap", queues="cpu,gpu",
        )  # fmt: skip
        site = Site(settings, with_worker=True)
        site.open_course()
        [course] = site.service.store.courses.courses()
        courses.enrol(site.service, course.id, [Enrolment("ada", "Ada", "", Role.STUDENT)])
        open_.enter_context(serving.served(site, listening))
        token = open_.enter_context(Remote(url)).exchange(courses.login_link(site.service, "ada"), "test")
        browser = open_.enter_context(httpx.Client(base_url=url, follow_redirects=True))
        browser.post("/login", data={"token": courses.login_link(site.service, "ada")}).raise_for_status()
        yield Student(course.id, open_.enter_context(Remote(url, token)), browser)


def verdicts(submission: dict[str, Any]) -> dict[str, str]:
    return {test["test"]: test["verdict"] for test in submission["tests"]}


def test_a_student_predicts_sees_the_baseline_and_is_measured(student: Student) -> None:
    assert "final = false" in PREDICTIONS
    first, told = student.hand_in(PREDICTIONS)
    assert told.count("measuring") == 1
    assert {verdicts(first)[name] for name in MEASURED} == {"failed"}
    assert first["job"]["points"] == 85
    page = student.page(first)
    assert "Predicted and measured" in page
    assert "final = true" in page
    last, told = student.hand_in(PREDICTIONS.replace("final = false", "final = true"))
    assert told.count("measuring") == 1
    found = verdicts(last)
    assert found["test_run_is_valid"] in ("passed", "inconclusive")
    assert {found[name] for name in MEASURED} <= {"passed", "failed", "inconclusive"}
    assert last["job"]["points"] >= 85
    page = student.page(last)
    assert page.count("<svg") >= 3
    assert "vLLM" in page
