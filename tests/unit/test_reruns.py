"""Reruns over a real store: nothing counts before it is applied, nobody who moved on is touched, all can be undone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.errors import Fault, NotAllowed, NotFound, Refused
from grader.domain.job import JobState, Lane
from grader.domain.people import Role, Viewer
from grader.domain.rerun import Direction, Fate, Rerun, RerunState, Selection, fate
from grader.steps import courses, intake, notices, rerunning, reruns, viewing
from grader.steps.service import Service
from tests.courses.copies import LAB, toy_course
from tests.fakes import ManualClock, enrolled, make_service, stranger
from tests.marking import Class, grade, report

EVERYBODY = Selection("toy-1")
BOTH = ("test_double", "test_total")


@dataclass
class Room:
    """A course with three students and a grader, whose spec can be changed."""

    service: Service
    clock: ManualClock
    folder: Path
    school: Class
    amy: Viewer
    bob: Viewer
    cleo: Viewer
    gina: Viewer

    def points(self, who: Viewer) -> int | None:
        """What counts for them, as they read it."""
        row = self.service.store.standings.mine("toy", who.person.id)
        assert row is not None
        return row.cells["toy-1"].points

    def mend_the_spec(self) -> str:
        """Change the lab as an instructor does; the new spec's digest."""
        spec = self.folder / LAB / "test_lab.py"
        spec.write_text(spec.read_text(encoding="utf-8") + "\n# mended\n", encoding="utf-8")
        assert courses.sync_course(self.service, "toy") == ["toy-1"]
        return self.service.store.courses.labs("toy")[0].spec_digest

    def begin(self, selection: Selection = EVERYBODY, **options: object) -> Rerun:
        self.clock.passes(10)
        return reruns.begin(self.service, self.gina, "toy", selection, **options)  # type: ignore[arg-type]

    def graded(self, rerun: Rerun, **passed: tuple[str, ...]) -> reruns.Look:
        """Run its jobs: by login what passes, nothing for who is not named."""
        for item in self.service.store.reruns.items(rerun.id):
            if not JobState(item.job_state).final:
                grade(self.service, item.job_id, report(*passed.get(item.login, ())))
        self.clock.passes(1)
        return reruns.look(self.service, self.gina, rerun.id)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    clock = ManualClock()
    service = make_service(store, clock)
    folder = toy_course(tmp_path / "course")
    courses.init_course(service, "toy", "Toys", str(folder))
    amy, bob, cleo = (enrolled(service, login) for login in ("amy", "bob", "cleo"))
    yield Room(service, clock, folder, Class(service), amy, bob, cleo, enrolled(service, "gina", Role.GRADER))
    store.close()


def test_what_a_rerun_finds_counts_only_once_it_is_applied(room: Room) -> None:
    room.school.hand_in(room.amy, "test_double")
    room.school.hand_in(room.bob, "test_double", "test_total")
    digest = room.mend_the_spec()
    rerun = room.begin(note="the tolerance was too tight")
    assert (rerun.spec_digest, rerun.items, rerun.state) == (digest, 2, RerunState.RUNNING)
    jobs = [room.service.store.jobs.get(item.job_id) for item in room.service.store.reruns.items(rerun.id)]
    assert {(job.lane, job.spec_digest) for job in jobs if job} == {(Lane.BULK, digest)}
    with pytest.raises(Refused, match="running"):
        reruns.apply(room.service, room.gina, rerun.id)

    look = room.graded(rerun, amy=BOTH)
    assert look.rerun.state is RerunState.READY
    assert look.preview.counts == {Direction.UP: 1, Direction.DOWN: 1, Direction.SAME: 0, Direction.UNSETTLED: 0}
    assert look.preview.tests == (("test_double", 0, 1), ("test_total", 1, 1))
    assert (room.points(room.amy), room.points(room.bob)) == (6, 10)

    reruns.apply(room.service, room.gina, rerun.id)
    assert (room.points(room.amy), room.points(room.bob)) == (10, 0)
    with pytest.raises(Refused, match="applied"):
        reruns.apply(room.service, room.gina, rerun.id)
    reruns.revert(room.service, room.gina, rerun.id)
    assert (room.points(room.amy), room.points(room.bob)) == (6, 10)
    with pytest.raises(Refused, match="reverted"):
        reruns.revert(room.service, room.gina, rerun.id)
    actions = [entry["action"] for entry in room.service.store.operations.audit("toy")]
    assert [a for a in actions if a.startswith("rerun")] == ["rerun reverted", "rerun applied", "rerun begun"]


def test_a_spec_of_old_may_be_chosen_by_the_start_of_its_digest(room: Room) -> None:
    old = room.service.store.courses.labs("toy")[0].spec_digest
    room.school.hand_in(room.amy)
    new = room.mend_the_spec()
    assert [(s.digest, s.current, s.first_at is None) for s in reruns.specs(room.service, room.gina, "toy", "toy")] == [
        (new, True, True), (old, False, False),
    ]  # fmt: skip
    assert room.begin(spec=old[:8]).spec_digest == old
    for wrong in ("zzzz", old[:3], "\x1b[2J"):
        with pytest.raises(Refused, match="not one of the specs"):
            room.begin(spec=wrong)


def test_the_same_files_get_the_seed_of_the_spec_they_are_graded_by(room: Room) -> None:
    receipt = room.school.hand_in(room.amy)
    rerun = room.begin()
    [item] = room.service.store.reruns.items(rerun.id)
    again = room.service.store.jobs.get(item.job_id)
    assert again is not None and again.seed == receipt.job.seed
    room.mend_the_spec()
    [item] = room.service.store.reruns.items(room.begin().id)
    mended = room.service.store.jobs.get(item.job_id)
    assert mended is not None and mended.seed != receipt.job.seed


def test_who_never_loses_keeps_what_they_have(room: Room) -> None:
    room.school.hand_in(room.amy, *BOTH)
    room.school.hand_in(room.bob)
    rerun = room.begin()
    look = room.graded(rerun, bob=BOTH)
    assert look.preview.kept == 0
    assert reruns.look(room.service, room.gina, rerun.id, never_lower=True).preview.kept == 1
    reruns.apply(room.service, room.gina, rerun.id, never_lower=True)
    assert (room.points(room.amy), room.points(room.bob)) == (10, 10)
    assert reruns.look(room.service, room.gina, rerun.id).rerun.never_lower


def test_a_submission_handed_in_during_a_rerun_is_not_touched_by_it(room: Room) -> None:
    room.school.hand_in(room.amy)
    rerun = room.begin()
    room.clock.passes(5)
    newer = room.school.hand_in(room.amy, "test_double", note="newer")
    room.graded(rerun, amy=("test_total",))
    reruns.apply(room.service, room.gina, rerun.id)
    assert room.points(room.amy) == 6
    assert room.service.store.standings.counted([newer.handin.id]) == {newer.handin.id: newer.job.id}
    reruns.revert(room.service, room.gina, rerun.id)
    assert room.points(room.amy) == 6


def test_who_waits_is_neither_superseded_nor_kept_from_being_graded_by_a_rerun(room: Room) -> None:
    room.school.hand_in(room.amy)
    waiting = room.school.waiting(room.amy, "newer").job
    rerun = room.begin(replace(EVERYBODY, login="amy"))
    newest = room.service.store.jobs.get(waiting.id)
    assert newest is not None and newest.state is JobState.QUEUED
    room.clock.passes(1)
    room.school.waiting(room.amy, "newest")
    [item] = room.service.store.reruns.items(rerun.id)
    its = room.service.store.jobs.get(item.job_id)
    assert its is not None and its.state is JobState.QUEUED  # only what students wait for is superseded


def test_a_second_rerun_that_was_applied_in_between_wins(room: Room) -> None:
    room.school.hand_in(room.amy)
    room.school.hand_in(room.bob)
    first = room.begin()
    second = room.begin(Selection("toy-1", login="amy"))
    room.graded(first, amy=("test_total",), bob=("test_total",))
    room.graded(second, amy=BOTH)
    reruns.apply(room.service, room.gina, second.id)
    look = reruns.look(room.service, room.gina, first.id)
    assert [fate(item, never_lower=False) for item in look.items] == [Fate.MOVED_ON, Fate.MOVES]
    assert look.preview.moved_on == 1
    reruns.apply(room.service, room.gina, first.id)
    assert (room.points(room.amy), room.points(room.bob)) == (10, 4)
    reruns.revert(room.service, room.gina, first.id)
    assert (room.points(room.amy), room.points(room.bob)) == (10, 0)
    reruns.revert(room.service, room.gina, second.id)
    assert room.points(room.amy) == 0


def test_a_submission_that_was_still_being_graded_keeps_the_result_it_waited_for(room: Room) -> None:
    waiting = room.school.waiting(room.amy)
    rerun = room.begin(replace(EVERYBODY, newest=True))
    grade(room.service, waiting.job.id, report("test_double"))
    assert room.graded(rerun, amy=BOTH).preview.moved_on == 1
    assert reruns.apply(room.service, room.gina, rerun.id).preview.moved_on == 1
    assert room.points(room.amy) == 6


def test_reverting_leaves_alone_what_another_rerun_has_moved_since(room: Room) -> None:
    room.school.hand_in(room.amy)
    first = room.begin()
    room.graded(first, amy=("test_total",))
    reruns.apply(room.service, room.gina, first.id)
    second = room.begin()
    room.graded(second, amy=BOTH)
    reruns.apply(room.service, room.gina, second.id)
    reruns.revert(room.service, room.gina, first.id)
    assert room.points(room.amy) == 10


def test_reverting_after_a_newer_submission_gives_the_old_one_its_score_back(room: Room) -> None:
    older = room.school.hand_in(room.amy, "test_double")
    rerun = room.begin()
    room.graded(rerun)
    reruns.apply(room.service, room.gina, rerun.id)
    room.clock.passes(5)
    room.school.hand_in(room.amy, "test_total", note="newer")
    assert room.points(room.amy) == 4
    reruns.revert(room.service, room.gina, rerun.id)
    assert room.service.store.standings.counted([older.handin.id]) == {older.handin.id: older.job.id}
    assert room.points(room.amy) == 6  # the best of both


def test_no_clear_result_changes_nothing(room: Room) -> None:
    room.school.hand_in(room.amy, "test_double")
    room.school.hand_in(room.bob, "test_double")
    rerun = room.begin()
    amys, bobs = room.service.store.reruns.items(rerun.id)
    grade(room.service, amys.job_id, report("test_total", inconclusive=("test_double",)))
    grade(room.service, bobs.job_id, None, Fault.LAB_AUTHOR)
    look = reruns.look(room.service, room.gina, rerun.id)
    assert look.preview.counts[Direction.UNSETTLED] == 2
    reruns.apply(room.service, room.gina, rerun.id)
    assert (room.points(room.amy), room.points(room.bob)) == (6, 6)


def test_discarded_and_cancelled_reruns_never_count(room: Room) -> None:
    room.school.hand_in(room.amy)
    rerun = room.begin()
    with pytest.raises(Refused, match="running"):
        reruns.discard(room.service, room.gina, rerun.id)
    room.graded(rerun, amy=BOTH)
    with pytest.raises(Refused, match="ready"):
        reruns.cancel(room.service, room.gina, rerun.id)
    assert reruns.discard(room.service, room.gina, rerun.id).rerun.state is RerunState.DISCARDED
    other = room.begin()
    assert reruns.cancel(room.service, room.gina, other.id).rerun.state is RerunState.CANCELLED
    [item] = room.service.store.reruns.items(other.id)
    assert item.job_state == "cancelled"
    for ended in (rerun, other):
        with pytest.raises(Refused):
            reruns.apply(room.service, room.gina, ended.id)
    assert room.points(room.amy) == 0


def test_students_see_and_cancel_their_own_job_and_never_a_reruns(room: Room) -> None:
    handed = room.school.hand_in(room.amy, "test_double")
    rerun = room.begin()
    view = viewing.view(room.service, room.amy, handed.handin.id)
    assert (view.job.id, view.job.points) == (handed.job.id, 6)
    with pytest.raises(Refused, match="graded already"):
        rerunning.cancel(room.service, room.amy, handed.handin.id)
    look = room.graded(rerun)
    assert viewing.view(room.service, room.amy, handed.handin.id).job.id == handed.job.id
    assert viewing.view(room.service, room.gina, handed.handin.id, look.items[0].job_id).job.points == 0
    with pytest.raises(NotFound):
        viewing.view(room.service, room.amy, handed.handin.id, look.items[0].job_id)
    reruns.apply(room.service, room.gina, rerun.id)
    assert viewing.view(room.service, room.amy, handed.handin.id).job.points == 0


def test_only_graders_of_the_course_have_anything_to_do_with_reruns(room: Room) -> None:
    room.school.hand_in(room.amy)
    rerun = room.begin()
    for who in (room.amy, stranger()):
        for act in (reruns.look, reruns.apply, reruns.revert, reruns.discard, reruns.cancel):
            with pytest.raises(NotFound):
                act(room.service, who, rerun.id)
    with pytest.raises(NotAllowed):
        reruns.begin(room.service, room.amy, "toy", EVERYBODY)
    with pytest.raises(NotAllowed):
        reruns.listed(room.service, room.amy, "toy")
    with pytest.raises(NotFound):
        reruns.selected(room.service, stranger(), "toy", EVERYBODY)


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        (Selection("toy-1", login="nobody"), "nothing to grade again"),
        (Selection("toy-1", verdict="failed"), "that of a test"),
        (Selection("toy-1", cause="x"), "that of a test"),
        (Selection("toy-1", test="test_total", verdict="sad"), "no verdict"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused_in_words(room: Room, selection: Selection, told: str) -> None:
    room.school.hand_in(room.amy)
    with pytest.raises(Refused, match=told):
        room.begin(selection)


def test_the_same_rerun_is_not_begun_twice_and_a_class_is_the_most(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for who in (room.amy, room.bob):
        room.school.hand_in(who)
    first = room.begin()
    with pytest.raises(Refused, match=first.id):
        room.begin()
    reruns.cancel(room.service, room.gina, first.id)
    monkeypatch.setattr(reruns, "MOST", 1)
    with pytest.raises(Refused, match="more than 1"):
        room.begin()


def test_submissions_are_selected_by_test_verdict_cause_student_and_lack_of_a_result(room: Room) -> None:
    room.school.hand_in(room.amy, "test_double")
    room.school.hand_in(room.bob, "test_total")
    lost = room.school.waiting(room.cleo)
    grade(room.service, lost.job.id, None, Fault.LAB_AUTHOR)

    def found(**narrow: object) -> set[str]:
        selection = replace(EVERYBODY, **narrow)  # type: ignore[arg-type]
        ids = [one.person_id for one in reruns.selected(room.service, room.gina, "toy", selection)]
        return {person.login for person in room.service.store.accounts.people(ids).values()}

    assert found() == {"amy", "bob"}
    assert found(newest=True) == {"amy", "bob", "cleo"}
    assert found(test="test_total", verdict="failed") == {"amy"}
    assert found(test="test_total") == found(test="test_total", verdict="not_passed") == {"amy"}
    assert found(test="test_total", cause="wrong sum") == {"amy"}
    assert found(login="bob") == {"bob"}
    assert found(no_result=True) == {"cleo"}
    assert found(submission_id=lost.handin.id) == {"cleo"}


def test_whose_score_changed_is_told_until_they_have_read_it(room: Room) -> None:
    handed = room.school.hand_in(room.amy, "test_double")
    room.school.hand_in(room.bob, "test_double")
    rerun = room.begin(note="a sum was wrong")
    room.graded(rerun, amy=BOTH, bob=("test_double",))
    reruns.apply(room.service, room.gina, rerun.id)
    [told] = notices.unseen(room.service, room.amy)
    assert (told.submission, told.change, told.course) == (handed.handin.id, "6 → 10", "toy")
    assert "toy-1" in told.text
    assert notices.unseen(room.service, room.bob) == []
    [move] = notices.moves(room.service, room.amy, handed.handin.id)
    assert (move.note, move.reverted, notices.change(move)) == ("a sum was wrong", False, "6 → 10")
    notices.seen(room.service, room.bob, told.id)
    assert len(notices.unseen(room.service, room.amy)) == 1
    notices.seen(room.service, room.amy, told.id)
    assert notices.unseen(room.service, room.amy) == []
    room.clock.passes(1)
    reruns.revert(room.service, room.gina, rerun.id)
    [back] = notices.unseen(room.service, room.amy)
    assert back.change == "10 → 6"


def test_a_hidden_test_shows_in_no_notice_before_it_is_due(room: Room) -> None:
    rules = '[labs.toy-1]\ndue = 1970-02-01T00:00:00\nhidden_until_due = ["test_total"]\n'
    (room.folder / "course.toml").write_text(rules, encoding="utf-8")
    courses.sync_course(room.service, "toy")
    handed = room.school.hand_in(room.amy, "test_double")
    room.school.hand_in(room.bob, "test_total")
    rerun = room.begin()
    room.graded(rerun, amy=BOTH, bob=("test_double",))
    reruns.apply(room.service, room.gina, rerun.id)
    assert notices.unseen(room.service, room.amy) == []
    [told] = notices.unseen(room.service, room.bob)
    assert told.change == "0 → 6"
    for who, change in ((room.amy, ""), (room.gina, "6 → 10")):
        [move] = notices.moves(room.service, who, handed.handin.id)
        assert notices.change(move) == change
    room.clock.passes(40 * 86_400)
    [move] = notices.moves(room.service, room.amy, handed.handin.id)
    assert notices.change(move) == "6 → 10"


def test_a_single_submission_without_a_score_is_run_at_once_and_one_with_a_score_as_a_rerun(room: Room) -> None:
    waiting = room.school.waiting(room.amy)
    grade(room.service, waiting.job.id, None, Fault.LAB_AUTHOR)
    room.clock.passes(1)
    again = rerunning.rerun(room.service, room.gina, waiting.handin.id)
    assert not isinstance(again, Rerun) and again.lane is Lane.RERUN
    grade(room.service, again.id, report("test_double"))
    assert room.points(room.amy) == 6
    begun = rerunning.rerun(room.service, room.gina, waiting.handin.id)
    assert isinstance(begun, Rerun) and begun.items == 1
    room.graded(begun)
    assert room.points(room.amy) == 6


def given_up(room: Room) -> int:
    """For how many submissions the alarm rings."""
    return room.service.store.operations.figures(room.clock()).given_up


def lose(room: Room, job_id: str) -> None:
    """Let it be our fault until nobody tries it again."""
    for _ in range(room.service.rules.max_attempts):
        room.clock.passes(1000)
        grade(room.service, job_id, None, Fault.US)


def test_a_rerun_that_we_could_not_run_neither_rings_the_alarm_nor_silences_it(room: Room) -> None:
    room.school.hand_in(room.amy, "test_double")
    lost = room.school.waiting(room.bob)
    lose(room, lost.job.id)
    assert given_up(room) == 1
    for selection, alarms in ((EVERYBODY, 1), (replace(EVERYBODY, no_result=True), 0)):
        rerun = room.begin(selection)
        assert given_up(room) == alarms  # bob's is being tried again, or is not
        [item] = room.service.store.reruns.items(rerun.id)
        lose(room, item.job_id)
        assert reruns.look(room.service, room.gina, rerun.id).preview.counts[Direction.UNSETTLED] == 1
        assert given_up(room) == 1


def test_a_push_of_the_same_files_during_a_rerun_is_still_the_same_submission(room: Room) -> None:
    handed = room.school.hand_in(room.amy, "test_double")
    room.begin()
    again = room.school.waiting(room.amy, "test_double")
    assert isinstance(again, intake.Receipt) and (again.duplicate, again.handin.id) == (True, handed.handin.id)
