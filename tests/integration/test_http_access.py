"""Who may use which route: every route has a rule, and every role meets it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.testclient import TestClient

from grader.domain.rerun import Selection
from grader.steps import access, reruns
from grader.web.access import RULES, SESSION_COOKIE, csrf_token
from tests.integration.site import CLAIM, WORKER_TOKEN, Desk, upload
from tests.marking import grade, report
from tests.rules_of import course_toml


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A course with people."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def routes(desk: Desk) -> list[RouteContext]:
    """Everything the app serves but its own schema and static files."""
    found = list(iter_route_contexts(desk.app.routes))
    return [route for route in found if route.path not in ("/api/v1/openapi.json", "/static")]


def rules(route: RouteContext) -> list[object]:
    found: list[object] = []
    waiting = list(route.dependant.dependencies)
    while waiting:
        dependant = waiting.pop()
        if dependant.call in RULES:
            found.append(dependant.call)
        waiting += dependant.dependencies
    return found


def test_every_route_has_exactly_one_rule(desk: Desk) -> None:
    assert len(routes(desk)) > 30
    wrong = {route.path: rules(route) for route in routes(desk) if len(set(rules(route))) != 1}
    assert wrong == {}


#: route -> who gets in; the submission is amy's. Everything that is not listed here is for everybody.
STUDENTS = {"amy", "bob", "gina", "ines"}
OWNER = {"amy", "gina", "ines"}
STAFF = {"gina", "ines"}
ANYONE = {"amy", "bob", "gina", "ines", "otto"}
WHO = {
    "GET /api/v1/me": ANYONE,
    "GET /api/v1/tokens": ANYONE,
    "POST /api/v1/tokens": ANYONE,
    "DELETE /api/v1/tokens/{token_id}": set(),  # one's own alone: see below
    "GET /api/v1/courses/{course}/labs": STUDENTS,
    "POST /api/v1/courses/{course}/labs/{lab}/submissions": STUDENTS,
    "GET /api/v1/courses/{course}/submissions": STUDENTS,
    "GET /api/v1/courses/{course}/scores": STUDENTS,
    "GET /api/v1/submissions/{submission_id}": OWNER,
    "GET /api/v1/submissions/{submission_id}/events": OWNER,
    "POST /api/v1/submissions/{submission_id}/rerun": STAFF,
    "POST /api/v1/submissions/{submission_id}/cancel": OWNER,
    "GET /api/v1/courses/{course}/labs/{lab}/specs": STAFF,
    "GET /api/v1/courses/{course}/reruns": STAFF,
    "POST /api/v1/courses/{course}/reruns": STAFF,
    "GET /api/v1/courses/{course}/reruns/selected": STAFF,
    "GET /api/v1/reruns/{rerun_id}": STAFF,
    "GET /api/v1/reruns/{rerun_id}/items": STAFF,
    "POST /api/v1/reruns/{rerun_id}/apply": STAFF,
    "POST /api/v1/reruns/{rerun_id}/revert": STAFF,
    "POST /api/v1/reruns/{rerun_id}/discard": STAFF,
    "POST /api/v1/reruns/{rerun_id}/cancel": STAFF,
    "GET /api/v1/notices": ANYONE,
    "POST /api/v1/notices/{notice_id}/seen": ANYONE,  # of somebody else's nothing happens: test_reruns
    "GET /": ANYONE,
    "GET /me": ANYONE,
    "POST /me/tokens": ANYONE,
    "POST /me/tokens/{token_id}/revoke": set(),
    "POST /logout": ANYONE,
    "GET /c/{course}": STUDENTS,
    "GET /c/{course}/labs/{lab}": STUDENTS,
    "POST /c/{course}/labs/{lab}/submit": STUDENTS,
    "GET /c/{course}/submissions": STUDENTS,
    "GET /c/{course}/people": STAFF,
    "GET /c/{course}/reruns": STAFF,
    "POST /c/{course}/reruns": STAFF,
    "GET /c/{course}/reruns/new": STAFF,
    "GET /c/{course}/reruns/{rerun_id}": STAFF,
    "GET /c/{course}/reruns/{rerun_id}/confirm": STAFF,
    "POST /c/{course}/reruns/{rerun_id}/{action}": STAFF,
    "POST /notices/{notice_id}/seen": ANYONE,
    "GET /api/v1/courses/{course}/events": STAFF,
    "GET /c/{course}/board": STAFF,
    "GET /c/{course}/public": STUDENTS,
    "POST /c/{course}/public": {"amy", "bob"},  # only students are on it
    "GET /c/{course}/labs/{lab}/insight": STAFF,
    "GET /c/{course}/gradebooks": STAFF,
    "POST /c/{course}/gradebooks/canvas": STAFF,
    "GET /c/{course}/labs/{lab}/gradescope": STAFF,
    "GET /c/{course}/students/{login}": OWNER,
    "POST /c/{course}/students/{login}/extend": STAFF,
    "GET /c/{course}/compare": OWNER,
    "GET /submissions/{submission_id}": OWNER,
    "POST /submissions/{submission_id}/rerun": STAFF,
    "POST /submissions/{submission_id}/cancel": OWNER,
}
PUBLIC = {"GET /login", "POST /login", "POST /api/v1/login", "GET /healthz", "GET /readyz", "GET /metrics",
          "POST /webhooks/{course}"}  # fmt: skip


#: Who may clone and push what: tests/integration/test_git_hostile.py, with the real git.
GIT = {"GET /git/{course}/{repository}/info/refs", "POST /git/{course}/{repository}/{wanted}"}


def named(desk: Desk) -> set[str]:
    return {f"{method} {route.path}" for route in routes(desk) for method in route.methods or () if method != "HEAD"}


def test_every_route_is_in_the_table_of_roles(desk: Desk) -> None:
    workers = {name for name in named(desk) if "/api/worker/" in name}
    assert named(desk) - workers == set(WHO) | PUBLIC | GIT


@pytest.mark.parametrize("name", sorted(WHO))
def test_each_role_gets_in_where_it_may_and_nowhere_else(desk: Desk, name: str) -> None:
    method, path = name.split()
    got_in = set()
    for login in ANYONE:
        # the newest submission is amy's, ended, so that whoever may rerun it can
        handin = desk.hand_in("amy", f"x = {len(got_in)}  # {login}".encode()).handin
        if path.endswith(("rerun", "events")):
            desk.client("amy").post(f"/api/v1/submissions/{handin.id}/cancel")
        rerun = a_rerun(desk, handin.id, path) if "{rerun_id}" in path else ""
        filled = path.format(course="toy", lab="toy-1", submission_id=handin.id, token_id=1_000_000, rerun_id=rerun,
                             notice_id=1_000_000, action="cancel", login="amy")  # fmt: skip
        answer = act(desk, login, method, filled, handin.id)
        assert answer.status_code < 500, (login, answer.text)
        assert answer.status_code in (200, 201, 204, 303, 403, 404), (login, answer.status_code, answer.text)
        if answer.status_code < 400:
            got_in.add(login)
    assert got_in == WHO[name]
    assert TestClient(desk.app).request(method, filled, follow_redirects=False).status_code in (401, 303)


def a_rerun(desk: Desk, submission_id: str, path: str) -> str:
    """A rerun of that submission, in the state that the route is about."""
    selection = Selection("toy-1", newest=True, submission_id=submission_id)
    rerun = reruns.begin(desk.service, desk.people["gina"], "toy", selection)
    if path.endswith(("apply", "discard", "revert")):
        for item in desk.store.reruns.items(rerun.id):
            grade(desk.service, item.job_id, report("test_double"))
    if path.endswith("revert"):
        reruns.apply(desk.service, desk.people["gina"], rerun.id)
    return rerun.id


def act(desk: Desk, login: str, method: str, path: str, submission_id: str = ""):  # type: ignore[no-untyped-def]
    client = desk.client(login)
    selected = {"lab": "toy-1", "submission_id": submission_id, "newest": True}
    if path.endswith("/reruns/selected"):
        return client.request(method, path, params={"lab": "toy-1"})
    if path.endswith("/compare"):
        return client.request(method, path, params={"a": submission_id, "b": submission_id}, follow_redirects=False)
    if path.endswith("/toy/events"):
        desk.watchers.close()  # or the stream would not end
    if path.endswith("/extend"):
        desk.store.standings.put_rules("toy", course_toml(due=desk.clock()))
        return client.post(path, data={"lab": "toy-1", "days": "1"}, follow_redirects=False)
    if path.endswith("/canvas"):
        gradebook = {"file": ("x.csv", b"Student,ID,SIS Login ID,Section\nAmy,1,amy,A\n")}
        return client.post(path, data={"lab": "toy-1"}, files=gradebook, follow_redirects=False)
    if path.endswith("/reruns") and method == "POST":
        how = {"json": selected} if path.startswith("/api/") else {"data": selected}
        return client.request(method, path, follow_redirects=False, **how)
    if path.startswith("/api/"):
        json = {"label": "x"} if path.endswith("/tokens") else None
        files = {"file": ("starter.py", b"y = 1")} if path.endswith("/submissions") and method == "POST" else None
        return client.request(method, path, json=json, files=files, follow_redirects=False)
    files = {"file": ("starter.py", b"y = 1")} if path.endswith("/submit") else None
    return client.request(method, path, data={"label": "x"} if method == "POST" else None, files=files,
                          follow_redirects=False)  # fmt: skip


def test_a_student_learns_nothing_of_anothers_submission(desk: Desk) -> None:
    theirs = desk.hand_in("amy").handin.id
    nothing = desk.client("bob").get("/api/v1/submissions/0000000000000000")
    other = desk.client("bob").get(f"/api/v1/submissions/{theirs}")
    assert (nothing.status_code, nothing.json()) == (other.status_code, other.json())
    assert other.status_code == 404
    listed = desk.client("bob").get("/api/v1/courses/toy/submissions", params={"login": "amy"}).json()
    assert listed == []
    assert desk.client("bob").get("/api/v1/courses/toy/scores").json() == []


def test_courses_are_apart(desk: Desk) -> None:
    theirs = desk.hand_in("amy").handin.id
    for path in ("/api/v1/courses/toy/submissions", f"/api/v1/submissions/{theirs}", "/c/toy/people"):
        assert desk.client("otto").get(path).status_code == 404
    assert desk.client("otto").post(f"/api/v1/submissions/{theirs}/rerun").status_code == 404


def test_one_cannot_revoke_anothers_token_but_ones_own(desk: Desk) -> None:
    mine = desk.client("amy").post("/api/v1/tokens", json={"label": "laptop"}).json()
    assert desk.client("bob").delete(f"/api/v1/tokens/{mine['id']}").status_code == 404
    client = TestClient(desk.app, headers={"Authorization": f"Bearer {mine['token']}"})
    assert client.get("/api/v1/me").json()["login"] == "amy"
    assert client.delete(f"/api/v1/tokens/{mine['id']}").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_secrets_are_kept_as_hashes_and_listed_without(desk: Desk) -> None:
    token = desk.client("amy").post("/api/v1/tokens", json={"label": "laptop"}).json()["token"]
    listed = desk.client("amy").get("/api/v1/tokens").text
    assert token not in listed
    kept = (Path(desk.store._engine.url.database or "")).read_bytes()
    wal = Path(f"{desk.store._engine.url.database}-wal")
    kept += wal.read_bytes() if wal.exists() else b""
    assert token.encode() not in kept
    assert hashlib.sha256(token.encode()).hexdigest().encode() in kept


def test_wrong_tokens_are_counted_and_right_ones_still_work(desk: Desk) -> None:
    guesser = TestClient(desk.app, headers={"Authorization": "Bearer grd_guess"})
    codes = [guesser.get("/api/v1/me").status_code for _ in range(25)]
    assert codes[:20] == [401] * 20
    assert set(codes[20:]) == {429}
    last = guesser.get("/api/v1/me")
    assert int(last.headers["retry-after"]) > 0
    assert last.json()["error"]["advice"].startswith("wait")
    assert desk.client("amy").get("/api/v1/me").status_code == 200
    assert guesser.post("/api/v1/login", json={"link": "grd_x"}).status_code == 429
    assert guesser.post("/login", data={"token": "grd_x"}).status_code == 429
    assert guesser.post("/api/worker/heartbeat", json={}).status_code == 429


def test_a_link_is_changed_for_a_token_once(desk: Desk) -> None:
    from_link = access.issue(desk.service, desk.people["amy"].person, access.CredentialKind.LINK, "x").secret
    client = TestClient(desk.app)
    token = client.post("/api/v1/login", json={"link": from_link, "label": "laptop"})
    assert token.status_code == 201
    assert client.post("/api/v1/login", json={"link": from_link}).status_code == 403
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {token.json()['token']}"}).status_code == 200


def test_showing_a_link_does_not_use_it_up_but_pressing_the_button_does(desk: Desk) -> None:
    secret = access.issue(desk.service, desk.people["amy"].person, access.CredentialKind.LINK, "x").secret
    client = TestClient(desk.app)
    for _ in range(2):  # mail scanners open links
        page = client.get("/login", params={"token": secret})
        assert page.status_code == 200
        assert "Amy" in page.text
    answer = client.post("/login", data={"token": secret}, follow_redirects=False)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/").status_code == 200
    assert TestClient(desk.app).post("/login", data={"token": secret}).status_code == 403


def test_a_browsers_forms_need_the_sessions_own_token(desk: Desk) -> None:
    handin = desk.hand_in("amy").handin
    browser = desk.browser("amy")
    session = browser.cookies[SESSION_COOKIE]
    for data in ({}, {"csrf": "x" * 64}, {"csrf": csrf_token("another")}):
        answer = browser.post(f"/submissions/{handin.id}/cancel", data=data, follow_redirects=False)
        assert answer.status_code == 403
    answer = browser.post(f"/api/v1/submissions/{handin.id}/cancel")
    assert answer.status_code == 403
    page = browser.get(f"/submissions/{handin.id}").text
    assert csrf_token(session) in page
    good = {"csrf": csrf_token(session)}
    answer = browser.post(f"/submissions/{handin.id}/cancel", data=good, follow_redirects=False)
    assert answer.status_code == 303
    again = desk.hand_in("amy", b"x = 1").handin
    answer = browser.post(f"/api/v1/submissions/{again.id}/cancel", headers={"X-CSRF-Token": csrf_token(session)})
    assert answer.status_code == 200


def test_logging_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.browser("amy")
    session = browser.cookies[SESSION_COOKIE]
    browser.post("/logout", data={"csrf": csrf_token(session)})
    stolen = TestClient(desk.app, cookies={SESSION_COOKIE: session})
    assert stolen.get("/api/v1/me").status_code == 401


def test_a_session_is_no_token_and_a_token_no_session(desk: Desk) -> None:
    session = desk.browser("amy").cookies[SESSION_COOKIE]
    bearer = {"Authorization": f"Bearer {session}"}
    assert TestClient(desk.app, headers=bearer).get("/api/v1/me").status_code == 401
    assert TestClient(desk.app, cookies={SESSION_COOKIE: desk.tokens["amy"]}).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    "path", ["/", "/login", "/c/toy", "/submissions/{id}", "/api/v1/me", "/static/grader.css", "/x"]
)
def test_every_answer_carries_the_headers_that_keep_pages_safe(desk: Desk, path: str) -> None:
    handin = desk.hand_in("amy").handin
    answer = desk.browser("amy").get(path.format(id=handin.id))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_job_token_opens_its_job_alone_and_dies_with_it(desk: Desk) -> None:
    job, holder = desk.claimed("amy")
    other, _ = desk.claimed("bob")
    assert holder.post(f"/api/worker/jobs/{job.id}/beat", json={}).status_code == 200
    assert holder.post(f"/api/worker/jobs/{other.id}/beat", json={}).status_code == 401
    assert holder.post(f"/api/worker/jobs/{other.id}/result", json={}).status_code == 401
    for path in ("/api/v1/me", f"/api/v1/submissions/{job.submission_id}", "/metrics"):
        assert holder.get(path).status_code == (200 if path == "/metrics" else 401)
    assert holder.post("/api/worker/jobs/x/claim", json=CLAIM).status_code == 401
    assert holder.post("/api/worker/heartbeat", json={}).status_code == 401
    ended = holder.post(f"/api/worker/jobs/{job.id}/result", json={"fault": "lab_author", "problem": "x"})
    assert ended.json() == {"state": "failed"}
    for action in ("beat", "events", "result", "stopped"):
        assert holder.post(f"/api/worker/jobs/{job.id}/{action}", json={"events": []}).status_code == 401


def test_a_new_attempt_shuts_the_old_ones_token_out(desk: Desk) -> None:
    job, stale = desk.claimed("amy")
    desk.clock.passes(1000)
    desk.store.jobs.expire(desk.clock(), desk.service.rules)
    desk.clock.passes(1000)
    fresh = desk.worker().post(f"/api/worker/jobs/{job.id}/claim", json=CLAIM)
    assert fresh.status_code == 200
    assert fresh.json()["attempt"] == 2
    assert stale.post(f"/api/worker/jobs/{job.id}/result", json={"report": None}).status_code == 401
    assert stale.post(f"/api/worker/jobs/{job.id}/beat", json={}).status_code == 401


def test_the_workers_token_reads_nothing_of_students(desk: Desk) -> None:
    handin = desk.hand_in("amy").handin
    worker = desk.worker()
    assert WORKER_TOKEN in worker.headers["authorization"]
    for path in ("/api/v1/me", f"/api/v1/submissions/{handin.id}", "/api/v1/courses/toy/submissions"):
        assert worker.get(path).status_code == 401
    assert upload(worker, b"x = 1").status_code == 401
