"""Reruns over HTTP: the pages without any script, the API, and the command line against them."""

import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from grader import __main__ as program
from grader.domain.rerun import Selection
from grader.steps import reruns
from tests.integration.site import Desk
from tests.integration.test_live_page import served
from tests.integration.test_pages import send, words
from tests.marking import Class, grade, report
from tests.services import wait_until

BOTH = ("test_double", "test_total")
NEW = "/c/toy/reruns/new?lab=toy-1"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Amy passes one test, Bob the other."""
    one = Desk(tmp_path)
    school = Class(one.service)
    school.hand_in(one.people["amy"], "test_double")
    school.hand_in(one.people["bob"], "test_total")
    yield one
    one.store.close()


def grade_all(desk: Desk, rerun_id: str, *passed: str) -> None:
    """Grade every job of a rerun alike."""
    for item in desk.store.reruns.items(rerun_id):
        grade(desk.service, item.job_id, report(*passed))


def begun(client: TestClient, **fields: str) -> str:
    """Start one with the form; its page."""
    answer = send(client, "/c/toy/reruns", lab="toy-1", **fields)
    assert answer.status_code == 303, words(answer)
    return str(answer.headers["location"])


def test_from_the_form_to_a_reverted_rerun_by_links_and_buttons_alone(desk: Desk) -> None:
    gina, amy = desk.browser("gina"), desk.browser("amy")
    assert "None yet" in words(gina.get("/c/toy/reruns"))
    chosen = words(gina.get(f"{NEW}&test=test_total&verdict=failed"))
    assert "This selects 1 submission" in chosen and "Amy" in chosen and "Bob" not in chosen
    here = begun(gina, test="test_total", verdict="failed", note="<b>wrong</b>")
    page = gina.get(here)
    assert "0 of 1 graded" in words(page) and "progress.js" in page.text and "<b>" not in page.text
    assert "&lt;b&gt;wrong" in page.text
    grade_all(desk, here.rpartition("/")[2], *BOTH)
    ready = gina.get(here)
    assert "What applying it would do ↑ 1 up ↓ 0 down" in words(ready)
    assert 'role="img"' in ready.text and "1 up, 0 down, 0 unchanged, 0 unsettled" in ready.text
    assert re.search(r'href="/submissions/\w+\?job=\w+">6', ready.text)
    asked = words(gina.get(f"{here}/confirm?action=apply&never_lower=false"))
    assert "1 submission of toy-1 will count by the rerun: 1 up" in asked
    assert send(gina, f"{here}/apply", never_lower="false").headers["location"] == here
    assert "What it did" in words(gina.get(here))

    told = amy.get("/c/toy")
    assert "It went 6 → 10" in words(told) and "10 of 10" in words(told)
    see = re.findall(r'<a href="(/submissions/\w+)">See why', told.text)[0]
    assert "Graded again by a rerun of the spec on" in words(amy.get(see)) and "<b>" not in amy.get(see).text
    seen = re.findall(r'action="(/notices/\d+/seen)"', told.text)[0]
    assert send(amy, seen).status_code == 303
    assert "It went" not in words(amy.get("/c/toy"))

    assert send(gina, f"{here}/revert").headers["location"] == here
    assert "6 of 10" in words(amy.get("/c/toy"))
    again = send(gina, f"{here}/revert")
    assert again.status_code == 409 and "cannot be reverted" in words(again)
    assert "reverted" in words(gina.get("/c/toy/reruns"))


def test_the_policy_is_switched_before_it_is_applied(desk: Desk) -> None:
    gina = desk.browser("gina")
    here = begun(gina)
    grade_all(desk, here.rpartition("/")[2], "test_total")
    assert "↓ 1 down" in words(gina.get(here))
    kept = words(gina.get(f"{here}?never_lower=true"))
    assert "↓ 0 down" in kept and "1 kept, would go down" in kept
    assert "1 score that would go down is kept" in words(gina.get(f"{here}/confirm?action=apply&never_lower=true"))
    send(gina, f"{here}/apply", never_lower="true")
    assert "6 of 10" in words(desk.browser("amy").get("/c/toy"))


def test_cancelling_and_discarding_leave_every_score_alone(desk: Desk) -> None:
    gina = desk.browser("gina")
    here = begun(gina)
    assert "0 of 2 were graded" in words(gina.get(f"{here}/confirm?action=cancel"))
    assert send(gina, f"{here}/cancel").status_code == 303
    assert "cancelled" in words(gina.get(here))
    other = begun(gina)
    assert send(gina, f"{other}/discard").status_code == 409
    grade_all(desk, other.rpartition("/")[2])
    assert send(gina, f"{other}/discard").status_code == 303
    assert "it cannot be done" in words(gina.get(f"{other}/confirm?action=apply"))
    assert "6 of 10" in words(desk.browser("amy").get("/c/toy"))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("&verdict=failed", "name the test as well"),
        ("&test=test_total&verdict=sad", "no verdict"),
        ("&login=nobody", "This selects nothing"),
        ("&test=no_such_test", "This selects nothing"),
        ("&test=%3Cb%3E&verdict=failed", "This selects nothing"),
    ],
)
def test_a_choice_that_finds_nobody_is_told_on_the_form(query: str, told: str, desk: Desk) -> None:
    answer = desk.browser("gina").get(NEW + query)
    assert told in words(answer) and "<b>" not in answer.text and answer.status_code in (200, 409)
    assert "Grade" not in words(answer).partition("This selects")[2].replace("Graded by", "")


@pytest.mark.parametrize("path", ["confirm?action=explode", "confirm?action=", "../../other/reruns/x", "nope/apply"])
def test_an_address_that_leads_nowhere_is_not_found(path: str, desk: Desk) -> None:
    gina = desk.browser("gina")
    assert gina.get(f"{begun(gina)}/{path}").status_code in (404, 405)


def test_a_rerun_is_found_in_its_own_course_alone(desk: Desk) -> None:
    here = begun(desk.browser("gina"))
    otto = desk.browser("otto")
    assert otto.get(here).status_code == 404
    assert otto.get(here.replace("/toy/", "/other/")).status_code == 404
    assert send(otto, here.replace("/toy/", "/other/") + "/cancel").status_code == 404


def test_the_button_of_a_scored_submission_opens_a_rerun_of_it_alone(desk: Desk) -> None:
    gina = desk.browser("gina")
    [newest, *_] = desk.store.submissions.page("toy", person_id=desk.people["amy"].person.id)
    answer = send(gina, f"/submissions/{newest.handin.id}/rerun")
    assert answer.headers["location"].startswith("/c/toy/reruns/")
    assert "one submission" in words(gina.get(answer.headers["location"])).lower()


def test_programs_do_the_same_by_the_api(desk: Desk) -> None:
    gina = desk.client("gina")
    where = "/api/v1/courses/toy/reruns"
    assert gina.get(f"{where}/selected", params={"lab": "toy-1"}).json() == {"submissions": 2}
    assert [spec["current"] for spec in gina.get("/api/v1/courses/toy/labs/toy-1/specs").json()] == [True]
    made = gina.post(where, json={"lab": "toy-1", "note": "x"})
    assert made.status_code == 201 and made.json()["items"] == 2
    one = f"/api/v1/reruns/{made.json()['id']}"
    assert gina.get(one).json()["preview"] is None
    refused = gina.post(f"{one}/apply")
    assert refused.status_code == 409 and "running" in refused.json()["error"]["message"]
    grade_all(desk, made.json()["id"], *BOTH)
    seen = gina.get(one).json()
    assert (seen["state"], seen["preview"]["counts"]["up"]) == ("ready", 2)
    rows = gina.get(f"{one}/items").json()
    assert [(row["login"], row["before"], row["after"], row["fate"]) for row in rows] == [
        ("amy", 6, 10, "moves"), ("bob", 4, 10, "moves"),
    ]  # fmt: skip
    assert gina.post(f"{one}/apply", json={"never_lower": True}).json()["state"] == "applied"
    amy = desk.client("amy")
    [told] = amy.get("/api/v1/notices").json()
    assert told["change"] == "6 → 10"
    assert desk.client("bob").post(f"/api/v1/notices/{told['id']}/seen").status_code == 200
    assert len(amy.get("/api/v1/notices").json()) == 1
    assert amy.post(f"/api/v1/notices/{told['id']}/seen").json() == []
    assert gina.post(f"{one}/revert").json()["state"] == "reverted"
    assert [row["state"] for row in gina.get(where).json()] == ["reverted"]
    assert gina.post(where, json={"lab": "toy-1", "nonsense": 1}).status_code == 422


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Run]:
    """`grader …` as somebody, against the desk at an address of its own; nobody sits at the keyboard."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "100")

    with served(desk) as address:

        def command(login: str, *said: str) -> tuple[int, str, str]:
            monkeypatch.setenv("GRADER_URL", address)
            monkeypatch.setenv("GRADER_TOKEN", desk.tokens[login])
            monkeypatch.setattr(sys, "argv", ["grader", *said])
            monkeypatch.setattr(sys, "stdin", io.StringIO())
            with pytest.raises(SystemExit) as ended:
                program.main()
            shown = capsys.readouterr()
            return int(ended.value.code or 0), shown.out, shown.err

        yield command


def test_the_command_line_previews_applies_and_reverts(desk: Desk, run: Run) -> None:
    rerun = reruns.begin(desk.service, desk.people["gina"], "toy", Selection("toy-1"))
    grade_all(desk, rerun.id, *BOTH)
    code, out, _ = run("gina", "rerun", rerun.id)
    assert code == 0
    assert re.search(r"amy +6 +10 +↑ up", out) and "2 up, 0 down, 0 same" in out and "Nothing has changed" in out
    assert "6 of 10" in run("amy", "status")[1]
    code, out, _ = run("gina", "rerun", rerun.id, "--apply")
    assert code == 0 and f"To undo it: grader rerun {rerun.id} --revert" in out
    code, out, _ = run("amy", "status")
    assert "6 → 10 points" in out and "10 of 10" in out
    assert "6 → 10" not in run("amy", "status")[1]
    assert run("gina", "rerun", "--revert", rerun.id)[0] == 0
    assert "reverted" in run("gina", "rerun", "--list", "--course", "toy")[1]
    assert run("gina", "rerun", rerun.id, "--apply")[0] == 2


def work(desk: Desk) -> None:
    """Wait for a rerun, and grade all of it."""
    wait_until(lambda: bool(desk.store.reruns.page("toy")), "a rerun is begun")
    grade_all(desk, desk.store.reruns.page("toy")[0].id, *BOTH)


def test_the_command_line_begins_one_follows_it_and_applies_it(desk: Desk, run: Run) -> None:
    worker = threading.Thread(target=work, args=(desk,))
    worker.start()
    whose = ("--course", "toy", "--lab", "toy", "--test", "test_total", "--verdict", "failed")
    code, out, _ = run("gina", "rerun", *whose, "--apply", "--json")
    worker.join()
    assert code == 0
    told = json.loads(out)
    assert (told["state"], told["items"], told["preview"]["counts"]["up"]) == ("applied", 1, 1)
    assert [(row["login"], row["after"]) for row in told["rows"]] == [("amy", 10)]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["--lab", "toy-1"], "whose submissions?"),
        (["--lab", "toy-1", "--all", "--verdict", "failed"], "name the test"),
        (["--lab", "toy-1", "--student", "nobody"], "nothing to grade again"),
        (["--lab", "toy-1", "--all", "--spec", "beef"], "not one of the specs"),
        (["--revert"], "which rerun?"),
        (["nonsense", "--apply"], "no such rerun"),
        (["x", "--apply", "--revert"], "one thing at a time"),
    ],
)
def test_what_graders_get_wrong_is_a_sentence(said: list[str], told: str, run: Run) -> None:
    code, _, err = run("gina", "rerun", "--course", "toy", *said)
    assert code == 2 and told in err


def test_students_have_nothing_to_rerun(run: Run) -> None:
    code, _, err = run("amy", "rerun", "--course", "toy", "--lab", "toy-1", "--all")
    assert code == 2 and "needs the role grader" in err
