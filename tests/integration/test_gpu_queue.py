"""A lab of the gpu queue: no cpu worker takes it, its student is told at once, whoever serves the queue runs it."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.client.remote import Remote
from grader.domain.job import Job, JobState
from grader.steps import courses, dispatch, intake
from grader.steps.service import LINE_S
from tests.courses.copies import LAB, answer, toy_course
from tests.fake_grader import WORKER_TOKEN, FakeGrader
from tests.fake_sandbox import FakeSandbox
from tests.fakes import enrolled, worker_is_up
from tests.integration.site import Desk
from tests.school import COURSE, School
from worker.client import GraderClient
from worker.shift import Shift

CPU, GPU = LAB, f"{LAB[:-1]}2"


def send_to_gpu(course: Path) -> None:
    """The second lab of this course is of the gpu queue from now on."""
    manifest = course / GPU / "lab.toml"
    manifest.write_text('queue = "gpu"\n' + manifest.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with one more course, whose second lab is of the gpu queue."""
    one = Desk(tmp_path)
    send_to_gpu(toy_course(tmp_path / "course", 2))
    courses.init_course(one.service, COURSE, "Two queues", str(tmp_path / "course"))
    one.people |= {login: enrolled(one.service, login, course=COURSE) for login in ("amy", "bob")}
    yield one
    one.store.close()


def hand_in(desk: Desk, login: str, lab: str) -> Job:
    data = answer(10, login)
    return intake.submit(
        desk.service, desk.people[login], COURSE, lab, name="starter.py", data=data, source="test"
    ).job  # fmt: skip


def claim(desk: Desk, job: Job, **said: Any) -> Any:
    return desk.worker().post(f"/api/worker/jobs/{job.id}/claim", json={"worker": "w", **said})


def test_a_job_is_offered_to_the_workers_of_its_queue_and_to_nobody_else(desk: Desk) -> None:
    jobs = {"cpu": hand_in(desk, "amy", "toy-1"), "gpu": hand_in(desk, "amy", "toy-2")}
    assert {name: job.queue for name, job in jobs.items()} == {"cpu": "cpu", "gpu": "gpu"}
    for name in jobs:
        desk.queue.offered.clear()
        worker_is_up(desk.service, slots=50, queue=name, name=name)
        dispatch.tick(desk.service, desk.queue)
        assert desk.queue.offered == [(jobs[name].id, name)]


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.OFFERED])
def test_a_worker_that_knows_a_jobs_id_claims_it_only_where_it_serves_its_queue(desk: Desk, state: JobState) -> None:
    job = hand_in(desk, "amy", "toy-2")
    if state is JobState.OFFERED:
        worker_is_up(desk.service, queue="gpu")
        dispatch.tick(desk.service, desk.queue)
    before = desk.store.jobs.get(job.id)
    for queues in (["cpu"], []):
        refused = claim(desk, job, queues=queues)
        assert refused.status_code == 409
        assert "of the gpu queue, which this worker does not serve" in refused.json()["error"]["message"]
    for wrong in ({}, {"queues": "gpu"}, {"queues": ["tpu"]}, {"queues": ["gpu"] * 11}, {"queues": None}):
        assert claim(desk, job, **wrong).status_code == 422
    assert desk.store.jobs.get(job.id) == before
    assert before is not None and (before.state, before.attempt) == (state, 0)
    assert claim(desk, job, queues=["gpu"]).json()["attempt"] == 1
    other = hand_in(desk, "amy", "toy-1")
    assert claim(desk, other, queues=["gpu"]).status_code == 409
    assert claim(desk, other, queues=["cpu", "gpu"]).status_code == 200


def test_a_worker_claims_for_its_own_queues_and_drops_what_is_refused() -> None:
    grader = FakeGrader()
    grader.always("claim", (409, {"error": {"message": "not of yours"}}))
    sandbox = FakeSandbox()
    with GraderClient(grader.url, WORKER_TOKEN) as client:
        Shift(client, sandbox, "w", ["cpu"], slots=1).grade("job-1")
    grader.down()
    assert [(call.what, call.body["queues"]) for call in grader.calls] == [("claim", ["cpu"])]
    assert sandbox.judges == []


def test_whoever_comes_when_the_line_was_just_read_is_told_their_place_in_it(desk: Desk) -> None:
    told = {}
    for login in ("amy", "bob"):
        desk.clock.passes(LINE_S / 2)  # the line as it was read for the first is not too old for the second
        job = hand_in(desk, login, "toy-2")
        page = desk.browser(login).get(f"/submissions/{job.submission_id}").text
        told[login] = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
        place = desk.client(login).get(f"/api/v1/submissions/{job.submission_id}").json()["job"]["place"]
        assert (place["ahead"], place["slots"], place["eta_s"]) == (len(told) - 1, 0, None)
    nobody = "No worker of the gpu queue is alive at the moment, so nobody can say when: it is kept."
    assert f"Yours is next. {nobody}" in told["amy"]
    assert f"1 job before yours. {nobody}" in told["bob"]


@pytest.mark.bubblewrap
def test_a_gpu_lab_waits_for_its_queue_and_the_student_is_told_at_once(tmp_path: Path) -> None:
    school = School(tmp_path, ["amy", "bob", "cid"], GRADER_QUEUES="cpu")
    send_to_gpu(tmp_path / "course")
    school.grader.command("course", "sync", COURSE)
    clone = school.clone("amy")
    clone.commit({f"{CPU}/starter.py": answer(6, "a"), f"{GPU}/starter.py": answer(10, "b")})
    pushing = clone.pushing()
    pushing.until("no worker of the gpu queue is up")
    pushing.kill()
    assert "6 of 10 points" in pushing.told.text and "toy-2: submission 1 accepted" in pushing.told.text
    states = {one["lab"]: one["job"]["state"] for one in school.handed_in("amy")}
    assert states == {"toy-1": "graded", "toy-2": "queued"}

    hasty = school.clone("bob")
    hasty.commit({f"{GPU}/starter.py": answer(4, "c")})
    told = hasty.push("-o", "no-wait", "origin", "HEAD:main")
    assert told.code == 0, told.all
    assert "Waiting: 1 before you, but no worker of the gpu queue is up." in told.text
    assert "It is graded without you having to wait" in told.text

    (tmp_path / "starter.py").write_bytes(answer(0, "d"))
    school.grader.settings["GRADER_TOKEN"] = school.tokens["cid"]
    where = ("--server", school.grader.url)
    said = school.grader.command("submit", "toy-2", str(tmp_path / "starter.py"), "--no-wait", *where)
    assert "Waiting: 2 ahead of you, but no worker of the gpu queue is up. It is kept" in " ".join(said.split())
    with Remote(school.grader.url, school.tokens["cid"]) as remote:
        [waiting] = remote.submissions(COURSE)
    shown = school.grader.command("status", waiting["id"], *where)
    assert "no worker of the gpu queue is up" in " ".join(shown.split())

    assert school.grader.stop() == 0
    del school.grader.settings["GRADER_QUEUES"]
    school.grader.start()
    assert sorted(school.points("amy", 2)) == [6, 10]
    assert (school.points("bob"), school.points("cid")) == ([4], [0])
    assert school.grader.stop() == 0
