"""One process that is the whole product measures too: two pushes, real vLLM, and what was predicted in both."""

from pathlib import Path

import pytest

from tests.courses.copies import LAB, answer
from tests.engine.vllm import python
from tests.school import COURSE, School

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.bubblewrap]
#: Points for each version of the predictions, once plain decoding was measured.
SPEC = """

import pytest


@pytest.mark.gpu
def test_measured(engine, handed_in, record_property):
    told = engine.measure({"what": "baseline"})
    assert told["profile"] == "tiny-cpu"
    assert min(told["baseline"].values()) > 0
    record_property("share", min(1.0, len(handed_in("predictions.toml")) / 2))
"""
LISTED = '\n[[tests]]\nname = "test_measured"\npoints = 4\nstage = 3\nmeasured = true\nclaim = "predicted twice"\n'


def test_a_push_is_measured_by_the_service_itself(tmp_path: Path) -> None:
    school = School(tmp_path, ["amy"], GRADER_ENGINE="tiny-cpu", GRADER_ENGINE_PYTHON=str(python()))
    folder = tmp_path / "course" / LAB
    manifest = (folder / "lab.toml").read_text(encoding="utf-8")
    files = 'submission = ["starter.py", "predictions.toml"]\nhistory = ["predictions.toml"]\nmeasured = true'
    manifest = manifest.replace('submission = ["starter.py"]', files).replace("max_score = 10", "max_score = 14")
    (folder / "lab.toml").write_text(manifest + LISTED, encoding="utf-8")
    with (folder / "test_lab.py").open("a", encoding="utf-8") as spec:
        spec.write(SPEC)
    school.grader.command("course", "sync", COURSE)
    clone = school.clone("amy")
    for number, points in ((1, [12]), (2, [14, 12])):
        clone.commit({f"{LAB}/starter.py": answer(10, "a"), f"{LAB}/predictions.toml": f"value = {number}\n".encode()})
        clone.push()
        assert school.points("amy", number) == points
    assert school.grader.stop() == 0
    assert school.errors() == []
