"""The pages over the real application: what people click, and what they are told when it does not work."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from grader.domain.errors import Fault
from grader.domain.job import JobRules, JobState
from grader.steps import running
from tests.fakes import worker_is_up
from tests.integration.site import RIGHT, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def words(answer: Any) -> str:
    """What a reader reads, on one line."""
    plain = re.sub(r"<(script|style).*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", plain)).split())


def csrf(client: TestClient) -> str:
    """The hidden field of this browser's forms."""
    return re.findall(r'name="csrf" value="(\w+)"', client.get("/me").text)[0]


def send(client: TestClient, path: str, **fields: str) -> Any:
    """Press the button of a form."""
    return client.post(path, data={"csrf": csrf(client), **fields}, follow_redirects=False)


def hand_in(client: TestClient, data: bytes = RIGHT, name: str = "starter.py") -> Any:
    """Hand in on the lab's page."""
    fields = {"csrf": csrf(client)}
    return client.post(
        "/c/toy/labs/toy-1/submit", data=fields, files={"file": (name, data)}, follow_redirects=False
    )  # fmt: skip


def test_who_is_not_logged_in_is_sent_to_the_way_in(desk: Desk) -> None:
    answer = desk.client().get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Open the link your instructor sent you" in words(desk.client().get("/login"))


def test_a_wrong_link_is_told_on_the_form_it_was_pasted_into(desk: Desk) -> None:
    answer = desk.client().post("/login", data={"token": "grd_nonsense"})
    assert answer.status_code == 403
    assert "never was one" in words(answer) and 'name="token"' in answer.text


def test_a_token_or_the_whole_address_of_a_link_logs_in_as_well(desk: Desk) -> None:
    for pasted in (desk.tokens["amy"], f"https://grader.example/login?token={desk.tokens['amy']}"):
        client = desk.client()
        assert client.post("/login", data={"token": pasted}, follow_redirects=False).status_code == 303
        assert "Amy" in words(client.get("/"))


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/c/toy?x=1", "/c/toy?x=1"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"),
        ("", "/"), ("javascript:alert(1)", "/"), ("/a\r\nset-cookie: x=1", "/"), ("/\tevil", "/"), ("/ü", "/"),
    ],
)  # fmt: skip
def test_after_login_nobody_is_sent_to_another_site(wanted: str, given: str, desk: Desk) -> None:
    answer = desk.client().post("/login", data={"token": desk.tokens["amy"], "next": wanted}, follow_redirects=False)
    assert answer.headers["location"] == given


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_another_site_cannot_log_a_visitor_in(headers: dict[str, str], desk: Desk) -> None:
    answer = desk.client().post("/login", data={"token": desk.tokens["amy"]}, headers=headers, follow_redirects=False)
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


def test_logging_out_ends_the_session_everywhere(desk: Desk) -> None:
    client = desk.browser("amy")
    kept = client.cookies["grader_session"]
    assert send(client, "/logout").headers["location"] == "/login"
    again = desk.client()
    again.cookies.set("grader_session", kept)
    assert again.get("/", follow_redirects=False).status_code == 303


def test_the_session_cookie_is_out_of_reach_for_scripts_and_secure_over_https(desk: Desk) -> None:
    for scheme, secure in (("http", False), ("https", True)):
        client = TestClient(desk.app, base_url=f"{scheme}://grader.example")
        answer = client.post("/login", data={"token": desk.tokens["amy"]}, follow_redirects=False)
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and ("secure" in cookie) == secure


def test_a_student_hands_in_and_lands_on_the_live_page(desk: Desk) -> None:
    client = desk.browser("amy")
    assert "toy-1" in words(client.get("/c/toy"))
    assert "What is tested" in words(client.get("/c/toy/labs/toy-1"))
    answer = hand_in(client)
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert "data-events" in page.text and "No worker of the cpu queue is alive" in words(page)
    desk.clock.passes(5)
    worker_is_up(desk.service)
    assert "Yours is next, run by 2 slots" in words(client.get(answer.headers["location"]))
    assert "newest, no. 1 waiting" in words(client.get("/c/toy"))


def test_the_same_bytes_lead_to_the_same_result_and_say_so(desk: Desk) -> None:
    client = desk.browser("amy")
    first = hand_in(client).headers["location"]
    again = hand_in(client).headers["location"]
    assert again.startswith(first)
    assert "the very bytes you handed in before" in words(client.get(again))


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("starter.py", b"", "starter.py is empty"),
        ("work.zip", b"PK\x03\x04nothing", "work.zip is damaged"),
        ("<b>.zip", b"junk", "<b>.zip"),
        ("starter.py", b"a\x00b", "NUL"),
    ],
)
def test_a_refused_file_is_told_on_the_form_with_what_to_do(name: str, data: bytes, told: str, desk: Desk) -> None:
    answer = hand_in(desk.browser("amy"), data, name)
    assert answer.status_code == 422
    assert told in words(answer) and "→" in words(answer) and 'type="file"' in answer.text
    assert "<b>" not in answer.text


def test_a_form_without_a_file_or_without_its_secret_is_refused(desk: Desk) -> None:
    client = desk.browser("amy")
    assert send(client, "/c/toy/labs/toy-1/submit").status_code == 422
    bare = client.post("/c/toy/labs/toy-1/submit", files={"file": ("starter.py", RIGHT)})
    assert bare.status_code == 403 and "load the page again" in words(bare)
    assert desk.store.submissions.page("toy") == []


def test_an_unknown_lab_is_not_found_with_the_names_there_are(desk: Desk) -> None:
    answer = desk.browser("amy").get("/c/toy/labs/nope")
    assert answer.status_code == 404 and "toy-1" in words(answer) and "Log out" in words(answer)


@pytest.mark.parametrize("path", ["/c/other", "/c/nope", "/submissions/0123", "/nope", "/c/toy/people"])
def test_what_a_student_may_not_see_is_an_error_page_not_a_stack(path: str, desk: Desk) -> None:
    answer = desk.browser("amy").get(path)
    assert answer.status_code in (403, 404)
    assert "Traceback" not in answer.text and "Amy" in words(answer)


@pytest.mark.parametrize(
    "path", ["/c/a%00b", "/submissions/%00", f"/c/{'x' * 200}", "/c/toy/submissions?before=%00", "/c/toy/labs/%1b"]
)
def test_control_characters_in_an_address_are_refused_before_the_database_hears_of_them(path: str, desk: Desk) -> None:
    assert desk.browser("amy").get(path).status_code == 422


def test_the_owner_cancels_and_only_graders_run_again(desk: Desk) -> None:
    amy, gina = desk.browser("amy"), desk.browser("gina")
    here = hand_in(amy).headers["location"]
    assert send(amy, f"{here}/cancel").headers["location"] == here
    assert "It was cancelled" in words(amy.get(here))
    refused = send(amy, f"{here}/cancel")
    assert refused.status_code == 409 and "there is nothing left to cancel" in words(refused)
    assert send(amy, f"{here}/rerun").status_code == 403
    assert "Run again" in words(gina.get(here)) and "Run again" not in words(amy.get(here))
    desk.clock.passes(1)
    assert send(gina, f"{here}/rerun").headers["location"] == here
    assert "Runs of this submission" in words(amy.get(here))
    assert send(gina, f"{here}/rerun").status_code == 409


def test_students_find_their_own_submissions_and_graders_anybodys(desk: Desk) -> None:
    for login in ("amy", "bob"):
        desk.hand_in(login)
    amy, gina = desk.browser("amy"), desk.browser("gina")
    assert "Bob" not in words(amy.get("/c/toy/submissions?login=bob"))
    both = words(gina.get("/c/toy/submissions"))
    assert "Amy" in both and "Bob" in both
    assert "Amy" not in words(gina.get("/c/toy/submissions?login=bob")).replace("All submissions", "")
    assert "Nothing here" in words(gina.get("/c/toy/submissions?login=nobody"))
    assert "Nothing here" in words(gina.get("/c/toy/submissions?lab=toy-2"))
    assert "Amy" in words(gina.get("/c/toy/people"))


def test_long_lists_come_in_pages(desk: Desk) -> None:
    for i in range(53):
        desk.clock.passes(1)
        desk.hand_in("amy", RIGHT + b"# %d\n" % i)
    client = desk.browser("amy")
    first = client.get("/c/toy/submissions")
    numbers = re.findall(r'href="/submissions/\w+">(\d+)', first.text)
    older = html.unescape(re.findall(r'rel="next" href="([^"]+)"', first.text)[0])
    second = client.get(older)
    assert numbers == [str(i) for i in range(53, 3, -1)]
    assert re.findall(r'href="/submissions/\w+">(\d+)', second.text) == ["3", "2", "1"]
    assert 'rel="next"' not in second.text


def test_a_token_is_shown_once_and_worthless_after_it_is_revoked(desk: Desk) -> None:
    client, other = desk.browser("amy"), desk.browser("bob")
    made = send(client, "/me/tokens", label="<b>laptop</b>")
    secret = re.findall(r"(grd_[\w-]+)", made.text)[0]
    assert "<b>" not in made.text and secret not in client.get("/me").text
    program = TestClient(desk.app, headers={"Authorization": f"Bearer {secret}"})
    assert program.get("/api/v1/me").json()["login"] == "amy"
    revoke = re.findall(r'action="(/me/tokens/\d+/revoke)"', made.text)[0]
    assert send(other, revoke).status_code == 404
    assert send(client, revoke).headers["location"] == "/me"
    assert program.get("/api/v1/me").status_code == 401
    assert send(client, revoke).status_code == 404


def test_staff_see_who_works_what_waits_and_an_alarm_when_nobody_does(desk: Desk) -> None:
    desk.hand_in("amy")
    desk.clock.passes(90)
    gina = desk.browser("gina")
    shown = words(gina.get("/c/toy"))
    assert "No worker serves the cpu queue, where 1 job waits" in shown
    assert "grader worker --queues cpu" in shown
    assert "cpu 1 90 s 0" in shown
    worker_is_up(desk.service)
    shown = words(gina.get("/c/toy"))
    assert "No worker serves" not in shown and "w1 cpu fake ready, 0 of 2 slots busy" in shown
    assert "Workers" not in words(desk.browser("amy").get("/c/toy"))


def test_a_job_that_was_given_up_is_an_alarm_until_it_is_run_again(desk: Desk) -> None:
    receipt = desk.hand_in("amy")
    for _ in range(JobRules().max_attempts):
        desk.clock.passes(60)
        claimed = running.claim(desk.service, receipt.job.id, "w1")
        assert claimed is not None
        state = desk.store.jobs.give_back(
            receipt.job.id, claimed.job.attempt, Fault.US, "no <sandbox>", desk.clock(), desk.service.rules
        )
    assert state is JobState.DEAD
    amy, gina = desk.browser("amy"), desk.browser("gina")
    here = f"/submissions/{receipt.handin.id}"
    assert "That is our fault, not yours" in words(amy.get(here)) and "no <sandbox>" in words(amy.get(here))
    assert "1 submission could not be graded and will not be tried again" in words(gina.get("/c/toy"))
    assert f'href="{here}"' in gina.get("/c/toy").text and "no. 1 : no <sandbox>" in words(gina.get("/c/toy"))
    send(gina, f"{here}/rerun")
    assert "will not be tried again" not in words(gina.get("/c/toy"))


def test_static_files_are_named_after_their_content(desk: Desk) -> None:
    page = desk.client().get("/login").text
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert re.fullmatch(r"/static/[\w.]+\?v=[0-9a-f]{10}", address)
        assert desk.client().get(address).status_code == 200
