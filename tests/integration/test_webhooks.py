"""A forge tells of a push, the commit is fetched and graded, the forge is told: over HTTP and git, both for real."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, select

from grader.adapters.forges import HttpStatuses
from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.tables import delivery, publication
from grader.domain.errors import Fault
from grader.domain.forge import ForgeKind
from grader.domain.job import JobState, Outcome
from grader.publisher import Publisher
from grader.steps import rerunning
from grader.steps.fetching import LEASE_S, fetch_one
from grader.steps.publishing import MOST_ATTEMPTS, Outlet, post_one
from grader.steps.service import Bounds
from grader.web.webhooks import Webhooks
from tests.courses.copies import LAB, answer
from tests.fake_forge import TOKEN, FakeForge, Hook
from tests.fakes import TOY
from tests.integration.site import Desk
from tests.rules_of import DAY, course_toml
from tests.services import wait_until

REPOSITORY = "org/phase08-amy"
PATH = f"{LAB}/starter.py"
STARTER = (TOY / PATH).read_bytes()
FULL, HALF = answer(10, "a"), answer(6, "b")


class School:
    """A desk whose course is connected to a forge, and a publisher that works when it is told to."""

    def __init__(self, folder: Path, kind: ForgeKind = ForgeKind.GITHUB, bounds: Bounds | None = None) -> None:
        self.desk = Desk(folder, bounds)
        self.forge = FakeForge(folder / "forge", kind)
        self.statuses = HttpStatuses()
        self.connect()

    def connect(self, **changes: object) -> None:
        """To its forge, configured so."""
        forges = {"toy": self.forge.config("toy", **changes)}
        self.outlet = Outlet(forges, self.statuses, self.desk.repositories, "http://grader.test")
        self.desk.app.state.webhooks = Webhooks(forges)

    def send(self, hook: Hook, course: str = "toy", **changes: str):  # type: ignore[no-untyped-def]
        """The answer to a webhook."""
        client = TestClient(self.desk.app, raise_server_exceptions=False)
        return client.post(f"/webhooks/{course}", content=hook.body, headers={**hook.headers, **changes})

    def push(self, data: bytes = FULL, repository: str = REPOSITORY) -> str:
        """Somebody pushes; the commit."""
        self.desk.clock.passes(1)
        commit = self.forge.commit(repository, {PATH: data, "README.md": b"hello"})
        answer = self.send(self.forge.push(repository, commit))
        assert answer.status_code == 202, answer.text
        return commit

    def work(self) -> None:
        """Everything that is due now."""
        while fetch_one(self.desk.service, self.outlet) or post_one(self.desk.service, self.outlet):
            pass

    def handed_in(self) -> list[str]:
        """The sources of amy's submissions, newest first."""
        return [row.handin.source for row in self.desk.store.submissions.page("toy")]

    def grade(self, points: int = 10, state: JobState = JobState.GRADED) -> None:
        """A worker grades the newest submission."""
        job = self.desk.store.submissions.page("toy")[0].job
        claimed = self.desk.store.jobs.claim(job.id, "w", "t" * 64, self.desk.clock(), self.desk.service.rules)
        assert claimed is not None
        graded = Outcome(state, b"{}", points, 10) if state is JobState.GRADED else Outcome(
            state, fault=Fault.LAB_AUTHOR, problem="\x1b[31mthe student's own text")  # fmt: skip
        assert self.desk.store.jobs.finish(job.id, claimed.attempt, graded, self.desk.clock())

    def rows(self) -> list[tuple[str, str]]:
        """State and problem of every delivery."""
        return self._read(delivery.c.state, delivery.c.problem)

    def wanted(self) -> list[tuple[str, str]]:
        """State and problem of every status."""
        return self._read(publication.c.state, publication.c.problem)

    def _read(self, *columns):  # type: ignore[no-untyped-def]
        engine = create_engine(self.desk.store._engine.url)
        with engine.connect() as db:
            found = [tuple(row) for row in db.execute(select(*columns).order_by(columns[0].table.c.id))]
        engine.dispose()
        return found

    def close(self) -> None:
        """End it."""
        self.forge.down()
        self.statuses.close()
        self.desk.store.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., School]]:
    made: list[School] = []

    def build(*how: ForgeKind, **more: Bounds) -> School:
        made.append(School(tmp_path, *how, **more))
        return made[-1]

    yield build
    for school in made:
        school.close()


@pytest.fixture
def school(make: Callable[..., School]) -> School:
    return make()


@pytest.mark.parametrize("kind", list(ForgeKind))
def test_a_push_is_graded_and_the_commit_shows_it(make: Callable[..., School], kind: ForgeKind) -> None:
    school = make(kind)
    commit = school.push(HALF)
    assert school.rows() == [("received", "")]
    school.work()
    school.work()
    assert school.rows() == [("fetched", "")]
    assert school.handed_in() == [str(kind)]
    assert school.forge.shown() == [("grader/toy-1", "pending", "waits to be graded")]
    school.grade(6)
    school.work()
    school.work()
    failed = "failed" if kind is ForgeKind.GITLAB else "failure"
    assert school.forge.shown()[1:] == [("grader/toy-1", failed, "6 of 10 points")]
    last = school.forge.statuses[-1]
    handin = school.desk.store.submissions.page("toy")[0].handin
    assert (last.repository, last.commit) == (REPOSITORY, commit)
    assert last.url == f"http://grader.test/submissions/{handin.id}"
    school.push(FULL)
    school.work()
    school.grade(10)
    school.work()
    assert [state for _, state, _ in school.forge.shown()[2:]] == ["pending", "success"]
    assert not [asked.path for asked in school.forge.asked if TOKEN in asked.path or "evil" in asked.path]


def test_a_wrong_or_missing_signature_is_refused_and_counted(school: School) -> None:
    hook = school.forge.push(REPOSITORY, "a" * 40)
    unsigned = Hook(hook.body, {"X-GitHub-Event": "push"})
    assert school.send(unsigned).status_code == 401
    assert school.send(Hook(hook.body + b" ", hook.headers)).status_code == 401
    assert school.send(hook, **{"X-Hub-Signature-256": "sha256=" + "0" * 64}).status_code == 401
    codes = [school.send(unsigned).status_code for _ in range(20)]
    assert codes[-1] == 429
    assert school.send(hook).status_code == 202  # a right one is never refused for it
    assert school.rows() == [("received", "")]


def test_a_course_without_a_forge_is_like_one_that_is_not_there(school: School) -> None:
    hook = school.forge.push(REPOSITORY, "a" * 40)
    other, none = school.send(hook, "other"), school.send(hook, "nowhere")
    assert (other.status_code, other.json()) == (none.status_code, none.json())
    assert other.status_code == 404
    assert school.send(hook, "..%2ftoy").status_code == 404


def test_a_repetition_changes_nothing(school: School) -> None:
    commit = school.forge.commit(REPOSITORY, {PATH: FULL})
    hook = school.forge.push(REPOSITORY, commit)
    assert school.send(hook).status_code == 202
    for again in (school.send(hook), school.send(hook, **{"X-GitHub-Delivery": "another-id"})):
        assert (again.status_code, again.json()) == (200, {"duplicate": True})
    school.work()
    school.grade()
    school.work()
    shown = school.forge.shown()
    school.send(hook, **{"X-GitHub-Delivery": "yet-another"})
    school.work()
    assert (school.forge.shown(), school.handed_in()) == (shown, ["github"])


def test_what_is_not_graded_is_answered_with_the_reason(school: School) -> None:
    commit = "a" * 40
    forge = school.forge
    cases = {
        "ping": forge.hook({"zen": "Keep it logically awesome."}, "ping"),
        "only the default branch": forge.push(REPOSITORY, commit, branch="feature"),
        "deleted": forge.push(REPOSITORY, "0" * 40),
        "tag": forge.push(REPOSITORY, commit, ref="refs/tags/v1"),
        "nobody's here": forge.push("org/phase08-nobody", commit),
        "nobody's": forge.push("evil/phase08-amy", commit),
        "not in the course": forge.push("org/phase08-otto", commit),
    }
    for word, hook in cases.items():
        answer = school.send(hook)
        assert answer.status_code == 200, (word, answer.text)
        assert word in answer.json()["ignored"]
    assert school.rows() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b"\xff", b"payload=%7B%7D", b"[" * 60_000, b'{"ref": 7}', b'{"repository": []}',
     b'{"ref": "refs/heads/main", "after": "x", "repository": {"full_name": "a/b", "default_branch": "main"}}',
     b"9" * 100_000],
    ids=range(11),
)  # fmt: skip
def test_wrong_shapes_are_told_as_such(school: School, body: bytes) -> None:
    answer = school.send(school.forge.hook(body, "push"))
    assert answer.status_code == 422
    assert "application/json" in answer.json()["error"]["advice"]
    assert school.rows() == []


def test_a_huge_body_costs_nothing(school: School) -> None:
    big = school.forge.hook({"x": "y" * (1024 * 1024)}, "push")
    assert school.send(big).status_code == 413
    assert school.send(big, **{"Content-Length": "10"}).status_code in (400, 413, 401)
    assert school.send(school.forge.hook({"x": "y" * 1_000_000}, "star")).status_code == 200


def test_untouched_and_unchanged_labs_are_not_handed_in_again(school: School) -> None:
    school.push(STARTER)
    school.work()
    assert (school.rows(), school.handed_in(), school.forge.shown()) == ([("fetched", "")], [], [])
    school.push(FULL)
    school.work()
    school.grade()
    school.work()
    commit = school.push(FULL)  # another commit, the same work: it shows what that is worth
    school.work()
    assert school.handed_in() == ["github"]
    assert [(one.commit == commit, one.state) for one in school.forge.statuses][2:] == [(True, "success")]


def test_a_file_that_cannot_be_graded_is_told_beside_the_commit(school: School) -> None:
    school.push(b"\xff\xfe\x00")
    school.work()
    (context, state, words) = school.forge.shown()[0]
    assert (context, state) == ("grader/toy-1", "error")
    assert words.startswith("not accepted: starter.py is not a text file")
    assert school.handed_in() == []
    school.work()
    assert len(school.forge.shown()) == 1


def test_a_job_that_ends_without_a_score_is_an_error_in_our_own_words(school: School) -> None:
    school.push()
    school.work()
    school.grade(state=JobState.FAILED)
    school.work()
    assert school.forge.shown()[1:] == [("grader/toy-1", "error", "could not be graded: the page says why")]
    school.desk.clock.passes(1)
    rerunning.rerun(
        school.desk.service, school.desk.people["ines"], school.desk.store.submissions.page("toy")[0].handin.id
    )
    school.desk.store.publications.reopen(school.desk.clock())
    school.work()
    school.grade()
    school.work()
    assert [state for _, state, _ in school.forge.shown()[2:]] == ["pending", "success"]


def test_what_was_hidden_is_told_once_it_is_due(school: School) -> None:
    desk = school.desk
    hiding = course_toml(due=desk.clock() + DAY, hidden_until_due='["test_total"]')
    assert desk.store.standings.put_rules("toy", hiding)
    commits = []
    for data in (HALF, FULL):
        commits.append(school.push(data))
        school.work()
        school.grade()
        school.work()
    before = [words for _, state, words in school.forge.shown() if state != "pending"]
    assert [words.partition("; ")[2] for words in before] == ["1 more hidden until it is due"] * 2
    Publisher(desk.service, school.outlet).round()
    assert len(school.forge.statuses) == 4
    desk.clock.passes(DAY)
    for _ in range(2):
        Publisher(desk.service, school.outlet).round()
    told = [(one.commit, one.state, one.description) for one in school.forge.statuses[4:]]
    assert told == [(commits[1], "success", "10 of 10 points")]


def test_a_newer_push_takes_the_place_of_one_that_waits(school: School) -> None:
    school.push(HALF)
    school.work()
    school.push(FULL)
    school.work()
    school.work()
    assert sorted(state for _, state, _ in school.forge.shown()) == ["error", "pending", "pending"]
    assert "newer submission" in next(words for _, state, words in school.forge.shown() if state == "error")


def test_a_forge_that_is_down_is_asked_again_and_nothing_is_lost(school: School) -> None:
    commit = school.push()
    school.forge.down()
    school.work()
    assert school.rows()[0][0] == "received"
    assert "could not be fetched" in school.rows()[0][1]
    assert TOKEN not in school.rows()[0][1]
    school.work()
    school.forge.up()
    school.desk.clock.passes(10)
    assert fetch_one(school.desk.service, school.outlet)
    assert school.handed_in() == ["github"]
    school.forge.refusal = (503, {"Retry-After": "300"})
    school.work()
    asked = len(school.forge.asked)
    school.forge.refusal = None
    school.desk.clock.passes(290)
    school.work()
    assert len(school.forge.asked) == asked  # it asked to be left alone
    school.grade()
    school.desk.clock.passes(20)
    school.work()
    assert [(one.commit, one.state) for one in school.forge.statuses] == [(commit, "success")]


def test_a_push_from_before_is_not_handed_in_after_a_newer_one(school: School) -> None:
    gone = school.send(school.forge.push(REPOSITORY, "d" * 40))  # force-pushed away before we came
    assert gone.status_code == 202
    school.push()
    school.work()
    school.desk.clock.passes(60)
    school.work()
    assert [state for state, _ in school.rows()] == ["refused", "fetched"]
    assert "newer push" in school.rows()[0][1]


def test_a_push_that_can_never_be_fetched_is_given_up_and_said_so(
    school: School, caplog: pytest.LogCaptureFixture
) -> None:
    school.send(school.forge.push(REPOSITORY, "d" * 40))
    school.forge.down()
    with caplog.at_level(logging.ERROR):
        for _ in range(MOST_ATTEMPTS + 1):
            school.work()
            school.desk.clock.passes(1801)
    assert school.rows()[0][0] == "failed"
    assert "given up" in caplog.text
    assert school.desk.store.operations.audit("toy")[0]["action"] == "push given up"


@pytest.mark.parametrize("kind", list(ForgeKind))
def test_a_refused_token_ends_it_with_words_for_the_operator(
    make: Callable[..., School], kind: ForgeKind, caplog: pytest.LogCaptureFixture
) -> None:
    school = make(kind)
    school.push()
    assert fetch_one(school.desk.service, school.outlet)
    school.forge.token = "another"
    with caplog.at_level(logging.ERROR):
        school.work()
    assert "renew token in the forges file" in caplog.text
    assert TOKEN not in caplog.text
    asked = len(school.forge.asked)
    school.desk.clock.passes(100_000)
    school.grade()
    school.work()
    assert len(school.forge.asked) == asked
    assert school.wanted()[0][0] == "ended"
    entry = school.desk.store.operations.audit("toy")[0]
    assert (entry["action"], entry["subject"]) == ("status not posted", REPOSITORY)
    assert TOKEN not in str(entry)


@pytest.mark.parametrize(("answer", "again"), [
    ((403, {}), False), ((404, {}), False), ((422, {}), False), ((301, {"Location": "http://127.0.0.1:1/"}), False),
    ((403, {"Retry-After": "60"}), True), ((403, {"X-RateLimit-Remaining": "0"}), True), ((429, {}), True),
    ((500, {}), True), ((502, {"Retry-After": "soon"}), True),
])  # fmt: skip
def test_what_a_forge_says_no_to_is_asked_again_only_where_that_helps(
    school: School, answer: tuple[int, dict[str, str]], again: bool
) -> None:
    school.push()
    assert fetch_one(school.desk.service, school.outlet)
    school.forge.refusal = answer
    school.work()
    assert school.wanted()[0][0] == ("open" if again else "ended")
    school.forge.refusal = None
    school.desk.clock.passes(100)
    school.work()
    assert len(school.forge.shown()) == (1 if again else 0)


def test_whoever_pushes_too_often_is_graded_later_and_not_forgotten(make: Callable[..., School]) -> None:
    school = make(bounds=Bounds(submissions_per_minute=1, submissions_per_hour=100))
    school.push(HALF)
    school.work()
    school.push(FULL)
    school.work()
    assert [state for state, _ in school.rows()] == ["fetched", "received"]
    assert school.handed_in() == ["github"]
    for _ in range(3):
        school.desk.clock.passes(61)
        school.work()
    assert [state for state, _ in school.rows()] == ["fetched", "fetched"]
    assert len(school.handed_in()) == 2


def test_a_publisher_that_dies_in_the_middle_is_followed_by_another(school: School) -> None:
    school.push()
    claimed = school.desk.store.deliveries.claim(["toy"], school.desk.clock(), LEASE_S)
    assert claimed is not None
    school.work()
    assert school.handed_in() == []
    school.desk.clock.passes(LEASE_S + 1)
    school.work()
    assert school.handed_in() == ["github"]


def test_taking_a_push_in_twice_hands_in_once(school: School) -> None:
    school.push()
    claimed = school.desk.store.deliveries.claim(["toy"], school.desk.clock(), 0.0)  # a lease that is over at once
    assert claimed is not None
    school.work()
    school.work()
    assert (school.handed_in(), len(school.forge.shown())) == (["github"], 1)


def test_somebody_who_left_the_course_meanwhile_is_refused(school: School) -> None:
    school.connect(students={"org/x": "otto"})
    commit = school.forge.commit("org/x", {PATH: FULL})
    assert school.send(school.forge.push("org/x", commit)).json() == {
        "ignored": "whose repository this is, is not in the course"
    }


def test_two_publishers_share_the_work_and_do_nothing_twice(school: School) -> None:
    commits = {login: school.push(answer(10, login), f"org/phase08-{login}") for login in ("amy", "bob", "gina")}
    other = SqlStore(str(school.desk.store._engine.url))
    services = (school.desk.service, replace(school.desk.service, store=other))
    statuses = [HttpStatuses(), HttpStatuses()]
    publishers = [
        Publisher(service, replace(school.outlet, statuses=how))
        for service, how in zip(services, statuses, strict=True)
    ]
    for publisher in publishers:
        publisher.start()
    school.forge.wait_for(lambda: len(school.forge.statuses) >= 3)
    wait_until(lambda: [state for state, _ in school.rows()] == ["fetched"] * 3, "not all fetched")
    for publisher in publishers:
        publisher.stop()
    assert sorted(one.commit for one in school.forge.statuses) == sorted(commits.values())
    assert len(school.handed_in()) == 3
    other.close()


def test_the_publishers_thread_survives_what_goes_wrong(school: School, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(HttpStatuses):
        calls = 0

        def post(self, forge: object, status: object) -> None:
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("a bug")

    broken = Broken()
    publisher = Publisher(school.desk.service, replace(school.outlet, statuses=broken))
    school.push(HALF)
    school.push(FULL, "org/phase08-bob")
    publisher.start()
    wait_until(lambda: broken.calls >= 2, "the second status was never tried")
    publisher.stop()
    assert "a round of the publisher failed" in caplog.text
