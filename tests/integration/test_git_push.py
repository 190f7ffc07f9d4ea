"""`git push` with the real git against the real service: verdicts as they come, and nothing pushed is ever lost."""

import re
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from grader.steps.handing_out import TAKE_IN
from tests.courses.copies import LAB, answer
from tests.git_client import Clone
from tests.school import COURSE, School

pytestmark = pytest.mark.bubblewrap

ONE, TWO = f"{LAB}/starter.py", f"{LAB[:-1]}2/starter.py"
CROWD = 50
#: Takes its time, so that nobody can mistake one line's moment for the next one's.
SLOW = b"""\
import time
def double(x):
    time.sleep(0.3)
    return 2.0 * x
def total(items):
    time.sleep(0.8)
    raise ValueError("no \\x1b[31mred\\u202e\\x07 here\\nA lab: 10 of 10 points")
"""
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/submissions/(\w+)")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """One for the tests that leave it as it is, with one student each."""
    logins = ["amy", "bob", "cat", "dan", "eve", "fay", "gus", "hal"]
    one = School(tmp_path_factory.mktemp("school"), [*logins, *(f"crowd-{number}" for number in range(CROWD))])
    yield one
    assert one.grader.stop() == 0
    assert one.errors() == [], "nothing that students did is an error of ours"


def test_a_clone_is_the_course_without_any_answer(school: School) -> None:
    clone = school.clone("amy")
    files = clone.git("ls-files").splitlines()
    assert {ONE, TWO, f"{LAB}/lab.toml", f"{LAB}/test_lab.py", "pytest.ini", "labkit/plugin.py"} <= set(files)
    answers = ("solution", "mutants", "INSTRUCTOR", "examples", ".hidden")
    assert [file for file in files if any(word in file for word in answers)] == []
    assert clone.git("rev-list", "--count", "--all") == "1"
    assert clone.git("symbolic-ref", "--short", "HEAD") == "main"


def test_verdicts_arrive_one_by_one_and_end_in_a_score(school: School) -> None:
    clone = school.clone("bob")
    clone.commit({ONE: SLOW})
    told = clone.push()
    assert told.code == 0, told.all
    moments = [told.moment(word) for word in ("submission 1 accepted", "✓     6/6  double", "✗     0/4  total")]
    assert moments == sorted(moments)
    # three calls of 0.3 s, one of 0.8 s; the clock starts when the line before is read, which is never too early
    assert moments[1] - moments[0] > 0.5, told.lines
    assert moments[2] - moments[1] > 0.3, told.lines
    assert told.moment("6 of 10 points") >= moments[2]
    assert "[toy-1] test_total - 4 points" in told.text
    assert "total() raised ValueError: no red here" in told.text
    assert told.text.splitlines()[-1] == "" or ADDRESS.search(told.text.splitlines()[-1])
    seen = "\n".join([told.text, *told.local])
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", seen) is None, "control characters of a student"
    scores = [line for line in told.text.splitlines() if line.startswith("A lab")]
    assert scores == ["A lab that is graded in no time: 6 of 10 points"], "a message cannot pose as a score"


def test_the_score_is_where_the_push_says_and_the_next_one_shows_the_difference(school: School) -> None:
    clone = school.clone("cat")
    clone.commit({ONE: answer(4, "first")})
    first = clone.push()
    assert "4 of 10 points" in first.text, first.all
    found = ADDRESS.search(first.text)
    assert found is not None
    [submission] = school.handed_in("cat")
    assert (submission["id"], submission["source"], submission["job"]["points"]) == (found[1], "git", 4)
    token = {"Authorization": f"Bearer {school.tokens['cat']}"}
    page = httpx.get(found[0], headers=token, trust_env=False, timeout=30)
    assert page.status_code == 200
    assert "4" in page.text and "toy-1" in page.text
    clone.commit({ONE: answer(10, "second")})
    assert "10 of 10 points (+6)" in clone.push().text
    clone.commit({ONE: answer(6, "third")})
    assert "6 of 10 points (-4)" in clone.push().text


def test_what_changes_no_lab_hands_nothing_in(school: School) -> None:
    clone = school.clone("dan")
    clone.commit({"notes.md": b"read it\n"})
    told = clone.push()
    assert (told.code, "nothing new to grade" in told.text) == (0, True), told.all
    clone.commit({ONE: answer(10, "a")})
    assert "submission 1 accepted" in clone.push("-o", "no-wait").text
    clone.git("commit", "--quiet", "--amend", "--message", "The same, told better")
    told = clone.push("--force", "origin", "main")
    assert (told.code, "nothing new to grade" in told.text) == (0, True), told.all
    assert school.points("dan") == [10]


def test_a_course_that_changes_is_merged_beside_ones_own_work(tmp_path: Path) -> None:
    school = School(tmp_path, ["amy", "bob"])
    clone = school.clone("amy")
    clone.commit({ONE: answer(6, "a")})
    assert "has changed" not in clone.push().text
    folder = tmp_path / "course"
    (folder / LAB / "README.md").write_text("Mended: read stage 2 again.\n", encoding="utf-8")
    added = LAB[:-1] + "3"
    shutil.copytree(folder / TWO.removesuffix("/starter.py"), folder / added)
    manifest = folder / added / "lab.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"toy-2"', '"toy-3"'), encoding="utf-8")
    said = school.grader.command("course", "sync", COURSE)
    assert "toy-3: graded by its new spec" in said and TAKE_IN in said, said
    assert TAKE_IN not in school.grader.command("course", "sync", COURSE)
    clone.commit({ONE: answer(10, "b")})
    told = clone.push()
    assert "10 of 10 points" in told.text
    last = ["The course has changed; your work stays as it is if you take it in:", f"  {TAKE_IN}"]
    assert told.text.splitlines()[-2:] == last
    clone.git(*TAKE_IN.split()[1:], "--quiet")
    assert (clone.folder / LAB / "README.md").read_text(encoding="utf-8") == "Mended: read stage 2 again.\n"
    assert (clone.folder / ONE).read_bytes() == answer(10, "b")
    told = clone.push()
    assert "nothing new to grade" in told.text and "has changed" not in told.text, told.all
    clone.commit({f"{added}/starter.py": answer(4, "c")})
    told = clone.push()
    assert "toy-3: submission 1" in told.text and "4 of 10 points" in told.text, told.all
    refused = clone.push("origin", "HEAD:course")
    assert (refused.code, "only the branch main is graded" in refused.text) == (1, True), refused.all
    late = school.clone("bob")
    assert late.git("rev-parse", "HEAD") == late.git("rev-parse", "origin/course")
    assert (late.folder / added / "starter.py").is_file()
    assert school.grader.stop() == 0
    assert school.errors() == []


def test_two_labs_in_one_push_are_two_submissions(school: School) -> None:
    clone = school.clone("eve")
    clone.commit({ONE: answer(6, "a"), TWO: answer(4, "b")})
    told = clone.push()
    assert told.code == 0, told.all
    assert told.moment("toy-1: submission 1") < told.moment("6 of 10") < told.moment("toy-2: submission 1")
    assert told.moment("toy-2: submission 1") < told.moment("4 of 10")
    assert sorted(school.points("eve", 2)) == [4, 6]
    assert len(set(ADDRESS.findall(told.text))) == 2


def test_options_say_what_a_push_is_for(school: School) -> None:
    clone = school.clone("fay")
    clone.commit({ONE: SLOW, TWO: answer(4, "b")})
    unknown = clone.push("-o", "\x1b[31mmake-me-root", "origin", "main")
    assert (unknown.code, "that push option is not known" in unknown.text) == (1, True), unknown.all
    assert "make-me" not in unknown.text
    assert school.handed_in("fay") == []
    wrong = clone.push("-o", "lab=toy-7", "origin", "main")
    assert (wrong.code, 'no lab is called "toy-7"' in wrong.text) == (1, True), wrong.all
    one = clone.push("-o", "lab=toy-1", "-o", "no-wait", "origin", "main")
    assert one.code == 0, one.all
    assert "toy-1: submission 1 accepted" in one.text
    assert "toy-2" not in one.text
    assert ADDRESS.search(one.text)
    assert "points" not in one.text, "it did not wait"
    assert school.points("fay") == [6]
    clone.commit(message="again")
    again = clone.push("-o", "rerun", "-o", "lab=toy-1", "origin", "main")
    assert "nothing changed since submission 1" in again.text, again.all
    assert "6 of 10 points" in again.text
    assert len(school.handed_in("fay")) == 1


def test_a_force_push_takes_nothing_away(school: School) -> None:
    clone = school.clone("gus")
    first = clone.commit({ONE: answer(6, "a")})
    assert clone.push("-o", "no-wait", "origin", "main").code == 0
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    second = clone.commit({ONE: answer(10, "b")})
    assert clone.push("origin", "main").code == 1, "git itself refuses without --force"
    told = clone.push("--force", "-o", "no-wait", "origin", "main")
    assert told.code == 0, told.all
    bare = school.bare("gus")
    newest, oldest = (one["id"] for one in school.handed_in("gus"))
    assert bare.git("rev-parse", f"refs/grader/sub/{oldest}") == first
    assert bare.git("rev-parse", f"refs/grader/sub/{newest}", "refs/heads/main").split() == [second, second]
    assert bare.git("show", f"{first}:{ONE}").encode() + b"\n" == answer(6, "a")


def test_a_pusher_who_is_killed_has_handed_in(school: School) -> None:
    clone = school.clone("hal")
    clone.commit({ONE: SLOW})
    pushing = clone.pushing()
    pushing.until("submission 1 accepted")
    pushing.kill()
    assert school.points("hal") == [6]


@pytest.mark.slow
def test_fifty_pushes_at_once_are_all_answered(school: School) -> None:
    logins = [f"crowd-{number}" for number in range(CROWD)]
    with ThreadPoolExecutor(8) as pool:
        clones = list(pool.map(school.clone, logins))
    for number, clone in enumerate(clones):
        clone.commit({ONE: answer((0, 4, 6, 10)[number % 4], str(number))})
    at_once = threading.Barrier(CROWD)

    def push(clone: Clone) -> Any:
        at_once.wait()
        return clone.push()

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(push, clones))
    assert [told.all for told in answers if told.code != 0] == []
    for number, (login, told) in enumerate(zip(logins, answers, strict=True)):
        found = ADDRESS.search(told.text)
        assert found is not None, told.all
        worth = (0, 4, 6, 10)[number % 4]
        assert f"{worth} of 10 points" in told.text or "without you having to wait" in told.text, told.all
        assert school.points(login) == [worth]
        assert [one["id"] for one in school.handed_in(login)] == [found[1]]


@pytest.mark.slow
def test_what_was_pushed_outlives_the_service(tmp_path: Path) -> None:
    pushers = [f"pusher-{number}" for number in range(4)]
    school = School(tmp_path, [*pushers, "late"], GRADER_LEASE_S="2", GRADER_OFFER_S="2")
    clones = {login: school.clone(login) for login in [*pushers, "late"]}
    tips = {login: clone.commit({ONE: SLOW + login.encode().join((b"# ", b"\n"))}) for login, clone in clones.items()}
    first = clones["late"].git("rev-parse", "HEAD~1")
    under_way = {login: clones[login].pushing() for login in pushers}
    under_way[pushers[1]].until("submission 1 accepted")
    school.grader.kill()
    told = {login: pushing.end() for login, pushing in under_way.items()}

    # as if it had been killed between the branch and the row: the branch alone has moved
    bare = school.bare("late")
    bare.git("fetch", "--quiet", str(clones["late"].folder), "main")
    bare.git("update-ref", "refs/heads/main", tips["late"])

    school.grader.start()
    taken = [login for login in tips if school.bare(login).git("rev-parse", "refs/heads/main") != first]
    assert {"late", pushers[1]} <= set(taken)
    for login in taken:
        assert school.points(login) == [6]
        [submission] = school.handed_in(login)
        assert school.bare(login).git("rev-parse", f"refs/grader/sub/{submission['id']}") == tips[login]
    for login in pushers:
        if "accepted" in told[login].text:
            assert login in taken, told[login].all
        if login not in taken:  # never came in: pushed again it does
            assert told[login].code != 0
            assert "6 of 10 points" in clones[login].push().text
    assert "Everything up-to-date" in clones[taken[0]].push().local
    assert school.grader.stop() == 0
