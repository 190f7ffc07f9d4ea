"""From a push to submissions, over real repositories and a real store, with a worker that is played by the test."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from grader.adapters.git_repositories import GitRepositories
from grader.adapters.sql_store import SqlStore
from grader.domain.course import Course
from grader.domain.errors import GraderError, NotFound, Refused, TooOften, UnknownLab, UnreadableSubmission
from grader.domain.job import JobState
from grader.domain.people import Viewer
from grader.domain.run import RunResult
from grader.domain.submission import Submission
from grader.steps import courses, handing_out, intake, pushing, recovering, running
from grader.steps.intake import Receipt
from grader.steps.pushing import Options, Push
from grader.steps.service import Bounds
from tests.courses.copies import LAB, answer, toy_course
from tests.fakes import ManualClock, enrolled, make_service, stranger
from tests.git_client import Author, Tree

STARTERS = {f"toy-{number}": f"{LAB[:-1]}{number}/starter.py" for number in (1, 2)}


class Desk:
    """A course of two toy labs, amy, her repository, and whoever writes into it."""

    def __init__(self, folder: Path, bounds: Bounds | None = None) -> None:
        self.clock = ManualClock()
        self.course = toy_course(folder / "course", 2)
        self.store = SqlStore(f"sqlite:///{folder / 'grader.db'}")
        self.store.migrate()
        self.service = make_service(self.store, self.clock, bounds=bounds)
        courses.init_course(self.service, "toy", "Toys", str(self.course))
        self.amy = enrolled(self.service, "amy")
        self.repositories = GitRepositories(folder / "repositories")
        self.given = self.service.shelf(str(self.course)).students_copy()
        self.repositories.give_out("toy", self.given, self.clock())
        self.author = Author(Path(self.repositories.ensure("toy", "amy")))

    def commit(self, files: dict[str, bytes], *, message_file: bytes = b"") -> str:
        """The starter with some files in place of its own."""
        return self.author.commit(_nested({**self.given, "NOTES.md": message_file, **files}))

    def push(self, commit: str, *options: str, viewer: Viewer | None = None) -> Push:
        """What the hooks would ask about it."""
        return Push(viewer or self.amy, "toy", ((pushing.NOTHING, commit, pushing.MAIN),), Options.read(options))

    def check(self, push: Push) -> list[str]:
        """The labs that a push changes."""
        return [lab.id for lab, _ in pushing.check(self.service, self.repositories, push, {}).changed]

    def accept(self, push: Push) -> list[Receipt]:
        """Update the branch and hand in."""
        self.author.git("update-ref", pushing.MAIN, push.commit)
        return pushing.accept(self.service, self.repositories, push).receipts

    def grade(self, receipt: Receipt) -> None:
        """Play the worker."""
        claimed = running.claim(self.service, receipt.job.id, "w1")
        assert claimed is not None
        result = RunResult(_report(), "fake", "split", 0.1, None, "")
        assert running.accept(self.service, claimed.job, result) is JobState.GRADED

    def handed_in(self) -> list[tuple[str, int]]:
        """Lab and number of everything, newest first."""
        return [(row.handin.lab, row.handin.number) for row in self.store.submissions.page("toy")]


def _nested(files: dict[str, bytes]) -> Tree:
    tree: Tree = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        at = tree
        for folder in folders:
            inner = at.setdefault(folder, {})
            assert isinstance(inner, dict)
            at = inner
        at[name] = data
    return tree


def _report() -> bytes:
    phases = {"setup": {"outcome": "passed"}, "teardown": {"outcome": "passed"}}
    names = ("test_double", "test_total")
    tests = [
        {"nodeid": f"{LAB}/test_lab.py::{name}", "outcome": "passed", "call": {"outcome": "passed"}, **phases}
        for name in names
    ]
    return json.dumps({"tests": tests}).encode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Everything, and nothing pushed yet."""
    one = Desk(tmp_path)
    yield one
    one.store.close()


def test_a_changed_lab_is_a_submission_with_a_job_and_a_pinned_commit(desk: Desk) -> None:
    commit = desk.commit({STARTERS["toy-1"]: answer(10, "a")})
    push = desk.push(commit)
    assert desk.check(push) == ["toy-1"]
    assert desk.handed_in() == [], "a check keeps nothing"
    [receipt] = desk.accept(push)
    assert (receipt.handin.lab, receipt.handin.source, receipt.job.state) == ("toy-1", "git", JobState.QUEUED)
    assert desk.store.submissions.files(receipt.handin.digest).files == {"starter.py": answer(10, "a")}
    assert desk.author.git("rev-parse", f"refs/grader/sub/{receipt.handin.id}") == commit


def test_the_starter_as_it_was_given_is_not_a_submission(desk: Desk) -> None:
    push = desk.push(desk.commit({}, message_file=b"I have read it"))
    assert desk.check(push) == []
    assert desk.accept(push) == []
    assert desk.handed_in() == []


def test_but_it_is_one_after_another(desk: Desk) -> None:
    desk.accept(desk.push(desk.commit({STARTERS["toy-1"]: answer(10, "a")})))
    assert desk.check(desk.push(desk.commit({}))) == ["toy-1"]


def test_a_starter_that_the_course_gives_out_later_is_not_a_submission(desk: Desk) -> None:
    added = desk.course / LAB.replace("toy-1", "toy-3")
    shutil.copytree(desk.course / LAB, added)
    manifest = added / "lab.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"toy-1"', '"toy-3"'), encoding="utf-8")
    (desk.course / STARTERS["toy-2"]).write_bytes(b"# mended\nraise NotImplementedError\n")
    assert courses.sync_course(desk.service, "toy") == ["toy-3"]
    assert handing_out.give_out(desk.service, desk.repositories, "toy")
    desk.repositories.offer("toy", "amy")
    desk.given = desk.service.shelf(str(desk.course)).students_copy()
    assert desk.check(desk.push(desk.commit({}))) == []
    mine = {STARTERS["toy-1"].replace("toy-1", "toy-3"): answer(10, "a")}
    assert desk.check(desk.push(desk.commit(mine))) == ["toy-3"]


def test_two_changed_labs_are_two_submissions(desk: Desk) -> None:
    files = {place: answer(4, "both") for place in STARTERS.values()}
    assert [one.handin.lab for one in desk.accept(desk.push(desk.commit(files)))] == ["toy-1", "toy-2"]


def test_content_decides_not_the_commit(desk: Desk) -> None:
    mine = {STARTERS["toy-1"]: answer(10, "a")}
    desk.accept(desk.push(desk.commit(mine)))
    rebased = desk.push(desk.commit(mine, message_file=b"other history, other files"))
    assert desk.check(rebased) == []
    assert desk.accept(rebased) == []
    back = desk.push(desk.commit({STARTERS["toy-1"]: answer(4, "b")}))
    assert [one.handin.number for one in desk.accept(back)] == [2]


def test_what_was_handed_in_by_another_way_counts_too(desk: Desk) -> None:
    intake.submit(desk.service, desk.amy, "toy", "toy-1", name="starter.py", data=answer(10, "a"), source="page")
    assert desk.check(desk.push(desk.commit({STARTERS["toy-1"]: answer(10, "a")}))) == []


def test_accepting_twice_hands_in_once(desk: Desk) -> None:
    push = desk.push(desk.commit({place: answer(4, "x") for place in STARTERS.values()}))
    desk.accept(push)
    assert desk.accept(push) == []
    assert sorted(desk.handed_in()) == [("toy-1", 1), ("toy-2", 1)]


@pytest.mark.parametrize(
    ("updates", "why"),
    [
        ((), "only the branch main"),
        (((pushing.NOTHING, "1" * 40, "refs/heads/other"),), "only the branch main"),
        (((pushing.NOTHING, "1" * 40, "refs/heads/main\n"),), "only the branch main"),
        (((pushing.NOTHING, "1" * 40, "refs/tags/main"),), "only the branch main"),
        (((pushing.NOTHING, "1" * 40, pushing.MAIN),) * 2, "only the branch main"),
        ((("1" * 40, pushing.NOTHING, pushing.MAIN),), "cannot be deleted"),
    ],
)
def test_other_updates_are_refused(desk: Desk, updates: tuple[tuple[str, str, str], ...], why: str) -> None:
    with pytest.raises(Refused, match=why):
        pushing.check(desk.service, desk.repositories, Push(desk.amy, "toy", updates), {})


def test_a_commit_without_any_lab_is_refused_with_a_path_that_would_do(desk: Desk) -> None:
    push = desk.push(desk.author.commit({"starter.py": answer(10, "in the wrong place")}))
    with pytest.raises(Refused, match=f"nothing to grade.*{STARTERS['toy-1']}"):
        desk.check(push)


def test_a_course_without_labs_says_so(desk: Desk) -> None:
    desk.store.courses.put_course(Course("empty", "Empty"))
    viewer = enrolled(desk.service, "amy", course="empty")
    desk.repositories.give_out("empty", {"README.md": b""}, desk.clock())
    desk.repositories.ensure("empty", "amy")
    push = replace(desk.push("1" * 40, viewer=viewer), course="empty")
    with pytest.raises(Refused, match="no labs yet"):
        pushing.check(desk.service, desk.repositories, push, {})


def test_a_full_repository_takes_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "MAX_REPOSITORY_BYTES", 100)
    with pytest.raises(Refused, match="full"):
        desk.check(desk.push(desk.commit({STARTERS["toy-1"]: answer(10, "a")})))


@pytest.mark.parametrize("data", [b"", b" \n", b"\0", b"\xff\xfea", b"x = '\xe9'"])
def test_a_changed_file_that_cannot_be_graded_is_refused(desk: Desk, data: bytes) -> None:
    with pytest.raises(UnreadableSubmission, match=r"starter\.py"):
        desk.check(desk.push(desk.commit({STARTERS["toy-1"]: data})))


def test_one_bad_lab_keeps_the_whole_push_out(desk: Desk) -> None:
    push = desk.push(desk.commit({STARTERS["toy-1"]: answer(10, "a"), STARTERS["toy-2"]: b""}))
    with pytest.raises(UnreadableSubmission):
        desk.check(push)


def test_strangers_are_told_nothing(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.check(desk.push("1" * 40, viewer=stranger()))


def test_the_rate_is_checked_before_anything_is_kept_and_says_how_long_to_wait(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Bounds(submissions_per_minute=3, submissions_per_hour=100))
    both = [desk.push(desk.commit({p: answer(4, f"{n}") for p in STARTERS.values()})) for n in (1, 2)]
    assert desk.check(both[0]) == ["toy-1", "toy-2"]
    desk.accept(both[0])
    with pytest.raises(TooOften, match=r"3 times in the last 1 min.*wait 20 s"):
        desk.check(both[1])
    unchanged = desk.push(desk.commit({p: answer(4, "1") for p in STARTERS.values()}, message_file=b"more"))
    assert desk.check(unchanged) == [], "what hands nothing in is never too often"
    desk.clock.passes(61)
    assert desk.check(both[1]) == ["toy-1", "toy-2"]
    desk.store.close()


def test_what_was_let_in_is_handed_in_though_another_push_was_faster(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Bounds(submissions_per_minute=1, submissions_per_hour=100))
    first, second = (desk.push(desk.commit({STARTERS["toy-1"]: answer(4, f"{n}")})) for n in (1, 2))
    desk.check(first)
    desk.check(second)
    assert len(desk.accept(first)) == len(desk.accept(second)) == 1
    desk.store.close()


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options()),
        (["no-wait", "lab=toy-1", "rerun"], Options("toy-1", False, True)),
        (["lab=a", "lab=b=c"], Options("b=c")),
        (["no-wait"] * 20, Options(wait=False)),
    ],
)
def test_known_options_are_read(words: list[str], options: Options) -> None:
    assert Options.read(words) == options


@pytest.mark.parametrize(
    "word",
    ["", "lab", "lab=", "no-wait=1", "NO-WAIT", "rerun\n", "no-wait\nrerun", " rerun", "\x1b[31mrerun", "a=b;c", "\0"],
)
def test_other_options_are_refused_and_not_repeated(word: str) -> None:
    with pytest.raises(Refused, match=r"not known; there are -o lab=LAB, -o no-wait and -o rerun$"):
        Options.read(["no-wait", word])


def test_options_without_end_are_refused() -> None:
    with pytest.raises(Refused, match="too many"):
        Options.read(["no-wait"] * 21)


def test_a_lab_by_name_is_the_only_one_that_is_handed_in(desk: Desk) -> None:
    files = {place: answer(4, "both") for place in STARTERS.values()}
    push = desk.push(desk.commit(files), "lab=toy-2")
    assert desk.check(push) == ["toy-2"]
    assert [one.handin.lab for one in desk.accept(push)] == ["toy-2"]
    assert desk.check(desk.push(push.commit)) == ["toy-1"]


@pytest.mark.parametrize("lab", ["toy-9", "toy", "\x1b[31m", "../toy-1"])
def test_a_lab_that_nobody_knows_is_refused_cleanly(desk: Desk, lab: str) -> None:
    with pytest.raises(UnknownLab) as error:
        desk.check(desk.push(desk.commit({}), f"lab={lab}"))
    assert "\x1b" not in str(error.value)


def test_asked_for_again_an_unchanged_lab_shows_its_newest(desk: Desk) -> None:
    commit = desk.commit({STARTERS["toy-1"]: answer(10, "a")})
    [receipt] = desk.accept(desk.push(commit))
    desk.grade(receipt)
    for options in (("lab=toy-1",), ("rerun",)):
        push = desk.push(commit, *options)
        again = desk.accept(push)
        assert again == []
        [shown] = pushing.unchanged(desk.service, push, again)
        assert (shown.handin.id, shown.duplicate) == (receipt.handin.id, True)
    assert pushing.unchanged(desk.service, desk.push(commit), []) == []
    assert pushing.unchanged(desk.service, desk.push(commit, "lab=toy-2"), []) == []


def test_rerun_grades_again_what_got_no_score(desk: Desk) -> None:
    commit = desk.commit({STARTERS["toy-1"]: answer(10, "a")})
    [receipt] = desk.accept(desk.push(commit))
    assert desk.store.jobs.cancel(receipt.job.id, desk.clock()) is JobState.CANCELLED
    assert desk.accept(desk.push(commit)) == [], "nobody asked"
    [again] = desk.accept(desk.push(commit, "rerun"))
    assert again.job.state is JobState.QUEUED
    assert again.job.id != receipt.job.id


def test_a_lab_of_two_files_needs_both(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    manifest = desk.course / LAB / "lab.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('["starter.py"]', '["starter.py", "second.py"]'), encoding="utf-8")
    shutil.copy(manifest.with_name("starter.py"), manifest.with_name("second.py"))
    courses.sync_course(desk.service, "toy")
    second = f"{LAB}/second.py"
    with pytest.raises(UnreadableSubmission, match=r"there is no second\.py, which this lab is graded from"):
        desk.check(desk.push(desk.commit({STARTERS["toy-1"]: answer(4, "a")})))
    assert desk.check(desk.push(desk.commit({STARTERS["toy-2"]: answer(4, "a")}))) == ["toy-2"], "toy-1 is as given"
    push = desk.push(desk.commit({STARTERS["toy-1"]: answer(4, "a"), second: b"x = 1\n"}))
    [receipt] = desk.accept(push)
    assert set(desk.store.submissions.files(receipt.handin.digest).files) == {"starter.py", "second.py"}
    desk.store.close()


def test_what_was_pushed_and_not_written_down_is_handed_in_at_the_next_start(desk: Desk) -> None:
    commit = desk.commit({STARTERS["toy-1"]: answer(10, "a")})
    desk.author.git("update-ref", pushing.MAIN, commit)
    assert recovering.recover(desk.service, desk.repositories) == 1
    assert desk.handed_in() == [("toy-1", 1)]
    assert recovering.recover(desk.service, desk.repositories) == 0
    [row] = desk.store.submissions.page("toy")
    assert desk.author.git("rev-parse", f"refs/grader/sub/{row.handin.id}") == commit


def test_a_submission_that_was_written_down_in_the_last_moment_gets_its_pin(desk: Desk) -> None:
    commit = desk.commit({STARTERS["toy-1"]: answer(10, "a")})
    desk.author.git("update-ref", pushing.MAIN, commit)
    [lab, _] = desk.store.courses.labs("toy")
    files = Submission({"starter.py": answer(10, "a")})
    written = intake.submit_files(desk.service, desk.amy, lab, files, pushing.SOURCE)
    assert recovering.recover(desk.service, desk.repositories) == 0
    with desk.repositories.reading("toy", "amy") as commits:
        assert commits.pinned(written.handin.id) == commit


def test_a_fresh_repository_has_nothing_to_recover(desk: Desk) -> None:
    assert recovering.recover(desk.service, desk.repositories) == 0


def test_one_repositorys_trouble_is_not_the_others(desk: Desk) -> None:
    for login in ("aaa", "zoe", "left"):
        if login != "left":
            enrolled(desk.service, login)
        author = Author(Path(desk.repositories.ensure("toy", login)))
        data = b"" if login == "aaa" else answer(10, login)
        author.git("update-ref", pushing.MAIN, author.commit(_nested({STARTERS["toy-1"]: data})))
    broken = Path(desk.repositories.ensure("toy", "broken"))
    enrolled(desk.service, "broken")
    (broken / "refs/heads/main").write_text("1" * 40, encoding="ascii")
    assert recovering.recover(desk.service, desk.repositories) == 1
    [row] = desk.store.submissions.page("toy")
    assert row.person.login == "zoe"


def test_all_that_can_go_wrong_is_a_line_for_the_pusher(desk: Desk) -> None:
    for commit in ("1" * 40, "not a commit", ""):
        with pytest.raises(GraderError):
            desk.check(desk.push(commit))
