"""The service in a process of its own, with its embedded worker, beside a forge that goes and comes back."""

from pathlib import Path

import httpx
import pytest

from tests.courses.copies import LAB, answer, toy_course
from tests.fake_forge import TOKEN, FakeForge, Hook
from tests.programs import Grader, scores

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

COURSE = "basics"
REPOSITORY = "org/phase08-amy"


def test_a_push_to_a_forge_is_graded_and_shown_there_whatever_is_killed_meanwhile(tmp_path: Path) -> None:
    forge = FakeForge(tmp_path / "forge")
    labs = toy_course(tmp_path / "labs", labs=2)
    settings = {"GRADER_LABS": str(labs), "GRADER_SANDBOX": "bubblewrap", "GRADER_SLOTS": "1"}
    grader = Grader(tmp_path, settings)
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "forges.toml"
    file.touch(mode=0o600)
    file.write_text(forge.toml(COURSE), encoding="utf-8")
    grader.start()
    try:
        amy = grader.enrol(COURSE, ["amy"])["amy"]
        second = LAB.replace("toy-1", "toy-2")
        starters = {f"{lab}/starter.py": (labs / lab / "starter.py").read_bytes() for lab in (LAB, second)}
        first = forge.commit(REPOSITORY, {**starters, f"{LAB}/starter.py": answer(6, "first")})
        assert send(grader, forge.push(REPOSITORY, first)) == 202
        forge.wait_for(lambda: ("grader/toy-1", "failure", "6 of 10 points") in forge.shown())
        assert {context for context, _, _ in forge.shown()} == {"grader/toy-1"}

        forge.down()
        commit = forge.commit(
            REPOSITORY, {f"{LAB}/starter.py": answer(10, "a"), f"{second}/starter.py": answer(4, "b")}
        )
        hook = forge.push(REPOSITORY, commit)
        assert send(grader, hook) == 202
        grader.kill()
        grader.start()
        assert send(grader, hook) == 200  # known
        forge.up()
        forge.wait_for(lambda: ended(forge, commit) == {"grader/toy-1": "success", "grader/toy-2": "failure"})
        reached = {row["lab"]: row["points"] for row in scores(grader.url, amy, COURSE)}
        assert reached == {"toy-1": 10, "toy-2": 4}
        finals = [(one.context, one.commit) for one in forge.statuses if one.state != "pending"]
        assert len(finals) == len(set(finals)) == 3
        page = httpx.get(forge.statuses[-1].url, headers={"Authorization": f"Bearer {amy}"}, trust_env=False)
        assert page.status_code == 200
        assert grader.stop() == 0
        assert TOKEN not in grader.log.read_text(encoding="utf-8")
        assert [asked.path for asked in forge.asked if TOKEN in asked.path] == []
    finally:
        grader.kill()
        forge.down()


def test_a_bad_file_of_forges_stops_the_start_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    file = tmp_path / "home" / "forges.toml"
    file.touch(mode=0o600)
    file.write_text('[basics]\nkind = "github"\nurl = "x"\ntoken = ""\n', encoding="utf-8")
    grader = Grader(tmp_path, {"GRADER_LABS": str(toy_course(tmp_path / "labs"))})
    with pytest.raises(AssertionError, match="the grader ended"):
        grader.start()
    said = grader.said()
    for key in ("basics.url", "basics.webhook_secret", "basics.token", "basics.repositories"):
        assert key in said
    assert "Traceback" not in said


def send(grader: Grader, hook: Hook) -> int:
    """What the grader says to a webhook."""
    answer = httpx.post(
        f"{grader.url}/webhooks/{COURSE}", content=hook.body, headers=dict(hook.headers), trust_env=False, timeout=30
    )
    return answer.status_code


def ended(forge: FakeForge, commit: str) -> dict[str, str]:
    """The last word on each lab of a commit."""
    return {one.context: one.state for one in forge.statuses if one.commit == commit and one.state != "pending"}
