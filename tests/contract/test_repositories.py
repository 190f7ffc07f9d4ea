"""What students' repositories keep to: real git, in a folder of the test's own."""

import os
import subprocess
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from grader.adapters.git_objects import Objects
from grader.adapters.git_repositories import MAX_MEMORY_BYTES, GitRepositories
from grader.domain.errors import BadSettings, NotFound, UnreadableSubmission
from grader.domain.submission import MAX_FILE_BYTES
from grader.ports.repositories import Found, Repositories
from tests.git_client import Author, Tree

STARTER = {"labs/one/starter.py": b"raise\n", 'odd "name" \\ \xe9\n.txt': b"\0\xff", "README.md": b""}
LAB = "labs/one/starter.py"
NOW = 1_770_000_000.0


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    """None yet."""
    return GitRepositories(tmp_path / "repositories")


def opened(repositories: GitRepositories, course: str, login: str) -> str:
    """Somebody's repository, in a course that gives out STARTER."""
    repositories.give_out(course, STARTER, NOW)
    return repositories.ensure(course, login)


@pytest.fixture
def author(repositories: GitRepositories) -> Author:
    """Amy's repository and somebody who writes into it."""
    return Author(Path(opened(repositories, "c", "amy")))


def read(
    repositories: GitRepositories,
    commit: str,
    paths: list[str],
    quarantine: dict[str, str] | None = None,
    *,
    course: str = "c",
    login: str = "amy",
) -> Found:
    """What one commit holds."""
    with repositories.reading(course, login, quarantine) as commits:
        return commits.read(commit, paths)


def first(repositories: GitRepositories, login: str) -> str | None:
    """What their repository was made with."""
    with repositories.reading("c", login) as commits:
        return commits.first()


def test_it_is_a_repositories(repositories: GitRepositories) -> None:
    port: Repositories = repositories
    assert port.all() == []


def test_at_first_use_it_holds_the_starter_byte_by_byte(repositories: GitRepositories) -> None:
    assert not repositories.exists("c", "amy")
    assert repositories.tip("c", "amy") is None
    with pytest.raises(NotFound, match="no such repository"):
        first(repositories, "amy")
    opened(repositories, "c", "amy")
    assert repositories.exists("c", "amy")
    tip = repositories.tip("c", "amy")
    assert tip is not None and tip == first(repositories, "amy")
    assert read(repositories, tip, list(STARTER)).files == STARTER


def test_the_starter_is_the_same_commit_for_everybody(repositories: GitRepositories) -> None:
    for login in ("amy", "bob"):
        opened(repositories, "c", login)
    assert repositories.tip("c", "amy") == repositories.tip("c", "bob")


def test_two_first_uses_at_once_make_one(repositories: GitRepositories, tmp_path: Path) -> None:
    at_once = Barrier(4)

    def use(number: int) -> str:
        at_once.wait()
        return opened(repositories, "c", "amy")

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(use, range(4)))
    assert paths == {str(tmp_path / "repositories/c/amy.git")}
    left = sorted(path.name for path in (tmp_path / "repositories/c").iterdir())
    assert left == [".course.git", "amy.git"], "drafts are left"
    assert repositories.tip("c", "amy") == first(repositories, "amy") is not None


def test_used_again_it_is_left_alone(repositories: GitRepositories, author: Author) -> None:
    new = author.commit({"README.md": b"mine"})
    author.git("update-ref", "refs/heads/main", new)
    opened(repositories, "c", "amy")
    assert repositories.tip("c", "amy") == new != first(repositories, "amy")


def test_where_nothing_is_given_out_there_is_no_repository(repositories: GitRepositories) -> None:
    assert not repositories.gives_out("c")
    with pytest.raises(NotFound, match="gives out no files"):
        repositories.ensure("c", "amy")
    assert not repositories.exists("c", "amy")


def test_what_is_given_out_later_reaches_branch_course_and_nothing_else(
    repositories: GitRepositories, author: Author
) -> None:
    began = repositories.tip("c", "amy")
    assert author.git("rev-parse", "course") == began
    changed = {LAB: b"raise NotImplementedError\n", "labs/two/starter.py": b"new\n"}
    assert repositories.give_out("c", changed, NOW + 5)
    assert author.git("rev-parse", "course") == began, "not before it is asked for"
    repositories.offer("c", "amy")
    with repositories.reading("c", "amy") as commits:
        given = commits.given()
        assert given is not None
        assert commits.read(given, [*STARTER, *changed]).files == changed
    assert author.git("rev-parse", "course^") == began == repositories.tip("c", "amy") == first(repositories, "amy")
    assert author.git("log", "-1", "--format=%ct %s", "course") == f"{NOW + 5:.0f} The course has changed"
    repositories.offer("c", "amy")
    assert author.git("rev-parse", "course") == given
    assert repositories.ensure("c", "bob").endswith("bob.git")
    assert repositories.tip("c", "bob") == first(repositories, "bob") == given


def test_only_what_differs_is_given_out_anew(repositories: GitRepositories, author: Author) -> None:
    assert not repositories.give_out("c", STARTER, NOW + 1)
    other = {LAB: b"pass\n"}
    assert [repositories.give_out("c", files, NOW + 2) for files in (other, other, STARTER, other)] == [
        True, False, True, True,
    ]  # fmt: skip
    repositories.offer("c", "amy")
    assert author.git("rev-list", "--count", "course") == "4"


def test_a_commit_lacks_what_was_given_out_after_it_until_that_is_merged(
    repositories: GitRepositories, author: Author
) -> None:
    mine = author.commit({"labs": {"one": {"starter.py": b"mine\n"}}})
    assert not repositories.lacks("c", "amy", mine), "nothing has changed"
    repositories.give_out("c", {**STARTER, "labs/two/starter.py": b"new\n"}, NOW + 5)
    assert repositories.lacks("c", "amy", mine)
    repositories.offer("c", "amy")
    assert repositories.lacks("c", "amy", mine)
    merged = author.git("commit-tree", "-m", "merged", "-p", mine, "-p", "course", f"{mine}^{{tree}}")
    assert not repositories.lacks("c", "amy", merged)
    repositories.give_out("c", STARTER, NOW + 6)
    assert repositories.lacks("c", "amy", merged)


def test_a_repository_that_began_elsewhere_is_left_alone(repositories: GitRepositories) -> None:
    other = Author(Path(opened(repositories, "c", "amy")))
    other.git("update-ref", "-d", "refs/heads/course")
    other.git("update-ref", "refs/grader/first", other.commit({"README.md": b"of another year"}))
    repositories.give_out("c", {LAB: b"new"}, NOW)
    repositories.offer("c", "amy")
    assert other.git("for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"
    assert not repositories.lacks("c", "amy", other.git("rev-parse", "main"))


def test_where_nothing_can_be_written_the_operator_is_told(tmp_path: Path) -> None:
    (tmp_path / "repositories").write_text("a file where the folder should be")
    with pytest.raises(BadSettings, match=r"repositories cannot be made in .*: Not a directory"):
        GitRepositories(tmp_path / "repositories").give_out("c", STARTER, NOW)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_user_may_have_given_it_out(repositories: GitRepositories, tmp_path: Path) -> None:
    repositories.give_out("c", STARTER, NOW)
    for path in (tmp_path / "repositories/c/.course.git").rglob("*"):
        os.chown(path, 12345, 12345)
    os.chown(tmp_path / "repositories/c/.course.git", 12345, 12345)
    repositories.ensure("c", "amy")
    assert repositories.tip("c", "amy") is not None


def test_several_fetches_at_once_bring_the_branch_up_to_date(repositories: GitRepositories, author: Author) -> None:
    repositories.give_out("c", {LAB: b"new"}, NOW)
    at_once = Barrier(6)

    def fetch(number: int) -> None:
        at_once.wait()
        repositories.offer("c", "amy")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(fetch, range(6)))
    assert author.git("rev-list", "--count", "course") == "2"


def test_what_is_given_out_is_nobodys_repository(repositories: GitRepositories) -> None:
    opened(repositories, "c", "amy")
    assert repositories.all() == [("c", "amy")]
    with pytest.raises(NotFound):
        repositories.exists("c", ".course")


def test_all_are_listed(repositories: GitRepositories) -> None:
    for course, login in (("b", "amy"), ("a", "zoe"), ("a", "dot.git"), ("a", "a@b.org")):
        opened(repositories, course, login)
    (Path(repositories.root) / "a" / ".new-x").mkdir()
    assert repositories.all() == [("a", "a@b.org"), ("a", "dot.git"), ("a", "zoe"), ("b", "amy")]


@pytest.mark.parametrize(
    ("course", "login"),
    [("c", ".."), ("c", "../d/amy"), ("c", "a/b"), ("c", ""), ("c", ".hidden"), ("c", "-o"), ("c", "a\0b"),
     ("c", "a\n"), ("..", "amy"), ("c/d", "amy"), ("C", "amy"), ("", "amy"), ("c\n", "amy"), ("c", "a" * 101),
     ("c", "é")],
)  # fmt: skip
def test_names_that_are_no_names_never_become_a_path(
    repositories: GitRepositories, course: str, login: str, tmp_path: Path
) -> None:
    uses: list[Callable[[], object]] = [
        lambda: repositories.ensure(course, login),
        lambda: repositories.offer(course, login),
        lambda: repositories.lacks(course, login, "0" * 40),
        lambda: repositories.exists(course, login),
        lambda: repositories.tip(course, login),
        lambda: repositories.size(course, login),
        lambda: read(repositories, "0" * 40, ["x"], course=course, login=login),
        lambda: repositories.pin(course, login, "0" * 40, "x"),
    ]
    for use in uses:
        with pytest.raises(NotFound):
            use()
    assert not (tmp_path / "repositories").exists()


@pytest.mark.parametrize("commit", ["", "HEAD", "main", "0" * 39, "0" * 41, "--all", f"{'0' * 40}\n", "A" * 40])
def test_what_is_no_commit_is_not_asked_for(repositories: GitRepositories, author: Author, commit: str) -> None:
    with pytest.raises(UnreadableSubmission, match="no commit"):
        read(repositories, commit, [LAB])


def test_a_commit_that_is_not_there_cannot_be_read(repositories: GitRepositories, author: Author) -> None:
    with pytest.raises(UnreadableSubmission, match="cannot be read"):
        read(repositories, "1" * 40, [LAB])


def test_only_what_is_asked_for_is_read_and_a_few_others_are_named(
    repositories: GitRepositories, author: Author
) -> None:
    others: Tree = {f"other-{number:02}\x1b[31m.py": b"x" for number in range(30)}
    commit = author.commit({"labs": {"one": {**others, "starter.py": b"mine", "folder": {"deep.py": b""}}}})
    found = read(repositories, commit, [LAB, "labs/one/second.py", "labs/two/starter.py"])
    assert found.files == {LAB: b"mine"}
    assert len(found.beside) == 20
    assert found.beside[0] == "labs/one/other-00.py"


def test_names_are_taken_as_they_are_not_as_patterns(repositories: GitRepositories, author: Author) -> None:
    commit = author.commit({"labs": {"one": {"starter.py": b"mine"}, "*": {"starter.py": b"star"}}})
    assert read(repositories, commit, ["labs/*/starter.py"]).files == {"labs/*/starter.py": b"star"}


def test_an_attribute_cannot_hide_a_file(repositories: GitRepositories, author: Author) -> None:
    hiding = b"* export-ignore\n*.py filter=evil text eol=crlf working-tree-encoding=UTF-16\n"
    commit = author.commit(
        {".gitattributes": hiding, "labs": {"one": {".gitattributes": hiding, "starter.py": b"a\n"}}}
    )
    assert read(repositories, commit, [LAB]).files == {LAB: b"a\n"}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (("120000", "0" * 40), "is a link"),
        (("160000", "1" * 40), "is a submodule"),
        ({"__init__.py": b""}, "is a folder"),
    ],
)
def test_what_is_no_file_is_refused(
    repositories: GitRepositories, author: Author, entry: "tuple[str, str] | Tree", why: str
) -> None:
    if entry == ("120000", "0" * 40):
        entry = ("120000", author.git("hash-object", "-w", "--stdin", stdin=b"/etc/passwd"))
    commit = author.commit({"labs": {"one": {"starter.py": entry}}})
    with pytest.raises(UnreadableSubmission, match=f"{LAB} {why}"):
        read(repositories, commit, [LAB])


def test_a_folder_that_is_a_link_or_a_submodule_holds_nothing(repositories: GitRepositories, author: Author) -> None:
    link = author.git("hash-object", "-w", "--stdin", stdin=b"/etc")
    for entry in (("120000", link), ("160000", "1" * 40)):
        commit = author.commit({"labs": {"one": entry}})
        assert read(repositories, commit, [LAB]).files == {}


@pytest.mark.parametrize("twin", ["Starter.py", "STARTER.PY", "starter.Py"])
def test_names_that_differ_in_capitals_alone_are_refused(
    repositories: GitRepositories, author: Author, twin: str
) -> None:
    commit = author.commit({"labs": {"one": {"starter.py": b"a", twin: b"b"}}})
    with pytest.raises(UnreadableSubmission, match="differ in capitals alone"):
        read(repositories, commit, [LAB])


def test_names_that_are_no_text_are_no_trouble(repositories: GitRepositories, author: Author) -> None:
    commit = author.commit({"labs": {"one": {os.fsdecode(b"\xff\xfe"): b"x", "a\nb\tc": b"y", "starter.py": b"mine"}}})
    found = read(repositories, commit, [LAB])
    assert found.files == {LAB: b"mine"}
    assert set(found.beside) == {"labs/one/��", "labs/one/a b c"}


def test_a_file_is_at_most_a_mebibyte(repositories: GitRepositories, author: Author) -> None:
    most = author.commit({"labs": {"one": {"starter.py": b"x" * MAX_FILE_BYTES}}})
    assert len(read(repositories, most, [LAB]).files[LAB]) == MAX_FILE_BYTES
    more = author.commit({"labs": {"one": {"starter.py": b"x" * (MAX_FILE_BYTES + 1)}}})
    with pytest.raises(UnreadableSubmission, match="larger than 1 MB"):
        read(repositories, more, [LAB])


def test_a_pinned_commit_outlives_its_branch(repositories: GitRepositories, author: Author) -> None:
    commit = author.commit({"README.md": b"work"})
    repositories.pin("c", "amy", commit, "abc123")
    repositories.pin("c", "amy", commit, "abc123")  # safe to do twice
    author.git("-c", "gc.pruneExpire=now", "gc", "--quiet", "--prune=now")
    assert author.git("rev-parse", "refs/grader/sub/abc123") == commit
    assert read(repositories, commit, ["README.md"]).files == {"README.md": b"work"}


def test_what_is_not_accepted_yet_is_read_from_inside_the_repository_alone(
    repositories: GitRepositories, author: Author, tmp_path: Path
) -> None:
    place = Path(opened(repositories, "c", "amy"))
    other = Path(opened(repositories, "c", "bob"))
    held = place / "objects/tmp_objdir-incoming-x"
    held.mkdir()
    tip = repositories.tip("c", "amy")
    assert tip is not None
    good = {"GIT_OBJECT_DIRECTORY": str(held), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(place / "objects")}
    assert read(repositories, tip, [LAB], good).files == {LAB: STARTER[LAB]}
    bad = [
        {"GIT_OBJECT_DIRECTORY": str(other / "objects")},
        {"GIT_OBJECT_DIRECTORY": f"{held}/../../../bob.git/objects"},
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f"{place / 'objects'}:{tmp_path}"},
        {"GIT_OBJECT_DIRECTORY": "objects"},
        {"GIT_OBJECT_DIRECTORY": ""},
        {"GIT_EXEC_PATH": str(held)},
    ]
    for quarantine in bad:
        with pytest.raises(UnreadableSubmission, match="cannot be read"):
            read(repositories, tip, [LAB], quarantine)


def test_a_link_out_of_the_quarantine_is_followed_before_it_is_judged(
    repositories: GitRepositories, author: Author, tmp_path: Path
) -> None:
    out = Path(opened(repositories, "c", "amy")) / "objects/out"
    out.symlink_to(tmp_path)
    with pytest.raises(UnreadableSubmission):
        read(repositories, "1" * 40, [LAB], {"GIT_OBJECT_DIRECTORY": str(out)})


def test_its_size_is_what_it_holds(repositories: GitRepositories, author: Author) -> None:
    before = repositories.size("c", "amy")
    author.git("hash-object", "-w", "--stdin", stdin=os.urandom(100_000))
    assert 100_000 <= repositories.size("c", "amy") - before < 110_000


@contextmanager
def settings_of_this_machine(folder: Path) -> Iterator[None]:
    """As if somebody had set git up here in the worst way."""
    (folder / "config").write_text(
        '[core]\n\thooksPath = /\n[init]\n\tdefaultBranch = evil\n[alias]\n\tls-tree = "!false"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "config"))
        patch.setenv("GIT_DIR", "/nowhere")
        patch.setenv("GIT_WORK_TREE", "/nowhere")
        patch.setenv("GIT_OBJECT_DIRECTORY", "/nowhere")
        patch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=false'")
        yield


def test_this_machines_own_settings_change_nothing(repositories: GitRepositories, tmp_path: Path) -> None:
    with settings_of_this_machine(tmp_path):
        opened(repositories, "c", "amy")
        tip = repositories.tip("c", "amy")
        assert tip is not None
        assert read(repositories, tip, [LAB]).files == {LAB: STARTER[LAB]}


def test_without_git_the_operator_is_told(repositories: GitRepositories, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadSettings, match="git is not installed"):
        opened(repositories, "c", "amy")


def test_an_object_that_unpacks_to_gigabytes_is_refused_before_it_takes_memory(
    repositories: GitRepositories, author: Author
) -> None:
    squeezed = zlib.compressobj(9)
    zeros = bytes(1 << 20)
    body = b"".join(squeezed.compress(zeros) for _ in range(256)) + squeezed.flush()
    size = 256 << 20
    for kind in (2, 3):  # a tree, a file
        head, rest = bytes([0x80 | kind << 4 | size & 15]), size >> 4
        while rest > 127:
            head, rest = head + bytes([0x80 | rest & 127]), rest >> 7
        pack = b"PACK\0\0\0\2\0\0\0\1" + head + bytes([rest]) + body
        environment = {**repositories.environment({}), "GIT_DIR": opened(repositories, "c", "amy")}
        done = subprocess.run(
            repositories.bounded("git", "index-pack", "--stdin"),
            env=environment, input=pack, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert b"over limit" in done.stderr


def test_a_bounded_command_has_bounds(repositories: GitRepositories) -> None:
    asked = ["sh", "-c", "ulimit -v; ulimit -t"]
    said = subprocess.run(repositories.bounded(*asked), capture_output=True, check=True).stdout.split()
    assert said == [b"%d" % (MAX_MEMORY_BYTES // 1024), b"120"]


def test_many_commits_are_looked_at_by_two_processes(
    repositories: GitRepositories, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = [author.commit({"labs": {"one": {"starter.py": b"%d" % number}}}) for number in range(5)]
    repositories.pin("c", "amy", commits[2], "taken", "also")
    started = []
    make = subprocess.Popen

    def counted(*words: Any, **how: Any) -> "subprocess.Popen[bytes]":
        started.append(words)
        return make(*words, **how)

    monkeypatch.setattr("grader.adapters.git_program.subprocess.Popen", counted)
    with repositories.reading("c", "amy") as found:
        assert [found.read(commit, [LAB]).files[LAB] for commit in commits] == [b"0", b"1", b"2", b"3", b"4"]
        assert (found.pinned("taken"), found.pinned("also"), found.pinned("other")) == (commits[2], commits[2], None)
        assert found.first() == first(repositories, "amy")
    assert len(started) == 3  # the last is not of the look


def test_a_path_that_git_could_misread_is_not_there(repositories: GitRepositories, author: Author) -> None:
    commit = author.commit({"labs": {"one": {"starter.py": b"mine"}}})
    with repositories.reading("c", "amy") as found:
        assert found.read(commit, [f"labs/one\n{commit}/starter.py"]).files == {}
        assert found.read(commit, [LAB]).files == {LAB: b"mine"}


def test_a_git_that_ends_in_the_middle_is_no_answer(repositories: GitRepositories, author: Author) -> None:
    commit = author.commit({"labs": {"one": {"starter.py": b"mine"}}})
    objects = Objects(lambda *words: subprocess.Popen(["true"], stdin=-1, stdout=-1), 5.0)
    with pytest.raises(UnreadableSubmission, match="cannot be read"):
        objects.known(commit)
    objects.close()


def test_a_git_that_hangs_is_ended(repositories: GitRepositories, author: Author) -> None:
    objects = Objects(lambda *words: subprocess.Popen(["sleep", "60"], stdin=-1, stdout=-1), 0.2)
    with pytest.raises(UnreadableSubmission, match="cannot be read"):
        objects.known("1" * 40)
    objects.close()
