"""A lab of the gpu queue: no cpu worker takes it, its student is told at once, whoever serves the queue runs it."""

from pathlib import Path

import pytest

from grader.client.remote import Remote
from tests.courses.copies import LAB, answer
from tests.school import COURSE, School

pytestmark = pytest.mark.bubblewrap

CPU, GPU = LAB, f"{LAB[:-1]}2"


def test_a_gpu_lab_waits_for_its_queue_and_the_student_is_told_at_once(tmp_path: Path) -> None:
    school = School(tmp_path, ["amy"], GRADER_QUEUES="cpu")
    manifest = tmp_path / "course" / GPU / "lab.toml"
    manifest.write_text('queue = "gpu"\n' + manifest.read_text(encoding="utf-8"), encoding="utf-8")
    school.grader.command("course", "sync", COURSE)
    clone = school.clone("amy")
    clone.commit({f"{CPU}/starter.py": answer(6, "a"), f"{GPU}/starter.py": answer(10, "b")})
    pushing = clone.pushing()
    pushing.until("no worker of the gpu queue is up")
    pushing.kill()
    assert "6 of 10 points" in pushing.told.text and "toy-2: submission 1 accepted" in pushing.told.text
    states = {one["lab"]: one["job"]["state"] for one in school.handed_in("amy")}
    assert states == {"toy-1": "graded", "toy-2": "queued"}
    [waiting] = [one for one in school.handed_in("amy") if one["lab"] == "toy-2"]
    with Remote(school.grader.url, school.tokens["amy"]) as remote:
        place = remote.submission(waiting["id"])["job"]["place"]
    assert (place["ahead"], place["slots"], place["eta_s"]) == (0, 0, None)

    assert school.grader.stop() == 0
    del school.grader.settings["GRADER_QUEUES"]
    school.grader.start()
    assert sorted(school.points("amy", 2)) == [6, 10]
    assert school.grader.stop() == 0
