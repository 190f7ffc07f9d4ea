"""What course.toml means for who hands in: opening and closing, late work, attempts, extensions, teams, hiding."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.adapters.sql_store import SqlStore
from grader.domain.errors import BadManifest, Fault, NoAttemptLeft, NotAllowed, NotFound, Refused, UnknownLab
from grader.domain.people import Role, Viewer
from grader.domain.policy_lines import policy_lines
from grader.steps import courses, extending, intake, rules, viewing
from grader.steps.courses import Enrolment
from grader.steps.service import Service
from tests.courses.copies import toy_course
from tests.fakes import ManualClock, enrolled, make_service
from tests.marking import Class, grade
from tests.rules_of import DAY, HOUR, course_toml

NOW = 1_000_000.0  # 12 Jan 1970, 13:46:40 UTC
BOTH = ("test_double", "test_total")


@dataclass
class Room:
    """A course of one lab with two students and a grader; now is a day before the due time, wherever there is one."""

    service: Service
    clock: ManualClock
    folder: Path
    school: Class
    amy: Viewer
    bob: Viewer
    gina: Viewer

    def rule(self, *, top: str = "", **policy: object) -> list[str]:
        """Write course.toml and read it; what changed."""
        (self.folder / "course.toml").write_text(course_toml(top=top, **policy), encoding="utf-8")
        return courses.sync_course(self.service, "toy")

    def points(self, who: Viewer) -> int | None:
        """What they have in toy-1, as they may see it."""
        found = rules.standing(self.service, who, "toy").get("toy-1")
        return None if found is None else found.points

    def audit(self) -> list[str]:
        return [str(entry["action"]) for entry in self.service.store.operations.audit("toy")]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    store = SqlStore(f"sqlite:///{tmp_path / 'grader.db'}")
    store.migrate()
    clock = ManualClock(NOW)
    service = make_service(store, clock)
    folder = toy_course(tmp_path / "course")
    courses.init_course(service, "toy", "Toys", str(folder))
    amy, bob = (enrolled(service, login) for login in ("amy", "bob"))
    yield Room(service, clock, folder, Class(service), amy, bob, enrolled(service, "gina", Role.GRADER))
    store.close()


def test_a_sync_says_whether_the_rules_changed(room: Room) -> None:
    assert room.rule(due=NOW + DAY) == ["course.toml"]
    assert room.rule(due=NOW + DAY) == []
    assert "rules changed" in room.audit()
    (room.folder / "course.toml").unlink()
    assert courses.sync_course(room.service, "toy") == ["course.toml"]
    assert rules.policy_of(room.service, "toy", "toy-1", room.amy.person.id).due_at is None


def test_bad_rules_change_nothing_not_even_the_labs(room: Room) -> None:
    room.rule(due=NOW + DAY)
    digest = room.service.store.courses.labs("toy")[0].spec_digest
    spec = next(room.folder.glob("*/labs/toy-1/test_lab.py"))
    spec.write_text(spec.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    with pytest.raises(BadManifest, match=r"course\.toml: labs\.toy-1\.hidden_until_due: expected a due time"):
        room.rule(hidden_until_due='["test_total"]')
    assert room.service.store.courses.labs("toy")[0].spec_digest == digest
    assert rules.policy_of(room.service, "toy", "toy-1", room.amy.person.id).due_at == NOW + DAY


def test_before_a_lab_opens_only_graders_hand_in(room: Room) -> None:
    room.rule(top='timezone = "Europe/Berlin"', opens=NOW + DAY)
    with pytest.raises(Refused, match="toy-1 opens 13 Jan 1970, 14:46 CET; hand it in in 24 hours"):
        room.school.waiting(room.amy)
    room.school.waiting(room.gina)
    room.clock.passes(DAY)
    room.school.waiting(room.amy)


def test_after_it_has_closed_it_is_told_when_that_was_and_what_counts(room: Room) -> None:
    room.rule(top='timezone = "Asia/Kathmandu"', due=NOW + DAY, closes=NOW + 2 * DAY)
    room.school.hand_in(room.amy, "test_double")
    room.clock.passes(2 * DAY)
    room.school.waiting(room.bob, "in the last moment")
    room.clock.passes(1)
    with pytest.raises(Refused) as error:
        room.school.waiting(room.amy, "too late")
    assert error.value.message == (
        "toy-1 closed 14 Jan 1970, 19:16 +0530: your submission 1 counts, with 6 of 10 points"
    )
    with pytest.raises(Refused, match="what you handed in has no score yet"):
        room.school.waiting(room.bob, "too late")
    with pytest.raises(Refused, match="you handed nothing in"):
        room.school.waiting(enrolled(room.service, "cleo"))
    room.school.waiting(room.gina, "late, and a grader")


def test_the_same_files_again_are_an_answer_and_no_submission_even_then(room: Room) -> None:
    room.rule(closes=NOW + DAY)
    first = room.school.hand_in(room.amy, "test_double", note="x")
    lost = room.school.waiting(room.bob, "x")
    room.service.store.jobs.cancel(lost.job.id, NOW)
    room.clock.passes(2 * DAY)
    again = room.school.waiting(room.amy, "x")
    assert (again.handin.id, again.duplicate) == (first.handin.id, True)
    with pytest.raises(Refused, match="closed"):
        room.school.waiting(room.bob, "x")  # was cancelled: this would be a new one


def test_late_work_is_accepted_told_and_costs_what_was_said(room: Room) -> None:
    room.rule(due=NOW + DAY, late_percent_per_day=15)
    assert room.school.waiting(room.bob).notes == ()
    room.clock.passes(2 * DAY + 1)
    receipt = room.school.hand_in(room.amy, *BOTH)
    assert receipt.notes == ("2 days late: −30 %",)
    assert viewing.view(room.service, room.amy, receipt.handin.id).told == ("2 days late: −30 %",)
    assert room.points(room.amy) == 7
    room.rule(top="late_days = 1", due=NOW + DAY, late_percent_per_day=15)
    assert room.points(room.amy) == 9, "8.5 points, rounded up: one day is free"


def test_a_cap_refuses_until_one_is_free_again_and_our_faults_cost_none(room: Room) -> None:
    room.rule(cap="{ submissions = 2, hours = 6 }")
    room.school.hand_in(room.amy, "test_double", note="1")
    cancelled = room.school.waiting(room.amy, "2")
    room.service.store.jobs.cancel(cancelled.job.id, NOW)
    broken = room.school.waiting(room.amy, "3")
    grade(room.service, broken.job.id, None, Fault.LAB_AUTHOR)
    room.clock.passes(HOUR)
    room.school.hand_in(room.amy, "test_double", note="4")
    room.clock.passes(HOUR)
    with pytest.raises(NoAttemptLeft) as error:
        room.school.waiting(room.amy, "5")
    assert error.value.retry_after_s == 4 * HOUR
    assert str(error.value) == (
        "toy-1 takes 2 submissions within 6 hours, and you have handed that in; "
        "the next one is free 12 Jan 1970, 19:46 UTC (in 4 hours)"
    )
    assert room.school.waiting(room.amy, "4").duplicate, "the same again costs nothing"
    room.school.waiting(room.bob, "his own")
    for note in ("a", "b", "c"):
        room.school.waiting(room.gina, note)
    room.clock.passes(4 * HOUR)
    room.school.waiting(room.amy, "5")


def test_an_extension_is_one_persons_and_their_score_follows(room: Room) -> None:
    room.rule(due=NOW - DAY, closes=NOW - 1, late_percent_per_day=50)
    for who in (room.amy, room.bob):
        with pytest.raises(Refused, match="closed"):
            room.school.waiting(who)
    given = extending.extend(room.service, room.gina, "toy", "toy", "amy", DAY, "was\x1b[2J ill")
    assert (given.by, given.note, given.lab) == ("gina", "was ill", "toy-1")
    assert room.school.hand_in(room.amy, *BOTH).notes == ()
    assert room.points(room.amy) == 10
    with pytest.raises(Refused, match="closed"):
        room.school.waiting(room.bob)
    extending.extend(room.service, room.gina, "toy", "toy-1", "amy", 0, "a mistake")
    assert room.points(room.amy) == 5
    entry = room.service.store.operations.audit("toy")[0]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("gina", "extension given", "amy")
    assert entry["detail"] == {"lab": "toy-1", "hours": 0, "note": "a mistake"}


def test_who_may_extend_and_what_cannot_be(room: Room) -> None:
    with pytest.raises(Refused, match="nothing to extend"):
        extending.extend(room.service, room.gina, "toy", "toy-1", "amy", DAY, "")
    room.rule(due=NOW + DAY)
    with pytest.raises(NotAllowed):
        extending.extend(room.service, room.amy, "toy", "toy-1", "amy", DAY, "")
    with pytest.raises(NotFound):
        extending.extend(room.service, room.gina, "toy", "toy-1", "nobody", DAY, "")
    with pytest.raises(UnknownLab):
        extending.extend(room.service, room.gina, "toy", "lab-9", "amy", DAY, "")
    for wrong in (-1.0, 400 * DAY, float("nan")):
        with pytest.raises(Refused, match="0 to 366 days"):
            extending.extend(room.service, room.gina, "toy", "toy-1", "amy", wrong, "")
    assert "extension given" not in room.audit()


def test_a_team_hands_in_together_sees_it_and_shares_the_longest_extension(room: Room) -> None:
    cleo = enrolled(room.service, "cleo")
    rows = [Enrolment(who.person.login, who.person.name, "", Role.STUDENT, team="owls") for who in (room.amy, room.bob)]
    courses.enrol(room.service, "toy", rows)
    room.rule(groups="true", due=NOW + DAY, closes=NOW + DAY)
    receipt = room.school.hand_in(room.amy, "test_double")
    assert viewing.view(room.service, room.bob, receipt.handin.id).person.login == "amy"
    assert [row.handin.id for row in viewing.own(room.service, room.bob, "toy", lab="toy-1")] == [receipt.handin.id]
    assert (room.points(room.amy), room.points(room.bob), room.points(cleo)) == (6, 6, None)
    with pytest.raises(NotFound):
        viewing.view(room.service, cleo, receipt.handin.id)
    extending.extend(room.service, room.gina, "toy", "toy-1", "amy", DAY, "")
    room.clock.passes(DAY + 1)
    room.school.hand_in(room.bob, *BOTH)
    assert room.points(room.amy) == 10
    extending.put_team(room.service, "gina", "toy", "bob", "")
    with pytest.raises(NotFound):
        viewing.view(room.service, room.bob, receipt.handin.id)
    assert room.points(room.amy) == 6
    courses.enrol(room.service, "toy", [Enrolment("amy", "Amy", "", Role.STUDENT)])
    assert room.service.store.standings.team("toy", room.amy.person.id) == [room.amy.person.id]


def test_who_hands_in_alone_sees_nobody_elses_though_they_are_a_team(room: Room) -> None:
    for login in ("amy", "bob"):
        extending.put_team(room.service, "gina", "toy", login, "owls")
    receipt = room.school.hand_in(room.amy, "test_double")
    with pytest.raises(NotFound):
        viewing.view(room.service, room.bob, receipt.handin.id)


def test_hidden_tests_show_at_the_due_time_and_for_who_has_longer_at_theirs(room: Room) -> None:
    room.rule(due=NOW + DAY, hidden_until_due='["test_total"]')
    mine = {who.person.login: room.school.hand_in(who, *BOTH).handin.id for who in (room.amy, room.bob)}
    extending.extend(room.service, room.gina, "toy", "toy-1", "bob", DAY, "")

    def seen(who: Viewer) -> tuple[int | None, int | None, int]:
        view = viewing.view(room.service, who, mine[who.person.login])
        assert view.score is not None
        assert view.score.points == view.job.points
        return view.job.points, view.job.max_points, len(view.lab.tests)

    assert (seen(room.amy), room.points(room.amy)) == ((6, 6, 1), 6)
    assert viewing.view(room.service, room.gina, mine["amy"]).job.points == 10
    room.clock.passes(DAY)
    assert (seen(room.amy), seen(room.bob)) == ((10, 10, 2), (6, 6, 1))
    assert (room.points(room.amy), room.points(room.bob)) == (10, 6)
    room.clock.passes(DAY)
    assert (seen(room.bob), room.points(room.bob)) == ((10, 10, 2), 10)


def test_the_best_is_the_best_of_what_can_be_seen(room: Room) -> None:
    room.rule(due=NOW + DAY, hidden_until_due='["test_total"]')
    first = room.school.hand_in(room.amy, "test_double")
    room.clock.passes(1)
    second = room.school.hand_in(room.amy, *BOTH)
    [hers] = viewing.best(room.service, room.amy, "toy")
    assert (hers.points, hers.max_points, hers.submission_id) == (6, 6, first.handin.id), "the first of equals"
    [all_of_it] = viewing.best(room.service, room.gina, "toy")
    assert (all_of_it.points, all_of_it.submission_id) == (10, second.handin.id)
    rows = viewing.handed_in(room.service, room.amy, "toy", person_id=None, lab=None, before="", limit=9)
    assert [(row.job.points, row.job.max_points) for row in rows] == [(6, 6), (6, 6)]


def test_a_labs_page_says_what_is_left(room: Room) -> None:
    room.rule(top="late_days = 3", due=NOW - DAY, late_percent_per_day=10, cap="{ submissions = 5, hours = 24 }")
    room.school.hand_in(room.amy, *BOTH)
    at = rules.situation(room.service, "toy", "toy-1", room.amy.person.id)
    told = dict(policy_lines(at, rules.hidden(room.service, room.amy, "toy", "toy-1", room.amy.person.id)))
    assert told["Late"].endswith("2 of your 3 days without that cost are left")
    assert told["Attempts"] == "at most 5 within 24 hours; 4 left now"


def test_uploads_are_timed_when_they_arrive(room: Room) -> None:
    room.rule(due=NOW + DAY)
    [lab] = room.service.store.courses.labs("toy")
    files = room.service.store.submissions.files(room.school.waiting(room.bob).handin.digest)
    assert files is not None
    room.clock.passes(3 * DAY)
    receipt = intake.submit_files(room.service, room.amy, lab, files, "test", at=NOW + DAY)
    assert (receipt.handin.created_at, receipt.notes) == (NOW + DAY, ())
    assert receipt.job.created_at == room.clock()
