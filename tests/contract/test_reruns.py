"""What every store keeps to of reruns: nothing counts before it is applied, and only what nobody has moved is moved."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from grader.domain.errors import Fault
from grader.domain.job import Job, JobState, Lane, Outcome
from grader.domain.rerun import Fate, RerunState, Selection, fate
from tests.contract.grading import NEW, NOW, OLD, RULES, Class, earning, outcome


@pytest.fixture
def school(school: Class) -> Class:
    """The course, with another spec of the lab toy."""
    school.new_spec()
    return school


def state(school: Class, name: str = "r1") -> RerunState:
    found = school.store.reruns.get(name)
    assert found is not None
    return found.state


def apply(school: Class, name: str = "r1", at: float = NOW + 200, never_lower: bool | None = None) -> list[str] | None:
    moved = school.store.reruns.apply(name, "gus", at, never_lower=never_lower)
    return None if moved is None else [item.login for item in moved]


def revert(school: Class, name: str = "r1", at: float = NOW + 300) -> list[str] | None:
    moved = school.store.reruns.revert(name, "gus", at)
    return None if moved is None else [item.login for item in moved]


def told(school: Class, login: str) -> list[str]:
    return [str(one["text"]) for one in school.store.notices.unseen(school.ids[login])]


def test_a_rerun_counts_for_nothing_before_it_is_applied(school: Class) -> None:
    job = school.graded(6)
    before = school.cell()
    one = school.rerun(never_lower=True)
    assert school.store.reruns.get("r1") == replace(one, items=1, done=0)
    (item,) = school.store.reruns.items("r1")
    assert (item.before, item.after, item.before_job_id, item.job_state) == (6, None, job.id, "queued")
    again = school.store.jobs.get(item.job_id)
    assert again is not None
    assert (again.rerun_id, again.spec_digest, again.lane) == ("r1", NEW, Lane.BULK)
    assert [event.kind for event in school.store.jobs.events(item.job_id)] == ["queued"]
    school.finish(item.job_id, earning(10))
    found = school.store.reruns.get("r1")
    assert found is not None
    assert (found.state, found.items, found.done, found.ended_at) == (RerunState.READY, 1, 1, None)
    assert school.cell() == before
    assert school.store.jobs.shown(["s001"])["s001"].id == job.id
    assert [one.id for one in school.store.jobs.of_submission("s001")] == [item.job_id, job.id]
    assert [best.points for best in school.store.submissions.best("c")] == [6]
    assert school.store.submissions.page("c")[0].job.id == job.id
    (item,) = school.store.reruns.items("r1")
    assert (item.tests_before, item.tests_after) == ({"test_a": 6, "test_b": 0}, {"test_a": 6, "test_b": 4})
    assert list(item.tests_after) == ["test_a", "test_b"]
    assert (item.moved_on, item.applied, item.unsettled) == (False, False, False)


def test_applying_moves_and_reverting_moves_back(school: Class) -> None:
    for login, points in (("amy", 6), ("bob", 10), ("cat", 4)):
        school.graded(points, login)
    school.ready(amy=10, bob=0, cat=4)
    revision = school.store.standings.revision("c", "toy")
    assert apply(school) == ["amy", "bob", "cat"]
    assert school.points("amy", "bob", "cat") == [10, 0, 4]
    assert (state(school), school.store.standings.revision("c", "toy") > revision) == (RerunState.APPLIED, True)
    assert all(item.applied and not item.moved_on for item in school.store.reruns.items("r1"))
    assert school.store.jobs.shown(["s001"])["s001"].id == "r1-s001"
    (marks, *_) = school.store.standings.marks("c", "toy")
    assert [mark.verdict for mark in marks.tests] == ["passed", "passed"]
    assert revert(school) == ["amy", "bob", "cat"]
    assert (school.points("amy", "bob", "cat"), state(school)) == ([6, 10, 4], RerunState.REVERTED)
    assert not any(item.applied or item.moved_on for item in school.store.reruns.items("r1"))
    assert school.store.jobs.shown(["s001"])["s001"].points == 6


def test_each_end_needs_its_state(school: Class) -> None:
    school.graded(6)
    one = school.rerun()
    ends = school.store.reruns.end
    assert (apply(school), revert(school), ends("r1", RerunState.DISCARDED, NOW)) == (None, None, False)
    (item,) = school.store.reruns.items("r1")
    school.finish(item.job_id, earning(10))
    assert (revert(school), ends("r1", RerunState.CANCELLED, NOW)) == (None, False)
    assert not ends("r1", RerunState.APPLIED, NOW)
    assert ends("r1", RerunState.DISCARDED, NOW + 9)
    found = school.store.reruns.get("r1")
    assert found == replace(one, state=RerunState.DISCARDED, ended_at=NOW + 9, items=1, done=1)
    assert (apply(school), revert(school), ends("r1", RerunState.DISCARDED, NOW)) == (None, None, False)
    assert school.points("amy") == [6]
    assert (apply(school, "nothing"), revert(school, "nothing")) == (None, None)
    assert not ends("nothing", RerunState.CANCELLED, NOW)
    assert school.store.reruns.get("nothing") is None


def test_cancelling_ends_what_waits_and_asks_what_runs_to_stop(school: Class) -> None:
    for login in ("amy", "bob", "cat"):
        school.graded(6, login)
    own = school.hand_in("amy", at=NOW + 50)
    school.rerun()
    amys, bobs, cats = school.store.reruns.items("r1")
    assert amys.submission_id == "s001"
    school.finish(amys.job_id, earning(10))
    school.claim(bobs.job_id)
    assert school.store.reruns.end("r1", RerunState.CANCELLED, NOW + 150)
    jobs = [school.store.jobs.get(item.job_id) for item in (amys, bobs, cats)]
    assert [job.state for job in jobs if job] == [JobState.GRADED, JobState.RUNNING, JobState.CANCELLED]
    assert school.store.jobs.beat(bobs.job_id, 1, NOW, RULES).cancel
    assert [event.kind for event in school.store.jobs.events(cats.job_id)] == ["queued", "ended"]
    assert school.store.jobs.finish(bobs.job_id, 1, earning(10), NOW + 160)
    assert (state(school), apply(school), school.points("bob")) == (RerunState.CANCELLED, None, [6])
    waiting = school.store.jobs.get(own.id)
    assert waiting is not None
    assert waiting.state is JobState.QUEUED


def test_whoever_was_graded_anew_meanwhile_keeps_that(school: Class) -> None:
    school.graded(6, "amy")
    school.graded(6, "bob")
    school.ready("r1", amy=4, bob=4)
    again = replace(school.store.jobs.of_submission("s001")[-1], id="again", state=JobState.QUEUED, attempt=0,
                    created_at=NOW + 150)  # fmt: skip
    school.store.jobs.add(again)
    school.finish("again", earning(10), NOW + 151)
    items = school.store.reruns.items("r1")
    assert [fate(item, never_lower=False) for item in items] == [Fate.MOVED_ON, Fate.MOVES]
    assert apply(school) == ["bob"]
    assert school.points("amy", "bob") == [10, 4]
    assert [(item.moved_on, item.applied) for item in school.store.reruns.items("r1")] == [(True, False), (False, True)]
    assert revert(school) == ["bob"]
    assert school.points("amy", "bob") == [10, 6]


def test_submissions_in_flight_during_a_rerun_are_never_touched(school: Class) -> None:
    school.graded(6, "amy")
    one = school.rerun()
    waiting = school.hand_in("amy", at=NOW + 110)
    running = school.hand_in("bob", at=NOW + 111)
    school.claim(running.id, NOW + 112)
    (item,) = school.store.reruns.items(one.id)
    school.finish(item.job_id, earning(0), NOW + 120)
    assert apply(school) == ["amy"]
    assert (school.cell("amy").points, school.cell("amy").state) == (0, JobState.QUEUED)
    school.finish(waiting.id, earning(4), NOW + 210)
    assert school.store.jobs.finish(running.id, 1, earning(10), NOW + 211)
    assert school.points("amy", "bob") == [4, 10]
    assert revert(school) == ["amy"]
    assert school.points("amy", "bob") == [6, 10]


def test_a_newer_submission_supersedes_no_job_of_a_rerun(school: Class) -> None:
    school.graded(6, "amy")
    school.rerun()
    school.hand_in("amy", at=NOW + 110)
    (item,) = school.store.reruns.items("r1")
    assert item.job_state == "queued"
    assert [job_id for job_id, _ in school.store.jobs.offer({"cpu": 5}, NOW + 120)] == ["j002", item.job_id]


def test_of_two_reruns_the_first_applied_moves_and_each_reverts_only_its_own(school: Class) -> None:
    school.graded(6, "amy")
    school.ready("r1", amy=4)
    school.ready("r2", at=NOW + 101, amy=10)
    assert (apply(school, "r2"), apply(school, "r1")) == (["amy"], [])
    assert school.points("amy") == [10]
    school.ready("r3", at=NOW + 102, amy=0)
    assert apply(school, "r3", NOW + 250) == ["amy"]
    assert (revert(school, "r2"), school.points("amy")) == ([], [0])
    assert (revert(school, "r3"), school.points("amy")) == (["amy"], [10])
    assert [(move.rerun_id, move.before, move.after, move.reverted) for move in school.store.reruns.moves("s001")] == [
        ("r3", 10, 0, True), ("r2", 6, 10, False),
    ]  # fmt: skip


def test_of_two_who_apply_at_once_one_does(school: Class) -> None:
    for login in ("amy", "bob", "cat"):
        school.graded(6, login)
    school.ready(amy=10, bob=10, cat=10)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: apply(school), range(4)))
    assert sorted(done, key=bool) == [None, None, None, ["amy", "bob", "cat"]]
    assert [len(told(school, login)) for login in ("amy", "bob", "cat")] == [1, 1, 1]
    with ThreadPoolExecutor(4) as threads:
        undone = list(threads.map(lambda _: revert(school), range(4)))
    assert undone.count(None) == 3
    assert school.points("amy", "bob", "cat") == [6, 6, 6]


def test_two_reruns_applied_at_once_leave_nobody_between_them(school: Class) -> None:
    for login in ("amy", "bob", "cat"):
        school.graded(6, login)
    school.ready("r1", amy=10, bob=10, cat=10)
    school.ready("r2", at=NOW + 101, amy=4, bob=4, cat=4)
    with ThreadPoolExecutor(2) as threads:
        moved = list(threads.map(lambda name: apply(school, name), ("r1", "r2")))
    assert sorted(moved, key=bool) == [[], ["amy", "bob", "cat"]]
    assert school.points("amy", "bob", "cat") in ([10, 10, 10], [4, 4, 4])


def test_a_rerun_that_never_lowers_keeps_who_would_go_down(school: Class) -> None:
    for login in ("amy", "bob", "cat"):
        school.graded(6, login)
    school.ready(amy=10, bob=4, cat=6)
    assert apply(school, never_lower=True) == ["amy", "cat"]
    assert school.points("amy", "bob", "cat") == [10, 6, 6]
    found = school.store.reruns.get("r1")
    assert found is not None
    assert found.never_lower
    bob = school.store.reruns.items("r1")[1]
    assert (bob.applied, fate(bob, never_lower=True)) == (False, Fate.KEPT)


def test_what_gave_no_clear_result_moves_nothing(school: Class) -> None:
    for login in ("amy", "bob", "cat"):
        school.graded(6, login)
    school.rerun()
    amys, bobs, cats = school.store.reruns.items("r1")
    school.finish(amys.job_id, outcome({"test_b": True}, undecided="test_a"))
    school.finish(bobs.job_id, Outcome(JobState.FAILED, fault=Fault.LAB_AUTHOR))
    school.store.jobs.cancel(cats.job_id, NOW)
    assert all(item.unsettled for item in school.store.reruns.items("r1"))
    assert apply(school) == []
    assert school.points("amy", "bob", "cat") == [6, 6, 6]
    assert told(school, "amy") == []


def test_a_submission_without_a_score_can_get_one_and_lose_it_again(school: Class) -> None:
    school.failed(Fault.LAB_AUTHOR)
    assert [c.counted_job_id for c in school.store.reruns.select("c", Selection("toy", no_result=True))] == [""]
    one = school.rerun(selection=Selection("toy", no_result=True))
    school.finish("r1-s001", earning(10), NOW + 150)
    assert apply(school, one.id) == ["amy"]
    assert (school.cell().points, school.cell().state) == (10, JobState.GRADED)
    assert revert(school) == ["amy"]
    assert (school.cell().points, school.cell().job_id, school.cell().state) == (None, "", JobState.FAILED)
    assert school.store.standings.counted(["s001"]) == {}


def test_only_who_sees_another_score_is_told_and_only_until_they_have_read_it(school: Class) -> None:
    for login in ("amy", "bob"):
        school.graded(6, login)
    school.graded(10, "cat")
    school.ready(amy=10, bob=6, cat=4)
    assert told(school, "amy") == []
    apply(school)
    assert told(school, "bob") == []
    assert told(school, "amy") == told(school, "cat")
    (one,) = school.store.notices.unseen(school.ids["amy"])
    assert {**one, "text": "", "id": 0} == {
        "id": 0, "course": "c", "submission_id": "s001", "text": "", "at": NOW + 200,
    }  # fmt: skip
    assert not any(character.isdigit() for character in str(one["text"]).replace("submission 1", ""))
    number = int(str(one["id"]))
    school.store.notices.seen(school.ids["bob"], number, NOW)
    assert len(told(school, "amy")) == 1
    school.store.notices.seen(school.ids["amy"], number, NOW)
    assert told(school, "amy") == []
    revert(school)
    assert [len(told(school, login)) for login in ("amy", "bob", "cat")] == [1, 0, 2]
    assert len(school.store.notices.unseen(school.ids["cat"], limit=1)) == 1


def test_nobody_is_told_of_a_change_in_hidden_tests_alone(school: Class) -> None:
    due = "due = 1970-01-12T13:50:00\n"  # 200 s later
    school.store.standings.put_rules("c", f'[labs.toy]\n{due}hidden_until_due = ["test_b"]')
    school.graded(6, "amy")
    school.graded(6, "bob")
    school.ready(amy=10, bob=4)
    apply(school, at=NOW + 150)
    assert (told(school, "amy"), len(told(school, "bob"))) == ([], 1)
    revert(school, at=NOW + 250)
    assert (len(told(school, "amy")), len(told(school, "bob"))) == (1, 2)


def test_a_whole_team_is_told(school: Class) -> None:
    school.store.standings.put_rules("c", "[labs.toy]\ngroups = true")
    for login in ("amy", "bob"):
        school.store.standings.put_team("c", school.ids[login], "owls")
    school.graded(6, "amy")
    assert [one.submission_id for one in school.store.reruns.select("c", Selection("toy"))] == ["s001"]
    school.ready(amy=10)
    apply(school)
    assert (school.points("amy", "bob"), told(school, "amy") == told(school, "bob") != []) == ([10, 10], True)


def test_submissions_are_selected_by_all_that_is_said_of_them(school: Class) -> None:
    school.join("bob", section="B")
    school.graded(4, "amy", at=NOW)
    school.graded(6, "amy", at=NOW + 1, cause="off-by-one")
    school.graded(4, "amy", at=NOW + 2)
    school.graded(4, "bob")
    school.failed(Fault.LAB_AUTHOR, "cat")
    school.graded(10, "cat", "two")

    def found(limit: int = 20_000, **narrow: object) -> list[str]:
        chosen = school.store.reruns.select("c", Selection("toy", **narrow), limit=limit)  # type: ignore[arg-type]
        return [one.submission_id for one in chosen]

    assert found() == ["s002", "s004"]
    assert found(newest=True) == ["s003", "s004", "s005"]
    assert found(no_result=True) == ["s005"]
    assert found(login="bob") == ["s004"]
    assert found(section="B", newest=True) == ["s004"]
    assert found(test="test_b", verdict="failed") == ["s002"]
    assert found(test="test_b", cause="off-by-one") == ["s002"]
    assert found(test="test_b", cause="off-by-one", newest=True) == []
    assert found(test="test_a", verdict="failed", newest=True) == ["s003", "s004"]
    assert found(submission_id="s001") == ["s001"]
    assert found(submission_id="s006") == []
    assert found(limit=1) == ["s002"]
    (one, *_) = school.store.reruns.select("c", Selection("toy"))
    assert (one.person_id, one.counted_job_id) == (school.ids["amy"], "j002")
    school.hand_in("cat", at=NOW + 5)
    assert found(no_result=True) == []  # it is being graded


def test_lists_of_reruns_and_their_items_come_in_pages(school: Class) -> None:
    for login in ("cat", "bob", "amy"):
        school.graded(6, login)
    for number in range(4):
        school.rerun(f"r{number}", NOW + number // 2)
    page = school.store.reruns.page("c", limit=3)
    assert [one.id for one in page] == ["r3", "r2", "r1"]
    assert [(one.items, one.done) for one in page] == [(3, 0)] * 3
    assert [one.id for one in school.store.reruns.page("c", before="r1")] == ["r0"]
    assert school.store.reruns.page("c", before="nothing") == []
    assert school.store.reruns.page("nowhere") == []
    assert len(school.store.reruns.page("c", limit=10**9)) == 4
    items = school.store.reruns.items
    assert [item.login for item in items("r0")] == ["amy", "bob", "cat"]
    assert [item.login for item in items("r0", offset=1, limit=1)] == ["bob"]
    assert [item.login for item in items("r0", offset=-1, limit=-1)] == ["amy"]
    assert items("nothing") == []


def test_a_rerun_of_a_rerun_starts_from_what_counts(school: Class) -> None:
    school.graded(6)
    school.ready("r1", amy=10)
    apply(school)
    school.rerun("r2", NOW + 250)
    (item,) = school.store.reruns.items("r2")
    assert (item.before, item.before_job_id) == (10, "r1-s001")


def test_the_same_files_are_no_new_submission_because_of_a_rerun(school: Class) -> None:
    job = school.graded(6)
    school.rerun()
    handin = school.store.submissions.get("s001")
    assert handin is not None
    files = school.store.submissions.files(handin.digest)
    assert files is not None
    first = Job("other", "other", "c", "toy", handin.person_id, OLD, "cpu", Lane.INTERACTIVE, 1, 3, NOW + 120)
    assert school.store.submissions.add(replace(handin, id="other"), files, first).handin.id == "s001"
    assert school.store.jobs.shown(["s001"])["s001"].id == job.id


def test_the_specs_of_a_lab_are_those_it_graded_by_and_the_present_one(school: Class) -> None:
    specs = school.store.courses.specs
    assert [(one.digest, one.first_at, one.current) for one in specs("c", "toy")] == [(OLD, None, True)]
    job = school.graded(6)
    school.rerun()
    found = [(one.digest, one.first_at, one.current) for one in specs("c", "toy")]
    assert {digest: current for digest, _, current in found} == {OLD: True, NEW: False}
    assert {digest: at for digest, at, _ in found}[OLD] == job.created_at
    assert [one.digest for one in specs("c", "two")] == ["two".rjust(64, "0")] and specs("c", "nothing") == []


def test_who_has_not_passed_a_test_is_whoever_ended_it_otherwise(school: Class) -> None:
    school.graded(6, login="amy")
    school.graded(10, login="bob")
    for test, verdict, logins in (("test_b", "not_passed", {"amy"}), ("test_b", "passed", {"bob"})):
        chosen = school.store.reruns.select("c", Selection("toy", test=test, verdict=verdict))
        assert {one.person_id for one in chosen} == {school.ids[login] for login in logins}
