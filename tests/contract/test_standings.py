"""What every store keeps to of scoreboards: totals follow results at once, whoever comes at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from grader.domain.errors import BadManifest, Fault
from grader.domain.job import JobState
from grader.domain.people import Role
from grader.domain.policy import Extension
from grader.domain.standings import Page
from tests.contract.grading import DAY, LABS, NOW, RULES, Class, earning, outcome

#: Times of the rules below, as course.toml writes them: 1_000_000 s are 1970-01-12 13:46:40.
DUE = "[labs.toy]\ndue = 1970-01-12T13:46:40\n"


def logins(found: Page) -> list[str]:
    return [row.login for row in found.rows]


def extension(school: Class, login: str, days: float, lab: str = "toy") -> Extension:
    return Extension("c", lab, school.ids[login], days * DAY, "ill", "gus", NOW)


def test_a_standing_follows_its_job_from_state_to_state(school: Class) -> None:
    job = school.hand_in()
    assert (school.cell().state, school.cell().points, school.cell().attempts) == (JobState.QUEUED, None, 1)
    school.store.jobs.offer({"cpu": 1}, NOW)
    assert school.cell().state is JobState.QUEUED
    school.claim(job.id)
    assert school.cell().state is JobState.RUNNING
    assert school.store.jobs.give_back(job.id, 1, Fault.US, "it broke", NOW, RULES) is JobState.QUEUED
    assert school.cell().state is JobState.QUEUED
    school.finish(job.id, earning(6), NOW + 60)
    found = school.cell()
    assert (found.state, found.points, found.raw_points, found.max_points) == (JobState.GRADED, 6, 6, 10)
    assert (found.submission_id, found.job_id, found.last_at, found.spark) == ("s001", job.id, NOW, (6,))


def test_it_follows_jobs_that_end_without_a_score(school: Class) -> None:
    waiting = school.hand_in("amy")
    school.store.jobs.cancel(waiting.id, NOW)
    assert school.cell().state is JobState.CANCELLED
    running = school.hand_in("bob")
    school.claim(running.id)
    school.store.jobs.cancel(running.id, NOW)
    assert school.store.jobs.stopped(running.id, 1, NOW)
    assert school.cell("bob").state is JobState.CANCELLED
    lost = school.hand_in("cat")
    for attempt in (1, 2, 3):
        school.claim(lost.id, NOW + 100 * attempt)
        school.store.jobs.expire(NOW + 100 * attempt + 50, RULES)
    assert (school.cell("cat").state, school.cell("cat").points) == (JobState.DEAD, None)


def test_the_best_of_all_counts_and_the_newest_tells_the_state(school: Class) -> None:
    best = school.graded(6, at=NOW)
    school.graded(4, at=NOW + 1)
    school.graded(10, lab="two", at=NOW + 2)
    school.hand_in(at=NOW + 3)
    found = school.cell()
    assert (found.points, found.job_id, found.attempts, found.state) == (6, best.id, 3, JobState.QUEUED)
    assert (found.spark, found.last_at) == ((6, 4), NOW + 3)
    row = school.store.standings.mine("c", school.ids["amy"])
    assert row is not None
    assert (row.total.points, row.total.max_points, set(row.cells)) == (16, 20, {"toy", "two"})
    (one, other) = school.store.submissions.best("c", person_id=school.ids["amy"])
    assert [(best.lab, best.points, best.submission_id) for best in (one, other)] == [
        ("toy", 6, "s001"), ("two", 10, "s003"),
    ]  # fmt: skip


def test_a_submission_that_is_superseded_is_not_what_is_shown(school: Class) -> None:
    old, new = school.hand_in(), school.hand_in()
    assert (school.cell().attempts, school.cell().state) == (2, JobState.QUEUED)
    shown = school.store.jobs.shown([old.submission_id, new.submission_id])
    assert [shown[job.submission_id].state for job in (old, new)] == [JobState.SUPERSEDED, JobState.QUEUED]


def test_results_that_come_in_at_once_all_count(school: Class) -> None:
    jobs = [school.hand_in("amy", lab) for lab in LABS] + [school.hand_in("bob", lab) for lab in LABS]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda job: school.finish(job.id, earning(10)), jobs))
    for login in ("amy", "bob"):
        row = school.store.standings.mine("c", school.ids[login])
        assert row is not None
        assert (row.total.points, [row.cells[lab].points for lab in LABS]) == (30, [10, 10, 10])
    assert all(school.store.standings.revision("c", lab) >= 6 for lab in LABS)


def test_whoever_hands_in_while_others_end_loses_nothing(school: Class) -> None:
    first = [school.hand_in(login, at=NOW) for login in ("amy", "bob", "cat")]
    for job in first:
        school.claim(job.id)

    def act(number: int) -> None:
        login = ("amy", "bob", "cat")[number % 3]
        if number < 3:
            school.store.jobs.finish(first[number].id, 1, earning(6), NOW + 1)
        elif number % 2:
            school.hand_in(login, at=NOW + number)
        else:
            school.store.jobs.expire(NOW + 5, RULES)
            school.store.standings.mine("c", school.ids[login])

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(act, range(18)))
    rows = school.store.standings.board("c").rows
    assert [row.cells["toy"].points for row in rows] == [6, 6, 6]
    for row in rows:
        handed = school.store.submissions.page("c", person_id=row.person_id, lab="toy")
        assert (row.cells["toy"].attempts, row.cells["toy"].last_at) == (len(handed), handed[0].handin.created_at)


def test_the_board_has_every_student_once_and_no_staff(school: Class) -> None:
    school.graded(10, "bob")
    found = school.store.standings.board("c")
    assert (logins(found), found[1]) == (["amy", "bob", "cat"], 3)
    assert [row.version > 0 for row in found[0]] == [False, True, False]
    assert found[0][0].cells == {}


def test_the_board_is_sorted_by_each_column_both_ways(school: Class) -> None:
    for login, points, at in (("amy", 4, 3), ("bob", 10, 1), ("cat", 6, 2)):
        school.graded(points, login, at=NOW + at)
        school.join(login, section={"amy": "B", "bob": "C", "cat": "A"}[login], name=f"{'zyx'['abc'.index(login[0])]}")
    board = school.store.standings.board
    expected = {"login": "abc", "name": "cba", "section": "cab", "points": "acb", "last": "bca", "toy": "acb"}
    for sort, order in expected.items():
        for descending in (False, True):
            found = "".join(login[0] for login in logins(board("c", sort=sort, descending=descending)))
            assert found == (order[::-1] if descending else order), sort
    for nothing in ("two", "late"):
        assert logins(board("c", sort=nothing)) == ["amy", "bob", "cat"]
    for wrong in ("nothing", "person.id; --", "", "points desc"):
        with pytest.raises(ValueError, match="sorted by"):
            board("c", sort=wrong)


def test_the_board_is_searched_by_plain_text_and_by_section(school: Class) -> None:
    for login, name in (("dan_x", "100 % Dan"), ("eve", "Eve O'Neil"), ("fay", 'Fay "F" \\ Ärger'), ("danny", "Danny")):
        school.ids[login] = school.join(login, name=name, section="Ü")
    board = school.store.standings.board
    wanted = {"dan_": ["dan_x"], "%": ["dan_x"], "o'neil": ["eve"], '"f"': ["fay"], "\\": ["fay"], "äRG": ["fay"],
              "DAN": ["dan_x", "danny"], "/": [], "'; drop table person; --": []}  # fmt: skip
    for text, expected in wanted.items():
        found = board("c", search=text)
        assert (logins(found), found[1]) == (expected, len(expected)), text
    assert board("c", section="Ü")[1] == 4
    assert board("c", section="u") == ([], 0, ["Ü"])
    assert school.store.standings.sections("c") == ["Ü"]


def test_the_board_comes_in_bounded_pages(school: Class) -> None:
    board = school.store.standings.board
    assert (logins(board("c", offset=1, limit=1)), board("c", offset=1, limit=1)[1]) == (["bob"], 3)
    assert logins(board("c", offset=3)) == []
    assert logins(board("c", offset=-5, limit=-5)) == ["amy"]
    assert len(board("c", limit=10**9)[0]) == 3
    assert board("nowhere") == ([], 0, [])


def test_a_row_is_new_only_when_it_has_changed(school: Class) -> None:
    def versions() -> list[int]:
        return [row.version for row in school.store.standings.board("c")[0]]

    school.graded(4, "amy")
    before = versions()
    assert versions() == before
    school.graded(10, "amy")
    assert versions()[0] > before[0]
    assert versions()[1:] == before[1:]


def test_staff_have_a_row_of_their_own_and_strangers_none(school: Class) -> None:
    school.ids["gus"] = school.join("gus", Role.GRADER)
    school.graded(10, "gus")
    assert school.cell("gus").points == 10
    assert school.store.standings.mine("c", 10_000) is None
    assert school.store.standings.mine("nowhere", school.ids["amy"]) is None


def test_the_public_board_names_nobody(school: Class) -> None:
    standings = school.store.standings
    for login, points in (("amy", 4), ("bob", 10), ("cat", 6)):
        school.graded(points, login)
        school.join(login, section="B")
    assert standings.public("c", NOW) == []
    assert standings.list_me("c", school.ids["amy"], "Owl", True)
    assert standings.list_me("c", school.ids["bob"], "Fox", True)
    assert standings.list_me("c", school.ids["cat"], "Elk", False)
    rows = standings.public("c", NOW)
    assert [(row.alias, row.total.points, row.cells["toy"].points) for row in rows] == [("Fox", 10, 10), ("Owl", 4, 4)]
    for row in rows:
        cell = row.cells["toy"]
        assert (row.person_id, row.login, row.name, row.section) == (0, "", "", "")
        assert (cell.person_id, cell.submission_id, cell.job_id, cell.last_at, cell.attempts) == (0, "", "", 0.0, 0)
        assert cell.spark == ()
    assert len(standings.public("c", NOW, limit=1)) == 1


def test_an_alias_is_one_persons(school: Class) -> None:
    standings = school.store.standings
    assert standings.list_me("c", school.ids["amy"], "Ökolög", True)
    assert not standings.list_me("c", school.ids["bob"], "öKOLÖG", True)
    assert not standings.list_me("c", school.ids["bob"], "", True)
    assert standings.list_me("c", school.ids["amy"], "ökolög", True)
    assert standings.list_me("c", school.ids["amy"], "", False)
    assert standings.list_me("c", school.ids["bob"], "", False)
    assert standings.list_me("c", school.ids["bob"], "Ökolög", True)
    assert not standings.list_me("c", 10_000, "Nobody", True)
    school.store.accounts.put_member("c", school.ids["bob"], Role.STUDENT, "B")
    row = standings.mine("c", school.ids["bob"])
    assert row is not None
    assert (row.alias, row.listed, row.section) == ("Ökolög", True, "B")


def test_two_who_want_one_alias_at_once_do_not_both_get_it(school: Class) -> None:
    with ThreadPoolExecutor(3) as threads:
        got = list(threads.map(lambda who: school.store.standings.list_me("c", who, "Owl", True), school.ids.values()))
    assert got.count(True) == 1


def test_a_frozen_board_shows_what_was_handed_in_before(school: Class) -> None:
    standings = school.store.standings
    for login in ("amy", "bob"):
        standings.list_me("c", school.ids[login], login[::-1], True)
    school.graded(4, "amy", at=NOW - 10)
    waiting = school.hand_in("bob", at=NOW - 5)
    standings.put_rules("c", "freeze = 1970-01-12T13:46:40")
    school.graded(10, "amy", at=NOW + 5)
    school.finish(waiting.id, earning(6), NOW + 10)
    school.graded(10, "amy", lab="two", at=NOW + 20)
    assert [(row.alias, row.total.points) for row in standings.public("c", NOW + 30)] == [("bob", 6), ("yma", 4)]
    assert [set(row.cells) for row in standings.public("c", NOW + 30)] == [{"toy"}, {"toy"}]
    assert school.points("amy", "bob") == [10, 6]
    standings.put_rules("c", "")
    assert [(row.alias, row.total.points) for row in standings.public("c", NOW + 30)] == [("yma", 20), ("bob", 6)]


def test_hidden_tests_are_in_no_public_total_until_everybody_may_see_them(school: Class) -> None:
    standings = school.store.standings
    standings.put_rules("c", f'{DUE}hidden_until_due = ["test_b"]')
    first = school.graded(6, "amy", at=NOW - 20)
    school.graded(10, "amy", at=NOW - 10)
    standings.list_me("c", school.ids["amy"], "Owl", True)
    (row,) = standings.public("c", NOW - 1)
    assert (row.total.points, row.cells["toy"].points) == (6, 6)
    own = standings.mine("c", school.ids["amy"])
    assert own is not None
    assert (own.total.points, own.cells["toy"].hidden_points, own.cells["toy"].spark) == (10, 4, (6, 10))
    seen = own.without_hidden(["toy"])
    assert (seen.total.points, seen.cells["toy"].job_id, seen.cells["toy"].spark) == (6, first.id, (6, 6))
    standings.extend(extension(school, "bob", 1))
    assert standings.public("c", NOW + 10)[0].total.points == 6
    assert standings.public("c", NOW + DAY + 10)[0].total.points == 10


def test_new_rules_move_every_standing_and_the_same_rules_none(school: Class) -> None:
    standings = school.store.standings
    school.graded(10, "amy", at=NOW + 10)
    school.graded(4, "amy", at=NOW + 20)
    school.graded(6, "bob", at=NOW - 10)
    before = standings.revision("c", "toy")
    rules = f'{DUE}counts = "last"\nlate_percent_per_day = 50\n'
    assert standings.put_rules("c", rules)
    assert school.points("amy", "bob") == [2, 6]
    assert standings.revision("c", "toy") > before
    assert standings.rules("c").of("toy").due_at == NOW
    assert not standings.put_rules("c", rules)
    assert not standings.put_rules("c", f"# the same\n{rules}")
    assert standings.stale() == []
    with pytest.raises(BadManifest):
        standings.put_rules("c", "late_days = -1")
    assert school.points("amy") == [2]
    assert standings.put_rules("c", f"late_days = 1\n{rules}")
    row = standings.mine("c", school.ids["amy"])
    assert row is not None
    assert (row.cells["toy"].points, row.cells["toy"].free_days, row.total.late_days_used) == (4, 1, 1)
    assert row.total.points == 4


def test_more_time_moves_one_standing_and_is_taken_back(school: Class) -> None:
    standings = school.store.standings
    standings.put_rules("c", f"{DUE}late_percent_per_day = 50")
    for login in ("amy", "bob"):
        school.graded(10, login, at=NOW + 10)
    assert school.points("amy", "bob") == [5, 5]
    standings.extend(extension(school, "amy", 1))
    standings.extend(extension(school, "amy", 2))
    assert school.points("amy", "bob") == [10, 5]
    assert standings.extensions("c") == [extension(school, "amy", 2)]
    assert standings.extensions("c", person_id=school.ids["bob"]) == []
    standings.extend(extension(school, "amy", 0))
    assert (school.points("amy"), standings.extensions("c")) == ([5], [])


def test_a_team_stands_where_the_best_of_them_does(school: Class) -> None:
    standings = school.store.standings
    standings.put_rules("c", f"{DUE}groups = true\nlate_percent_per_day = 50")
    for login in ("amy", "bob"):
        standings.put_team("c", school.ids[login], "owls")
    amy, bob, cat = school.ids.values()
    assert standings.team("c", bob) == [amy, bob]
    assert standings.team("c", cat) == [cat]
    job = school.graded(10, "amy", at=NOW + 10)
    school.graded(6, "bob", at=NOW - 10)
    school.graded(10, "bob", lab="two")
    assert school.points("amy", "bob") == [6, 6]
    assert (school.cell("bob").attempts, school.cell("bob").spark) == (2, (6, 10))
    standings.extend(extension(school, "bob", 1))
    assert school.points("amy", "bob") == [10, 10]
    assert school.cell("bob").job_id == job.id
    row = standings.mine("c", amy)
    assert row is not None
    assert "two" not in row.cells  # no lab of groups
    standings.put_team("c", bob, "")
    assert school.points("amy", "bob") == [5, 6]
    standings.put_team("c", cat, "owls")
    assert school.points("cat") == [5]
    standings.put_team("c", cat, "")
    assert "toy" not in (standings.mine("c", cat) or row).cells


def test_what_costs_an_attempt_is_what_the_student_answers_for(school: Class) -> None:
    def taken(since: float = NOW) -> list[float]:
        return school.store.standings.taken_up("c", "toy", school.ids["amy"], since)

    school.graded(4, at=NOW)
    school.graded(4, at=NOW + 1, costs=False)
    school.failed(Fault.STUDENT, at=NOW + 2)
    school.failed(Fault.LAB_AUTHOR, at=NOW + 3)
    school.store.jobs.cancel(school.hand_in(at=NOW + 4).id, NOW)
    school.hand_in(at=NOW + 5)
    school.hand_in(at=NOW + 6)  # supersedes the one before it
    assert taken() == [NOW, NOW + 2, NOW + 6]
    assert taken(NOW + 1) == [NOW + 2, NOW + 6]
    assert taken(NOW + 7) == []
    school.store.standings.put_rules("c", "[labs.toy]\ngroups = true")
    for login in ("amy", "bob"):
        school.store.standings.put_team("c", school.ids[login], "owls")
    school.graded(4, "bob", at=NOW + 9)
    assert taken(NOW + 6) == [NOW + 6, NOW + 9]


def test_marks_tell_how_the_tests_of_what_counts_ended_and_when_each_was_solved(school: Class) -> None:
    school.graded(6, at=NOW)
    school.graded(4, at=NOW + 60, cause="off-by-one")
    job = school.hand_in("bob", at=NOW)
    school.hand_in("cat", "two")
    amy, bob = school.store.standings.marks("c", "toy")
    assert (amy.login, amy.points, amy.submission_id, amy.solved_s) == ("amy", 6, "s001", {"test_a": 0, "test_b": 60})
    assert [(mark.test, mark.verdict, mark.cause, mark.margin) for mark in amy.tests] == [
        ("test_a", "passed", "", 0.25), ("test_b", "failed", "wrong", 1.5),
    ]  # fmt: skip
    assert (bob.login, bob.points, bob.tests, bob.solved_s) == ("bob", None, (), {})
    before = school.store.standings.revision("c", "toy")
    school.finish(job.id, outcome({}, cause="it is 'quoted' \x00?".replace("\x00", "")))
    assert school.store.standings.revision("c", "toy") > before
    (bob,) = school.store.standings.marks("c", "toy", offset=1, limit=1)
    assert {mark.cause for mark in bob.tests} == {"it is 'quoted' ?"}
    assert len(school.store.standings.marks("c", "toy", limit=10**9)) == 2
    assert school.store.standings.marks("c", "nothing") == []
    assert school.store.standings.revision("c", "nothing") == 0


def test_what_counts_is_told_of_each_submission_that_has_a_score(school: Class) -> None:
    job, waiting = school.graded(6), school.hand_in("bob")
    counted = school.store.standings.counted
    assert counted([job.submission_id, waiting.submission_id, "nothing"]) == {job.submission_id: job.id}
    assert counted([]) == {}


def test_standings_are_worked_out_again_from_nothing(school: Class, url: str) -> None:
    for login in ("amy", "bob"):
        for points in (4, 10, 6):
            school.graded(points, login)
    standings = school.store.standings
    before = standings.board("c")[0]
    assert standings.rebuild("c") == 2
    after = standings.board("c")[0]
    assert [(row.total, row.cells) for row in after] == [(row.total, row.cells) for row in before]
    assert standings.rebuild("nowhere") == 0
