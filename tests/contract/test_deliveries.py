"""What every store keeps to of pushes that forges told of and of statuses they are told, on SQLite and on Postgres."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import create_engine, insert, select

from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.tables import audit, course, delivery, person, publication
from grader.domain.course import Course, Handin, Spec
from grader.domain.forge import Delivery, DeliveryState, Publication, Push, StatusState
from grader.domain.job import Job, JobRules, JobState, Lane, Outcome
from grader.domain.people import Role
from grader.domain.submission import Submission
from tests.contract.test_store import MANIFEST

NOW = 1_000_000.0
LEASE = 60.0
PUSH = Push("org/phase08-amy", "a" * 40)
LATER = Push("org/phase08-amy", "b" * 40)
OTHER = Push("org/phase08-bob", "c" * 40)


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    """A store with two courses, a lab and a student."""
    one = SqlStore(url)
    one.migrate()
    for name in ("c", "d"):
        one.courses.put_course(Course(name, "Course"))
    one.courses.put_lab("c", Spec("1" * 64, "phase/labs/toy", MANIFEST, {}))
    one.accounts.put_member("c", one.accounts.put_person("amy", "Amy").id, Role.STUDENT)
    yield one
    one.close()


def receive(store: SqlStore, push: Push = PUSH, name: str = "d1", digest: str = "", course: str = "c") -> bool:
    return store.deliveries.receive(course, name, digest or f"{name:0>64}", push, "amy", NOW)


def claim(store: SqlStore, now: float = NOW, courses: tuple[str, ...] = ("c", "d")) -> Delivery | None:
    return store.deliveries.claim(courses, now, LEASE)


def taken(store: SqlStore, now: float = NOW) -> Delivery:
    found = claim(store, now)
    assert found is not None
    return found


def states(url: str) -> list[tuple[str, str]]:
    engine = create_engine(url)
    with engine.connect() as db:
        rows = db.execute(select(delivery.c.delivery, delivery.c.state).order_by(delivery.c.id)).all()
    engine.dispose()
    return [(name, state) for name, state in rows]


def test_a_delivery_is_kept_once_by_its_id_and_by_its_body(store: SqlStore) -> None:
    assert receive(store, name="d1", digest="1" * 64)
    assert not receive(store, name="d1", digest="2" * 64)
    assert not receive(store, name="d2", digest="1" * 64)  # whoever repeats it may invent an id: nobody signs that
    assert receive(store, name="d1", digest="1" * 64, course="d")
    assert claim(store) is not None
    assert claim(store) is not None
    assert claim(store) is None


def test_a_delivery_told_twice_at_once_is_kept_once(store: SqlStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda _: receive(store), range(8)))
    assert kept.count(True) == 1


def test_a_delivery_is_one_publishers_until_its_lease_ends(store: SqlStore) -> None:
    receive(store)
    first = taken(store)
    assert (first.repository, first.commit, first.login, first.attempts) == ("org/phase08-amy", "a" * 40, "amy", 0)
    assert claim(store, NOW + LEASE - 1) is None
    second = taken(store, NOW + LEASE + 1)
    assert not store.deliveries.settle(first, DeliveryState.FETCHED, "", NOW)
    assert not store.deliveries.postpone(first, NOW, "", failed=True)
    assert store.deliveries.settle(second, DeliveryState.FETCHED, "", NOW)
    assert not store.deliveries.settle(second, DeliveryState.FAILED, "", NOW)
    assert claim(store, NOW + 10 * LEASE) is None


def test_only_the_courses_asked_for_are_served(store: SqlStore) -> None:
    receive(store)
    assert claim(store, courses=()) is None
    assert claim(store, courses=("d",)) is None
    assert claim(store, courses=("c",)) is not None


def test_pushes_of_a_repository_go_one_after_the_other_and_others_beside(store: SqlStore) -> None:
    receive(store, PUSH, "d1")
    receive(store, LATER, "d2")
    receive(store, OTHER, "d3")
    assert taken(store).commit == PUSH.commit
    assert taken(store).commit == OTHER.commit
    assert claim(store) is None


def test_a_push_that_is_fetched_makes_the_older_ones_outdated(store: SqlStore, url: str) -> None:
    for push, name in ((PUSH, "d1"), (LATER, "d2"), (OTHER, "d3")):
        receive(store, push, name)
    old = taken(store)
    store.deliveries.postpone(old, NOW + 1000, "the forge is down", failed=True)
    newer = taken(store)
    assert newer.commit == LATER.commit
    assert store.deliveries.settle(newer, DeliveryState.FETCHED, "", NOW)
    assert states(url) == [("d1", "refused"), ("d2", "fetched"), ("d3", "received")]


def test_a_postponed_delivery_rests_and_only_failures_are_counted(store: SqlStore) -> None:
    receive(store)
    store.deliveries.postpone(taken(store), NOW + 30, "too often", failed=False)
    assert claim(store, NOW + 29) is None
    again = taken(store, NOW + 31)
    assert again.attempts == 0
    store.deliveries.postpone(again, NOW + 60, "down", failed=True)
    assert taken(store, NOW + 61).attempts == 1


def test_two_publishers_never_take_the_same(store: SqlStore, url: str) -> None:
    for number in range(40):
        receive(store, Push(f"org/phase08-{number % 8}", f"{number:040}"), f"d{number}")
    other = SqlStore(url)

    def work(one: SqlStore) -> list[Delivery]:
        done = []
        while found := claim(one):
            done.append(found)
            assert one.deliveries.settle(found, DeliveryState.REFUSED, "", NOW)
        return done

    with ThreadPoolExecutor(4) as threads:
        lists = list(threads.map(work, [store, other, store, other]))
    done = [one.id for found in lists for one in found]
    assert len(done) == len(set(done))
    left = [found.id for found in iter(lambda: claim(store), None)]  # who lost a race came back with nothing
    assert len(done) + len(left) == 40
    other.close()


def hand_in(store: SqlStore, number: int = 1) -> Job:
    owner = store.accounts.person("amy")
    assert owner is not None
    files = Submission({"starter.py": f"x = {number}".encode()})
    handin = Handin(f"s{number}", "c", "toy", owner.id, 0, files.digest, "github", NOW)
    job = Job(f"j{number}", handin.id, "c", "toy", owner.id, "1" * 64, "cpu", Lane.INTERACTIVE, 7, 3, NOW)
    store.submissions.add(handin, files, job)
    return job


def grade(store: SqlStore, job: Job) -> None:
    assert store.jobs.claim(job.id, "w", "t" * 64, NOW, JobRules()) is not None
    assert store.jobs.finish(job.id, 1, Outcome(JobState.GRADED, b"{}", 1, 1), NOW)


def due(store: SqlStore, now: float = NOW) -> Publication | None:
    return store.publications.claim(["c"], now, LEASE)


def test_a_status_is_due_at_first_and_again_when_its_submission_is_graded(store: SqlStore) -> None:
    job = hand_in(store)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    first = due(store)
    assert first is not None
    assert (first.commit, first.submission_id, first.posted) == (PUSH.commit, "s1", "")
    assert due(store) is None
    assert store.publications.posted(first, StatusState.PENDING, NOW, final=False)
    assert due(store, NOW + 1000) is None
    grade(store, job)
    last = due(store)
    assert last is not None
    assert last.posted == "pending"
    assert not store.publications.end(first, "stale")
    assert store.publications.posted(last, StatusState.SUCCESS, NOW, final=True)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    assert due(store, NOW + 1000) is None


def test_a_status_is_posted_again_after_a_rerun(store: SqlStore) -> None:
    job = hand_in(store)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    grade(store, job)
    first = due(store)
    assert first is not None
    store.publications.posted(first, StatusState.FAILURE, NOW, final=True)
    assert store.publications.reopen(NOW) == 0
    store.jobs.add(Job("j9", "s1", "c", "toy", job.person_id, "1" * 64, "cpu", Lane.RERUN, 7, 3, NOW + 5))
    assert store.publications.reopen(NOW) == 1
    assert store.publications.reopen(NOW) == 0
    again = due(store)
    assert again is not None
    assert again.posted == "failure"


def test_the_newest_status_is_posted_again_when_it_changes_by_itself(store: SqlStore) -> None:
    for number, push in enumerate((PUSH, LATER), 1):
        job = hand_in(store, number)
        store.publications.want("c", push, "toy", NOW, submission_id=job.submission_id)
        grade(store, job)
        one = due(store)
        assert one is not None
        assert store.publications.posted(one, StatusState.SUCCESS, NOW, final=True, changes_at=NOW + 50)
    store.publications.want("c", OTHER, "toy", NOW, refusal="another repository's")
    store.publications.want("c", replace(PUSH, commit="d" * 40), "toy", NOW, refusal="it cannot be read")
    for _ in range(2):
        one = due(store)
        assert one is not None
        assert store.publications.posted(one, StatusState.ERROR, NOW, final=True)
    assert store.publications.reopen(NOW + 49) == 0
    assert store.publications.reopen(NOW + 50) == 1
    again = due(store, NOW + 50)
    assert again is not None
    assert (again.commit, again.posted) == (LATER.commit, "success")
    assert store.publications.posted(again, StatusState.FAILURE, NOW + 50, final=True)
    assert store.publications.reopen(NOW + 1000) == 0


def test_a_rerun_is_told_of_before_what_changes_by_itself(store: SqlStore) -> None:
    job = hand_in(store)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    grade(store, job)
    one = due(store)
    assert one is not None
    assert store.publications.posted(one, StatusState.SUCCESS, NOW, final=True, changes_at=NOW + 50)
    store.jobs.add(Job("j9", "s1", "c", "toy", job.person_id, "1" * 64, "cpu", Lane.RERUN, 7, 3, NOW + 5))
    assert store.publications.reopen(NOW + 6) == 1
    assert due(store, NOW + 6) is not None


def test_a_status_rests_after_a_failure_and_ends_when_it_is_given_up(store: SqlStore) -> None:
    store.publications.want("c", PUSH, "toy", NOW, refusal="starter.py is empty")
    first = due(store)
    assert first is not None
    assert (first.submission_id, first.refusal, first.attempts) == (None, "starter.py is empty", 0)
    store.publications.postpone(first, NOW + 5, "down")
    assert due(store, NOW + 4) is None
    again = due(store, NOW + 6)
    assert again is not None
    assert again.attempts == 1
    assert store.publications.end(again, "the token was refused")
    assert due(store, NOW + 1000) is None


def test_a_lease_that_ran_out_is_somebody_elses(store: SqlStore) -> None:
    store.publications.want("c", PUSH, "toy", NOW, refusal="x")
    lost = due(store)
    assert lost is not None
    assert due(store, NOW + LEASE - 1) is None
    assert due(store, NOW + LEASE + 1) is not None
    assert not store.publications.posted(lost, StatusState.ERROR, NOW, final=True)


def test_another_submission_for_the_same_commit_takes_the_place(store: SqlStore) -> None:
    store.publications.want("c", PUSH, "toy", NOW, refusal="x")
    first = due(store)
    assert first is not None
    store.publications.posted(first, StatusState.ERROR, NOW, final=True)
    job = hand_in(store)
    store.publications.want("c", PUSH, "toy", NOW, submission_id=job.submission_id)
    second = due(store)
    assert second is not None
    assert (second.id, second.submission_id, second.refusal, second.posted) == (first.id, "s1", "", "")


def test_a_database_of_the_release_before_keeps_its_data(url: str) -> None:
    store = SqlStore(url)
    store.migrate("0002")
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(insert(person).values(login="old", name="Old", email=""))
        db.execute(insert(course).values(id="c", title="C", folder=""))
        db.execute(insert(audit).values(at=NOW, actor="x", course="c", action="y", subject="z", detail="{}"))
    store.migrate()
    store.migrate()
    with engine.begin() as db:
        assert db.execute(select(person.c.login)).scalars().all() == ["old"]
        assert db.execute(select(audit.c.subject)).scalars().all() == ["z"]
        assert db.execute(select(delivery)).all() == db.execute(select(publication)).all() == []
    engine.dispose()
    assert receive(store)
    store.close()
