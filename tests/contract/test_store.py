"""What every store keeps to, on SQLite and on Postgres."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, select

from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.tables import content, metadata, person
from grader.domain.course import Handin, Spec
from grader.domain.errors import Fault, StoreDown
from grader.domain.job import Ending, Job, JobState, Lane, Outcome
from grader.domain.operations import WorkerBeat
from grader.domain.people import CredentialKind, Role
from grader.domain.submission import Submission
from tests.contract.desk import GRADED, MANIFEST, NOW, RULES, Desk


def test_what_was_handed_in_comes_back_byte_for_byte(store: SqlStore, desk: Desk) -> None:
    handin, job = desk.hand_in(text="x = '\\u2028'")
    assert store.submissions.get(handin.id) == handin
    files = store.submissions.files(handin.digest)
    assert files is not None
    assert files.files == {"starter.py": b"x = '\\u2028'"}
    assert store.jobs.get(job.id) == job
    assert job.seed == 2**63 - 1


def test_submissions_of_a_person_and_lab_are_numbered_from_one(desk: Desk) -> None:
    assert [desk.hand_in("amy")[0].number for _ in range(3)] == [1, 2, 3]
    assert desk.hand_in("bob")[0].number == 1


def test_a_newer_submission_supersedes_what_still_waits(store: SqlStore, desk: Desk) -> None:
    _, waiting = desk.hand_in("amy")
    _, other = desk.hand_in("bob")
    running = desk.running("amy")
    _, newest = desk.hand_in("amy")
    states = [store.jobs.get(job.id).state for job in (waiting, other, running, newest)]  # type: ignore[union-attr]
    assert states == [JobState.SUPERSEDED, JobState.QUEUED, JobState.RUNNING, JobState.QUEUED]
    assert desk.kinds(waiting) == ["queued", "ended"]
    assert newest.id not in desk.superseded
    assert desk.superseded == [waiting.id]


def test_the_same_files_again_are_the_same_submission(store: SqlStore, desk: Desk) -> None:
    first, job = desk.hand_in("amy", text="same")
    assert desk.hand_in("amy", text="same")[0] == first
    assert desk.hand_in("bob", text="same")[0] != first
    claimed = store.jobs.claim(job.id, "w", "t" * 64, NOW, RULES)
    assert claimed is not None
    store.jobs.finish(job.id, 1, GRADED, NOW)
    assert desk.hand_in("amy", text="same")[0] == first
    assert len(store.jobs.of_submission(first.id)) == 1


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.DEAD])
def test_the_same_files_are_graded_again_where_it_went_wrong(store: SqlStore, desk: Desk, state: JobState) -> None:
    first, job = desk.hand_in("amy", text="same")
    assert store.jobs.claim(job.id, "w", "t" * 64, NOW, RULES) is not None
    store.jobs.finish(job.id, 1, Outcome(state, fault=Fault.US), NOW)
    assert desk.hand_in("amy", text="same")[0] != first


def test_the_same_files_are_graded_again_under_another_spec(store: SqlStore, desk: Desk) -> None:
    first, job = desk.hand_in("amy", text="same")
    store.courses.put_lab("c", Spec("2" * 64, "phase/labs/toy", MANIFEST, {}))
    again = replace(first, id="other")
    kept = store.submissions.add(again, Submission({"starter.py": b"same"}), replace(job, id="j", submission_id="other",
                                                                                     spec_digest="2" * 64))  # fmt: skip
    assert kept.handin.id == "other"


def test_a_job_is_claimed_once(store: SqlStore, desk: Desk) -> None:
    _, job = desk.hand_in()
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda n: store.jobs.claim(job.id, f"w{n}", str(n) * 64, NOW, RULES), range(8)))
    winners = [job for job in got if job is not None]
    assert [(job.state, job.attempt) for job in winners] == [(JobState.RUNNING, 1)]
    assert desk.kinds(job) == ["queued", "started"]


def test_a_token_opens_its_own_running_job_alone(store: SqlStore, desk: Desk) -> None:
    job, other = desk.running("amy"), desk.running("bob")
    store.jobs.claim(other.id, "w", "u" * 64, NOW, RULES)
    assert store.jobs.holder(job.id, "t" * 64) is not None
    assert store.jobs.holder(job.id, "x" * 64) is None
    store.jobs.finish(job.id, 1, GRADED, NOW)
    assert store.jobs.holder(job.id, "t" * 64) is None


def test_a_graded_job_keeps_report_and_score_and_ends_once(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    assert store.jobs.finish(job.id, 1, GRADED, NOW + 3)
    assert not store.jobs.finish(job.id, 1, GRADED, NOW + 4)
    ended = store.jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.points, ended.max_points, ended.finished_at) == (JobState.GRADED, 1, 1, NOW + 3)
    assert store.jobs.report(job.id) == GRADED.report
    assert desk.kinds(job) == ["queued", "started", "ended"]
    assert store.jobs.events(job.id)[-1].data == {
        "state": "graded", "points": 1, "max_points": 1, "fault": None, "problem": "",
    }  # fmt: skip
    assert [(a.number, a.ending) for a in store.jobs.attempts(job.id)] == [(1, Ending.FINISHED)]


def test_a_stale_attempt_is_refused_everything(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    store.jobs.expire(NOW + 11, RULES)
    again = store.jobs.claim(job.id, "w2", "u" * 64, NOW + 14, RULES)
    assert again is not None
    assert again.attempt == 2
    assert not store.jobs.beat(job.id, 1, NOW, RULES).owned
    assert not store.jobs.tell(job.id, 1, [("test", {})], NOW)
    assert not store.jobs.finish(job.id, 1, GRADED, NOW)
    assert store.jobs.give_back(job.id, 1, Fault.US, "", NOW, RULES) is None
    assert not store.jobs.stopped(job.id, 1, NOW)
    assert store.jobs.holder(job.id, "t" * 64) is None
    assert store.jobs.report(job.id) is None
    assert store.jobs.finish(job.id, 2, GRADED, NOW)


def test_a_beat_keeps_the_lease(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    assert store.jobs.beat(job.id, 1, NOW + 9, RULES).owned
    assert store.jobs.expire(NOW + 15, RULES) == []
    assert [lost.job_id for lost in store.jobs.expire(NOW + 20, RULES)] == [job.id]


def test_a_lost_worker_costs_an_attempt_and_the_last_one_ends_the_job(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    for attempt in (1, 2, 3):
        now = NOW + 100 * attempt
        (lost,) = store.jobs.expire(now, RULES)
        assert (lost.attempt, lost.dead) == (attempt, attempt == 3)
        store.jobs.claim(job.id, "w", "t" * 64, now, RULES)
    ended = store.jobs.get(job.id)
    assert ended is not None
    assert (ended.state, ended.fault) == (JobState.DEAD, Fault.US)
    assert desk.kinds(job) == ["queued", "started", "requeued", "started", "requeued", "started", "ended"]
    assert {a.ending for a in store.jobs.attempts(job.id)} == {Ending.LOST}


def test_a_job_given_back_rests_before_it_is_offered_again(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    assert store.jobs.give_back(job.id, 1, Fault.OPERATOR, "no sandbox", NOW, RULES) is JobState.QUEUED
    assert store.jobs.offer({"cpu": 5}, NOW + 1) == []
    assert store.jobs.offer({"cpu": 5}, NOW + 2) == [(job.id, "cpu")]
    requeued = store.jobs.events(job.id)[-1]
    assert requeued.data == {"attempt": 1, "retry_in_s": 2.0, "fault": "operator", "problem": "no sandbox"}


def test_an_offer_nobody_took_up_is_made_again(store: SqlStore, desk: Desk) -> None:
    _, job = desk.hand_in()
    assert store.jobs.offer({"cpu": 1}, NOW) == [(job.id, "cpu")]
    assert store.jobs.offer({"cpu": 1}, NOW) == []
    store.jobs.expire(NOW + 4, RULES)
    assert store.jobs.offer({"cpu": 1}, NOW + 4) == []
    store.jobs.expire(NOW + 6, RULES)
    assert store.jobs.offer({"cpu": 1}, NOW + 6) == [(job.id, "cpu")]
    store.jobs.unoffer(job.id)
    assert store.jobs.offer({"cpu": 1}, NOW + 6) == [(job.id, "cpu")]


def test_no_more_is_offered_than_there_is_room_for(store: SqlStore, desk: Desk) -> None:
    desk.running("amy")
    for n in range(5):
        desk.hand_in("bob", lab=f"lab{n}")
    assert len(store.jobs.offer({"cpu": 3}, NOW)) == 2
    assert store.jobs.offer({"cpu": 3}, NOW) == []


def test_events_are_numbered_without_gap_whoever_tells_them(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda n: store.jobs.tell(job.id, 1, [("test", {"n": n})] * 3, NOW), range(10)))
    assert all(told)
    assert [event.seq for event in store.jobs.events(job.id)] == list(range(1, 33))
    assert [event.seq for event in store.jobs.events(job.id, after=30)] == [31, 32]
    assert len(store.jobs.events(job.id, limit=5)) == 5


def test_nobody_handing_in_at_once_loses_a_number(store: SqlStore, desk: Desk) -> None:
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda n: _hand_in(store, n), range(16)))
    assert sorted(handin.number for handin in jobs) == list(range(1, 17))
    states = [job.state for handin in jobs for job in store.jobs.of_submission(handin.id)]
    assert states.count(JobState.QUEUED) == 1
    assert states.count(JobState.SUPERSEDED) == 15


def _hand_in(store: SqlStore, n: int) -> Handin:
    amy = store.accounts.person("amy")
    assert amy is not None
    files = Submission({"starter.py": b"%d" % n})
    handin = Handin(f"s{n}", "c", "toy", amy.id, 0, files.digest, "api", NOW + n)
    job = Job(f"j{n}", handin.id, "c", "toy", amy.id, "1" * 64, "cpu", Lane.INTERACTIVE, 1, 3, NOW + n)
    return store.submissions.add(handin, files, job).handin


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_when_its_worker_stops(
    store: SqlStore, desk: Desk
) -> None:
    _, waiting = desk.hand_in("amy")
    assert store.jobs.cancel(waiting.id, NOW) is JobState.CANCELLED
    assert store.jobs.claim(waiting.id, "w", "t" * 64, NOW, RULES) is None
    running = desk.running("bob")
    assert not store.jobs.stopped(running.id, 1, NOW)
    assert store.jobs.cancel(running.id, NOW) is JobState.RUNNING
    assert store.jobs.beat(running.id, 1, NOW, RULES).cancel
    assert store.jobs.stopped(running.id, 1, NOW)
    assert store.jobs.cancel(running.id, NOW) is JobState.CANCELLED
    assert store.jobs.cancel("nothing", NOW) is None


def test_a_cancelled_job_whose_worker_is_lost_is_cancelled(store: SqlStore, desk: Desk) -> None:
    job = desk.running()
    store.jobs.cancel(job.id, NOW)
    (lost,) = store.jobs.expire(NOW + 60, RULES)
    assert not lost.dead
    ended = store.jobs.get(job.id)
    assert ended is not None
    assert ended.state is JobState.CANCELLED


def test_a_place_in_the_line_comes_with_what_serves_it(store: SqlStore, desk: Desk) -> None:
    done = desk.running("cat")
    store.jobs.finish(done.id, 1, replace(GRADED, duration_s=4.0), NOW)
    jobs = [desk.hand_in(login, at=NOW + n)[1].id for n, login in enumerate(("amy", "bob"))]
    store.operations.put_worker(WorkerBeat("w", ("cpu",), 1, (), "fake", "ready", NOW), NOW)
    line = store.jobs.line("cpu", NOW + 1, RULES)
    place = line.place(jobs[1])
    assert place is not None
    assert (place.ahead, place.waiting, place.slots, place.eta_s) == (1, 2, 1, 4.0)
    assert line.place(done.id) is None


def test_a_silent_draining_or_stopped_worker_serves_nobody(store: SqlStore) -> None:
    for name, state, at in (("a", "ready", 0), ("b", "draining", 90), ("c", "stopped", 90), ("d", "ready", 90)):
        store.operations.put_worker(WorkerBeat(name, ("cpu",), 2, (), "fake", state, NOW), NOW + at)
    assert store.jobs.line("cpu", NOW + 100, RULES).slots == 2
    assert [w.name for w in store.operations.workers(NOW + 100, 20)] == ["b", "d"]


def test_a_link_opens_once_a_session_until_it_expires_a_token_until_it_is_revoked(store: SqlStore) -> None:
    amy = store.accounts.person("amy")
    assert amy is not None
    accounts = store.accounts
    accounts.add_credential(amy.id, CredentialKind.LINK, "a" * 64, "", NOW, NOW + 10)
    assert accounts.peek_credential("a" * 64, CredentialKind.LINK, NOW) == amy
    assert accounts.use_credential("a" * 64, CredentialKind.SESSION, NOW) is None
    assert accounts.use_credential("a" * 64, CredentialKind.LINK, NOW + 5) is not None
    assert accounts.use_credential("a" * 64, CredentialKind.LINK, NOW + 5) is None
    accounts.add_credential(amy.id, CredentialKind.SESSION, "b" * 64, "", NOW, NOW + 10)
    assert accounts.use_credential("b" * 64, CredentialKind.SESSION, NOW + 9) is not None
    assert accounts.use_credential("b" * 64, CredentialKind.SESSION, NOW + 11) is None
    token = accounts.add_credential(amy.id, CredentialKind.TOKEN, "c" * 64, "laptop", NOW, None)
    assert [one.label for one in accounts.credentials(amy.id, CredentialKind.TOKEN)] == ["laptop"]
    assert not accounts.revoke(amy.id + 1, token.id, CredentialKind.TOKEN)
    assert not accounts.revoke(amy.id, token.id, CredentialKind.SESSION)
    assert accounts.revoke(amy.id, token.id, CredentialKind.TOKEN)
    assert accounts.use_credential("c" * 64, CredentialKind.TOKEN, NOW) is None


def test_people_and_roles_are_brought_up_to_date_in_place(store: SqlStore) -> None:
    amy = store.accounts.put_person("amy", "Amy Smith", "amy@example.org")
    store.accounts.put_member("c", amy.id, Role.GRADER, "B")
    assert store.accounts.roles(amy.id) == {"c": Role.GRADER}
    first = store.accounts.members("c")[0]
    assert (first.person.login, first.role, first.section) == ("amy", Role.GRADER, "B")
    assert [m.person.login for m in store.accounts.members("c", after="amy", limit=1)] == ["bob"]
    assert not store.accounts.has_anyone()


def test_a_spec_outlives_the_lab_that_changed(store: SqlStore) -> None:
    assert not store.courses.put_lab("c", Spec("1" * 64, "phase/labs/toy", MANIFEST, {"a": b"\0\xff"}))
    assert store.courses.put_lab("c", Spec("3" * 64, "phase/labs/toy", MANIFEST.replace("Toy", "Toys"), {}))
    (lab,) = store.courses.labs("c")
    assert (lab.title, lab.spec_digest, lab.submission) == ("Toys", "3" * 64, ("starter.py",))
    old = store.courses.spec("1" * 64)
    assert old is not None
    assert (old.bundle, old.lab.title) == ({"a": b"\0\xff"}, "Toy")


def test_a_labs_calibration_record_comes_and_goes_with_each_sync(store: SqlStore) -> None:
    spec = Spec("1" * 64, "phase/labs/toy", MANIFEST, {"a": b"\0\xff"})
    assert store.courses.calibration("c", "toy") is None
    assert not store.courses.put_lab("c", spec, '{"schema": 1, "é": "\\u0000"}')
    assert store.courses.calibration("c", "toy") == '{"schema": 1, "é": "\\u0000"}'
    assert store.courses.calibration("c", "other") is None
    assert not store.courses.put_lab("c", spec)
    assert store.courses.calibration("c", "toy") is None


def test_lists_come_newest_first_in_pages(store: SqlStore, desk: Desk) -> None:
    made = [desk.hand_in(login, at=NOW + n // 2)[0].id for n, login in enumerate(["amy", "bob"] * 3)]
    page = store.submissions.page("c", limit=4)
    assert [handed.handin.id for handed in page] == made[:1:-1]
    rest = store.submissions.page("c", before=page[-1].handin.id)
    assert [handed.handin.id for handed in rest] == made[1::-1]
    amy = page[1].person
    assert {h.person.login for h in store.submissions.page("c", person_id=amy.id)} == {amy.login}
    assert store.submissions.page("c", lab="other") == []
    assert store.submissions.page("c", before="nothing") == []
    times = sorted(h.handin.created_at for h in store.submissions.page("c", person_id=amy.id))
    assert store.submissions.since(amy.id, NOW, times[-2]) == (2, 1)


def test_a_past_ends_with_the_submission_that_is_asked_for(store: SqlStore, desk: Desk) -> None:
    """Of one's own by number, of the others' what came before; the oldest where there is not room for all."""
    amy = [desk.hand_in("amy", at=NOW + at, text=f"amy {at}")[0] for at in (0, 20, 20, 40)]
    bob = [desk.hand_in("bob", at=NOW + at, text=f"bob {at}")[0] for at in (10, 25, 30)]
    team = [amy[0].person_id, bob[0].person_id]

    def past(handin: Handin, people: list[int], limit: int = 50) -> list[str]:
        found = store.submissions.until(handin, people, limit)
        assert [at for at, _ in found] == sorted(at for at, _ in found)
        return [files.files["starter.py"].decode() for _, files in found]

    assert amy[2] == amy[1]  # handed in twice
    assert past(amy[-1], [amy[0].person_id]) == ["amy 0", "amy 20", "amy 40"]
    assert past(amy[1], team) == ["amy 0", "bob 10", "amy 20"]
    assert past(bob[1], team) == ["amy 0", "bob 10", "amy 20", "bob 25"]
    assert past(bob[-1], team, limit=2) == ["amy 0", "bob 10"]
    assert past(amy[0], team) == ["amy 0"]


def test_the_best_score_counts_by_its_newest_grading(store: SqlStore, desk: Desk) -> None:
    for points in (1, 0):
        job = desk.running("amy")
        store.jobs.finish(job.id, 1, replace(GRADED, points=points, max_points=1), NOW)
    (best,) = store.submissions.best("c")
    assert (best.login, best.points, best.submission_id) == ("amy", 1, "s001")
    rerun = replace(
        store.jobs.of_submission("s001")[0], id="again", state=JobState.QUEUED, attempt=0, created_at=NOW + 9
    )
    store.jobs.add(rerun)
    store.jobs.claim("again", "w", "t" * 64, NOW + 9, RULES)
    store.jobs.finish("again", 1, replace(GRADED, points=0), NOW + 9)
    assert [one.points for one in store.submissions.best("c")] == [0]
    assert store.submissions.best("c", person_id=10_000) == []


def test_programs_are_numbered_by_seed_in_the_order_they_came(store: SqlStore, desk: Desk) -> None:
    store.courses.put_lab("c", Spec("2" * 64, "phase/labs/toy", MANIFEST, {}))
    _, first = desk.hand_in("amy")

    def program(seed: int, at: float, spec: str = "1" * 64) -> int:
        job = replace(first, id=f"at {at}", seed=seed, spec_digest=spec, created_at=at)
        store.jobs.add(job)
        return store.jobs.program(job)

    numbers = [program(7, NOW + 1), program(5, NOW + 2), program(7, NOW + 3), program(3, NOW + 4)]
    assert numbers == [2, 3, 2, 4]  # the third differs from the first in comments: it has its seed
    assert store.jobs.program(first) == 1
    assert program(9, NOW + 5, "2" * 64) == 1
    assert store.jobs.program(desk.hand_in("bob", at=NOW + 6)[1]) == 1


def test_figures_are_counted_from_what_happened(store: SqlStore, desk: Desk) -> None:
    done = desk.running("amy")
    store.jobs.finish(done.id, 1, GRADED, NOW)
    desk.running("bob")
    desk.hand_in("cat", at=NOW + 5)
    figures = store.operations.figures(NOW + 65)
    assert figures.waiting == {"cpu": 1}
    assert figures.oldest_waiting_s == {"cpu": 60.0}
    assert figures.running == {"cpu": 1}
    assert figures.outcomes == {"graded": 1}
    assert figures.endings == {"finished": 1, "running": 1}
    assert figures.run_seconds == {"toy": (0.5, 1)}


def test_the_audit_log_tells_newest_first(store: SqlStore) -> None:
    for n in range(3):
        store.operations.note("amy", "c", "rerun", f"s{n}", {"n": n}, NOW + n)
    log = store.operations.audit("c", limit=2)
    assert [entry["subject"] for entry in log] == ["s2", "s1"]
    assert [entry["detail"] for entry in store.operations.audit("c", before=log[-1]["id"])] == [{"n": 0}]


def test_an_older_database_keeps_its_data_when_it_is_brought_up_to_date(url: str) -> None:
    store = SqlStore(url)
    store.migrate("0001")
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(insert(person).values(login="old", name="Old", email=""))
        db.execute(insert(content).values(digest="d" * 64, files=b"\0"))
    store.migrate()
    store.migrate()
    with engine.begin() as db:
        assert db.execute(select(person.c.login)).scalars().all() == ["old"]
        assert db.execute(select(content.c.files)).scalars().all() == [b"\0"]
    engine.dispose()
    assert store.operations.works()
    store.close()


def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    store = SqlStore(url)
    store.migrate()
    engine = create_engine(url)
    with engine.connect() as db:
        difference = compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), metadata)
    engine.dispose()
    store.close()
    assert difference == []


def test_two_processes_may_migrate_at_once(url: str) -> None:
    stores = [SqlStore(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda store: store.migrate(), stores))
    assert all(store.operations.works() for store in stores)
    for store in stores:
        store.close()


def test_a_database_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing/grader.db", "postgresql+psycopg://x@127.0.0.1:1/x"):
        store = SqlStore(url)
        assert not store.operations.works()
        with pytest.raises(StoreDown, match="does not answer"):
            store.courses.courses()
        store.close()
