"""Whoever speaks git to the service gets what is theirs and nothing else, whatever they send, and is told so."""

import asyncio
import base64
import gzip
import hashlib
import http.client
import os
import re
import socket
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import cast

import httpx
import pytest

from grader.adapters.git_repositories import GitRepositories
from grader.domain.errors import BadSettings
from grader.steps.service import Service
from grader.web.git_hooks import GitHooks
from grader.web.watching import Watchers
from tests.courses.copies import LAB, answer
from tests.git_client import Author, Clone, Told, Tree
from tests.school import COURSE, School
from tests.services import wait_until

pytestmark = pytest.mark.bubblewrap

STARTER = f"{LAB}/starter.py"
PACKED = "application/x-git-{}-request"
ANY_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
AGENT = b"report-status side-band-64k push-options agent=git/2"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """Two students, one who grades, one in another course."""
    one = School(tmp_path_factory.mktemp("hostile"), ["amy", "bob", "new"])
    one.add_staff("gina", "grader")
    link = one.grader.command("course", "init", "other", "--instructor", "otto")
    found = re.search(r"http\S+", link)
    assert found is not None
    one.tokens["otto"] = one.grader.token(found[0])
    one.clone("amy")
    yield one
    wait_until(lambda: left(one) == [], "processes of git are left")
    assert one.grader.stop() == 0
    assert one.errors() == [], "nothing that anybody sent is an error of ours"


@pytest.fixture
def amy(school: School, tmp_path: Path) -> Clone:
    """Amy's working copy, as the service has it now."""
    return Clone(tmp_path / "work", school.url("amy"), school.tokens["amy"]).cloned()


def left(school: School) -> list[str]:
    """The git processes that serve this school's repositories."""
    mark = f"GIT_PROJECT_ROOT={school.folder}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended
    return found


def basic(token: str, user: str = "git") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"}


def amys(school: School) -> str:
    return basic(school.tokens["amy"])["Authorization"]


def ask(
    school: School, method: str, path: str, body: bytes | None = None, *, who: str = "amy", **headers: str
) -> tuple[int, bytes, Mapping[str, str]]:
    """The answer to a request whose path is sent as it is."""
    sent = basic(school.tokens[who]) if who else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection("127.0.0.1", school.grader.port, timeout=60)) as connection:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


def packet(data: bytes) -> bytes:
    return b"%04x%s" % (len(data) + 4, data)


def pack(*objects: tuple[int, int, bytes]) -> bytes:
    """A pack of (kind, size, squeezed content)."""
    body = b"PACK\0\0\0\2" + len(objects).to_bytes(4, "big")
    for kind, size, squeezed in objects:
        head, rest = kind << 4 | size & 15, size >> 4
        while rest:
            body, head, rest = body + bytes([head | 0x80]), rest & 127, rest >> 7
        body += bytes([head]) + squeezed
    return body + hashlib.sha1(body).digest()


def request_to_push(
    school: School, new: str, options: list[bytes], packed: bytes, ref: str = "refs/heads/main"
) -> bytes:
    """The body of a push of amy's."""
    old = school.bare("amy").git("rev-parse", "refs/heads/main")
    command = packet(f"{old} {new} {ref}".encode() + b"\0" + AGENT) + b"0000"
    return command + b"".join(packet(option) for option in options) + b"0000" + packed


def sent(school: School, body: bytes) -> tuple[int, bytes]:
    where = f"/git/{COURSE}/amy.git/git-receive-pack"
    status, answer, _ = ask(school, "POST", where, body, Content_Type=PACKED.format("receive-pack"))
    return status, answer


# who


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !!!", "Basic Og==", "Basic Z2l0Og==", "Basic /w==", f"Basic {'QUFB' * 9_000}", "Digest x"],
)
def test_without_a_token_nobody_is_let_in_and_git_is_told_to_ask(school: School, authorization: str) -> None:
    where = f"/git/{COURSE}/amy.git/info/refs?service=git-upload-pack"
    headers = {"Authorization": authorization} if authorization else {}
    status, body, answered = ask(school, "GET", where, who="", **headers)
    assert status == 401
    assert answered["WWW-Authenticate"].startswith("Basic")
    assert b"<" not in body, "git shows it as it is"


def test_wrong_and_revoked_tokens_are_refused_without_a_question(school: School, tmp_path: Path) -> None:
    wrong = Clone(tmp_path / "wrong", school.url("amy"), "grd_wrong").tried("clone", school.url("amy"), ".")
    assert wrong.returncode == 128
    api = f"{school.grader.url}/api/v1/tokens"
    mine = {"Authorization": f"Bearer {school.tokens['amy']}"}
    made = httpx.post(api, headers=mine, json={"label": "lost"}, trust_env=False).json()
    clone = Clone(tmp_path / "lost", school.url("amy"), made["token"]).cloned()
    httpx.delete(f"{api}/{made['id']}", headers=mine, trust_env=False).raise_for_status()
    clone.commit({STARTER: answer(10, "stolen")})
    told = clone.push()
    assert told.code != 0
    assert "Authentication failed" in told.all
    assert school.handed_in("amy") == []


@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
@pytest.mark.parametrize("who", ["bob", "otto"])
@pytest.mark.parametrize("whose", ["amy", "nobody", "new", "gina"])
def test_other_peoples_repositories_are_not_there(school: School, service: str, who: str, whose: str) -> None:
    place = f"/git/{COURSE}/{whose}.git"
    status, body, _ = ask(school, "GET", f"{place}/info/refs?service={service}", who=who)
    assert status == 404
    assert whose.encode() not in body
    kind = {"Content_Type": PACKED.format(service.removeprefix("git-"))}
    assert ask(school, "POST", f"{place}/{service}", b"0000", who=who, **kind)[0] == 404
    assert not Path(school.bare("new").git_dir).exists(), "who may not see it made it"


def test_who_grades_reads_a_students_repository_and_pushes_to_their_own(school: School, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "gina", school.url("amy"), school.tokens["gina"]).cloned()
    clone.commit({STARTER: answer(10, "for amy")})
    told = clone.push()
    assert told.code != 0
    assert "403" in told.all
    place = f"/git/{COURSE}/amy.git"
    assert ask(school, "GET", f"{place}/info/refs?service=git-receive-pack", who="gina")[0] == 403
    assert ask(school, "POST", f"{place}/git-receive-pack", b"0000", who="gina")[0] == 403
    for both in (
        "service=git-receive-pack&service=git-upload-pack",
        "service=git-upload-pack&s%65rvice=git-receive-pack",
    ):
        status, body, _ = ask(school, "GET", f"{place}/info/refs?{both}", who="gina")
        assert status == 403 or b"# service=git-upload-pack" in body
    assert (
        clone.push("-o", "no-wait", school.url("gina").replace("://", f"://g:{school.tokens['gina']}@"), "main").code
        == 0
    )


# refs


def test_the_services_own_refs_are_hidden(school: School, amy: Clone) -> None:
    amy.commit({STARTER: answer(10, "to be pinned")})
    assert amy.push("-o", "no-wait", "origin", "main").code == 0
    assert "refs/grader/sub/" in school.bare("amy").git("for-each-ref")
    assert re.findall(r"\t(\S+)", amy.git("ls-remote", "origin")) == ["HEAD", "refs/heads/course", "refs/heads/main"]
    amy.git("fetch", "--quiet", "origin", "refs/grader/*:refs/stolen/*")
    assert amy.git("for-each-ref", "refs/stolen") == ""
    assert amy.tried("fetch", "origin", "refs/grader/first").returncode != 0


@pytest.mark.parametrize(
    ("refspec", "words"),
    [
        ("HEAD:refs/grader/first", "hidden ref"),
        ("HEAD:refs/grader/sub/x", "hidden ref"),
        ("HEAD:refs/heads/other", "only the branch main is graded"),
        ("+HEAD:refs/heads/course", "only the branch main is graded"),
        (":refs/heads/course", "only the branch main is graded"),
        ("HEAD:refs/tags/v1", "only the branch main is graded"),
        ("HEAD:refs/heads/main/x", "only the branch main is graded"),
        ("HEAD:refs/notes/x", "only the branch main is graded"),
        (":refs/heads/main", "delet"),
        (":refs/grader/first", ""),
    ],
)
def test_other_refs_are_refused(school: School, amy: Clone, refspec: str, words: str) -> None:
    amy.commit({STARTER: answer(10, refspec)})
    refused(school, amy, refspec, words)


def test_nothing_rides_along_with_main(school: School, amy: Clone) -> None:
    amy.commit({STARTER: answer(10, "and more")})
    refused(school, amy, "HEAD:refs/heads/main HEAD:refs/heads/other", "only the branch main is graded")
    refused(school, amy, "--mirror", "")


def refused(school: School, clone: Clone, words: str, why: str) -> Told:
    """A push that must leave everything as it is."""
    bare = school.bare("amy")
    before, count = bare.git("for-each-ref"), len(school.handed_in("amy"))
    told = clone.push("--force", "origin", *words.split()) if words != "--mirror" else clone.push("--mirror", "origin")
    assert told.code == 1, told.all
    assert why in told.all
    assert ANY_CONTROL.search(told.all) is None
    assert bare.git("for-each-ref") == before
    assert len(school.handed_in("amy")) == count
    objects = Path(bare.git_dir) / "objects"
    assert [path.name for path in objects.iterdir() if path.name.startswith("tmp_objdir")] == [], "kept nothing"
    return told


# what a commit holds


def lab(**entries: "bytes | tuple[str, str] | Tree") -> Tree:
    return {"basics": {"labs": {"toy-1": {name.replace("_py", ".py"): what for name, what in entries.items()}}}}


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        (lab(starter_py=("120000", "link")), "starter.py is a link"),
        (lab(starter_py=("160000", "1" * 40)), "starter.py is a submodule"),
        (lab(starter_py={"starter.py": b"x"}), "starter.py is a folder"),
        (lab(starter_py=b"a = 1\n", Starter_py=b"a = 2\n"), "differ in capitals alone"),
        (lab(starter_py=b"#" * 2_000_000), "larger than 1 MB"),
        (lab(starter_py=b""), "is empty"),
        (lab(starter_py=b"a\0b"), "NUL"),
        (lab(starter_py=b"\xff\xfea\0"), "UTF-16"),
        ({**lab(starter_py=b"a = 1\n"), ".git": {"config": b"[core]\n\thooksPath = /tmp\n"}}, "hasDotgit"),
        ({**lab(starter_py=b"a = 1\n"), ".GIT": b"gitdir: /etc"}, "hasDotgit"),
        ({**lab(starter_py=b"a = 1\n"), "git~1": b"gitdir: /etc"}, "hasDotgit"),
        ({**lab(starter_py=b"a = 1\n"), ".g\u200cit": b"gitdir: /etc"}, "hasDotgit"),
        ({**lab(starter_py=b"a = 1\n"), "..": {"passwd": b"x"}}, "hasDotdot"),
        ({**lab(starter_py=b"a = 1\n"), ".": {"x": b"x"}}, "hasDot"),
        ({**lab(starter_py=b"a = 1\n"), "../../etc/passwd": b"x"}, "fullPathname"),
        (
            {**lab(starter_py=b"a = 1\n"), ".gitmodules": b'[submodule "x"]\n\turl = -u./evil\n\tpath = x\n'},
            "gitmodules",
        ),
        ({"starter.py": b"a = 1\n"}, f"for example {STARTER}"),
        ({}, "nothing to grade"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trees_that_are_not_a_students_work_are_refused(school: School, amy: Clone, tree: Tree, why: str) -> None:
    author = Author(amy.folder / ".git")
    commit = author.commit(with_links(author, tree), "HEAD")
    refused(school, amy, f"{commit}:refs/heads/main", why)


def with_links(author: Author, tree: Tree) -> Tree:
    """With the target of each link in place of the word "link"."""
    made: Tree = {}
    for name, what in tree.items():
        if isinstance(what, dict):
            made[name] = with_links(author, what)
        else:
            made[name] = ("120000", author.blob(b"/etc/passwd")) if what == ("120000", "link") else what
    return made


def test_odd_names_and_hidden_files_are_a_students_own_business(school: School, amy: Clone) -> None:
    author = Author(amy.folder / ".git")
    odd: Tree = {
        os.fsdecode(b"\xff\xfe"): b"x",
        "a\nb\x1b[31m": b"y",
        "-rf": b"z",
        "*": b"",
        "con": b"",
        "x" * 255: b"",
    }
    hiding = b"* export-ignore\n*.py filter=evil working-tree-encoding=UTF-16\n"
    commit = author.commit({**odd, **lab(starter_py=answer(6, "hidden"), **{".gitattributes": hiding})}, "HEAD")
    told = amy.push("-o", "no-wait", "origin", f"{commit}:refs/heads/main")
    assert told.code == 0, told.all
    assert "accepted" in told.text
    newest = school.handed_in("amy")[0]
    wait_until(lambda: school.handed_in("amy")[0]["job"]["points"] == 6, "it was not graded", 60)
    assert school.handed_in("amy")[0]["id"] == newest["id"]
    assert amy.push("--force", "-o", "no-wait", "origin", "HEAD:main").code == 0


def test_a_name_of_nothing_is_refused_though_no_git_would_send_it(school: School) -> None:
    bare = school.bare("amy")
    tree = b"100644 \0" + bytes.fromhex(bare.git("rev-parse", f"refs/grader/first:{STARTER}"))
    identity = hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest()
    commit = f"tree {identity}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx".encode()
    new = hashlib.sha1(b"commit %d\0" % len(commit) + commit).hexdigest()
    objects = [(kind, len(data), zlib.compress(data)) for kind, data in ((2, tree), (1, commit))]
    status, said = sent(school, request_to_push(school, new, [], pack(*objects)))
    assert status == 200
    assert b"unpack" in said and b"ok refs/heads/main" not in said


def test_what_is_no_commit_cannot_be_a_branch(school: School, amy: Clone) -> None:
    for what in ("HEAD:README", "HEAD^{tree}"):
        if amy.tried("rev-parse", what).returncode == 0:
            refused(school, amy, f"{amy.git('rev-parse', what)}:refs/heads/main", "")
    tip = school.bare("amy").git("rev-parse", "refs/heads/main^{tree}")
    status, body = sent(school, request_to_push(school, tip, [], pack()))
    assert status == 200
    assert b"ng refs/heads/main" in body


# how much


def test_a_large_push_is_refused_with_its_bound(school: School, amy: Clone) -> None:
    amy.commit({STARTER: answer(10, "large"), "data.bin": os.urandom(12 * 1024 * 1024)})
    refused(school, amy, "HEAD:main", "maximum allowed size (8.00 MiB)")


def test_a_small_pack_of_a_large_object_is_refused(school: School) -> None:
    size = 512 << 20
    squeezed = zlib.compressobj(9)
    body = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(size >> 20)) + squeezed.flush()
    for kind in (2, 3):
        status, said = sent(school, request_to_push(school, "1" * 40, [], pack((kind, size, body))))
        assert status == 200
        assert b"over limit" in said
        assert b"ng refs/heads/main" in said


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["x"] * 500, "too many push options"),
        (["no-wait"] * 21, "too many push options"),
        (["lab=" + "x" * 60_000], "no lab is called"),
        (["lab=\u202e\x1b]0;title\x07"], "no lab is called"),
    ],
    ids=["500", "21", "long", "escapes"],
)
def test_hostile_options_are_refused(school: School, amy: Clone, options: list[str], why: str) -> None:
    amy.commit({STARTER: answer(10, why)})
    refused(school, amy, " ".join(word for option in options for word in ("-o", option)) + " HEAD:main", why)


def test_options_that_no_git_would_send_are_refused(school: School) -> None:
    first = school.bare("amy").git("rev-parse", "refs/grader/first")
    for options in ([b"no-wait\nrerun"], [b"no-wait\n\nlab=toy-1"], [b"\xff\xfe"], [b"x" * 60_000] * 100):
        before = school.bare("amy").git("for-each-ref")
        status, body = sent(school, request_to_push(school, first, options, pack()))
        assert status == 200
        assert b"ng refs/heads/main" in body, body[-300:]
        assert school.bare("amy").git("for-each-ref") == before


# paths, methods, bodies


@pytest.mark.parametrize(
    "path",
    [
        f"/git/{COURSE}/amy.git/HEAD",
        f"/git/{COURSE}/amy.git/config",
        f"/git/{COURSE}/amy.git/objects/info/packs",
        f"/git/{COURSE}/amy.git/objects/00/11",
        f"/git/{COURSE}/amy.git/info/refs",
        f"/git/{COURSE}/amy.git/info/refs?service=",
        f"/git/{COURSE}/amy.git/info/refs?service=git-upload-archive",
        f"/git/{COURSE}/amy.git/info/refs?service=git-upload-pack%00",
        f"/git/{COURSE}/amy.git/info/refs?service=upload-pack",
        f"/git/{COURSE}/amy.git/info/refs?Service=git-upload-pack",
        f"/git/{COURSE}/../{COURSE}/amy.git/info/refs?service=git-upload-pack",
        f"/git/%2e%2e/{COURSE}/amy.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/%2e%2e/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/..%2f{COURSE}%2famy.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/amy.git%2f..%2fbob.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/amy.git.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/amy.git%00/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/%00amy.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/amy.git%0a/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/amy%0a.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/%ff.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/-amy.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/.course.git/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/%2ecourse/info/refs?service=git-upload-pack",
        f"/git/{COURSE}/{'a' * 5_000}.git/info/refs?service=git-upload-pack",
        "/git/other/amy.git/info/refs?service=git-upload-pack",
        "/git//amy.git/info/refs?service=git-upload-pack",
        "/git/%00/amy.git/info/refs?service=git-upload-pack",
        "/git/",
    ],
)
def test_other_paths_lead_nowhere(school: School, path: str) -> None:
    status, body, _ = ask(school, "GET", path)
    assert status in (404, 405, 422)
    assert b"ref" not in body.replace(b"href", b"").replace(b"refused", b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "git-upload-archive"),
        ("POST", "HEAD"),
        ("POST", "info/refs?service=git-receive-pack"),
        ("POST", "git-receive-pack/"),
        ("GET", "git-receive-pack"),
        ("PUT", "git-receive-pack"),
        ("DELETE", "info/refs"),
        ("HEAD", "info/refs?service=git-upload-pack"),
        ("PROPFIND", "info/refs"),
        ("LOCK", "HEAD"),
    ],
)
def test_other_methods_and_services_are_refused(school: School, method: str, path: str) -> None:
    status, _, _ = ask(school, method, f"/git/{COURSE}/amy.git/{path}", b"" if method == "POST" else None)
    assert status in (404, 405, 307)


@pytest.mark.parametrize("service", ["upload-pack", "receive-pack"])
@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-git-upload-archive-request", "x" * 5_000, "\x1b[31m"]
)
def test_other_kinds_of_bodies_are_refused(school: School, service: str, kind: str) -> None:
    headers = {"Content_Type": kind} if kind else {}
    status, _, _ = ask(school, "POST", f"/git/{COURSE}/amy.git/git-{service}", b"0000", **headers)
    assert 400 <= status < 500


@pytest.mark.parametrize("service", ["upload-pack", "receive-pack"])
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"0000",
        b"0001",
        b"zzzz",
        b"0003",
        b"ffff",
        b"0005",
        b"\0" * 100_000,
        packet(b"want x") * 100,
        b"0000PACK",
    ],
    ids=["none", "empty", "flush", "delimiter", "no-number", "short", "long", "cut", "nul", "wants", "pack"],
)
@pytest.mark.parametrize("protocol", ["", "version=2:\x7f"])
def test_nonsense_ends_in_gits_own_refusal(school: School, service: str, body: bytes | None, protocol: str) -> None:
    headers = {"Content_Type": PACKED.format(service), "Git_Protocol": protocol}
    status, _, _ = ask(school, "POST", f"/git/{COURSE}/amy.git/git-{service}", body, **headers)
    assert status < 500


def test_a_body_that_unpacks_without_end_is_not_unpacked(school: School) -> None:
    bomb = gzip.compress(packet(b"want " + b"1" * 40 + b"\n") * 2_000_000)
    for coding in ("gzip", "x-gzip", "deflate", "gzip, gzip"):
        headers = {"Content_Encoding": coding, "Content_Type": PACKED.format("receive-pack")}
        assert ask(school, "POST", f"/git/{COURSE}/amy.git/git-receive-pack", bomb, **headers)[0] == 422
        headers["Content_Type"] = PACKED.format("upload-pack")
        assert ask(school, "POST", f"/git/{COURSE}/amy.git/git-upload-pack", bomb, **headers)[0] < 500


def test_half_a_pack_and_a_hang_up_leave_nothing(school: School) -> None:
    before = school.bare("amy").git("for-each-ref")
    body = request_to_push(school, "1" * 40, [], pack((3, 1 << 20, zlib.compress(os.urandom(1 << 20)))))
    head = f"POST /git/{COURSE}/amy.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {PACKED.format('receive-pack')}\r\nAuthorization: {amys(school)}"
    for much in (0, 50, len(body) // 2, len(body) - 1):
        with socket.create_connection(("127.0.0.1", school.grader.port), 30) as connection:
            connection.sendall(head.encode() + b"\r\n\r\n" + body[:much])
            wait_until(lambda: left(school) != [], "git was not started")
        wait_until(lambda: left(school) == [], "git goes on without its pusher")
    assert school.bare("amy").git("for-each-ref") == before
    objects = Path(school.bare("amy").git_dir) / "objects"
    assert [path.name for path in objects.iterdir() if path.name.startswith("tmp_objdir")] == []


def test_a_clone_that_nobody_reads_ends(school: School, amy: Clone) -> None:
    for number in range(2):
        amy.commit({f"data-{number}.bin": os.urandom(7 * 1024 * 1024)})
        assert amy.push().code == 0
    tip = amy.git("rev-parse", "HEAD").encode()
    body = packet(b"want " + tip + b" side-band-64k ofs-delta\n") + b"0000" + packet(b"done\n")
    head = f"POST /git/{COURSE}/amy.git/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += (
        f"Content-Type: {PACKED.format('upload-pack')}\r\nAuthorization: {basic(school.tokens['amy'])['Authorization']}"
    )
    with socket.create_connection(("127.0.0.1", school.grader.port), 30) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        assert b"200 OK" in connection.recv(1_000)
        assert left(school) != [], "it waits for its reader, and does not pile up what it has"
    wait_until(lambda: left(school) == [], "git goes on without its reader")


def test_the_hooks_door_opens_to_those_who_know_a_secret(school: School, amy: Clone) -> None:
    doors = {
        line.split("@")[1].strip()
        for line in Path("/proc/net/unix").read_text().splitlines()
        if "@grader-hooks-" in line
    }
    assert doors
    asked = b'{"phase": "post-receive", "secret": "%s", "updates": [], "options": [], "quarantine": {}}'
    for door in doors:
        for said in (
            b"",
            b"{}",
            b"[]",
            b"null",
            b"{",
            b"\xff" * 100,
            asked % b"",
            asked % (b"0" * 32),
            b"x" * 1_000_000,
        ):
            with socket.socket(socket.AF_UNIX) as caller, closing(caller):
                caller.settimeout(30)
                caller.connect(f"\0{door}")
                try:
                    caller.sendall(said)
                    caller.shutdown(socket.SHUT_WR)
                    assert caller.recv(100) == b""
                except (BrokenPipeError, ConnectionResetError):
                    assert len(said) > 100_000
    amy.commit({STARTER: answer(10, "afterwards")})
    assert amy.push("-o", "no-wait", "origin", "main").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_hooks_that_git_could_not_run_stop_the_start(tmp_path: Path) -> None:
    mounted = tmp_path / "repositories"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "none", mounted], check=True)
    try:
        hooks = GitHooks(cast(Service, None), GitRepositories(mounted), Watchers(), "http://grader.test")
        with pytest.raises(BadSettings, match="cannot be run from"):
            asyncio.run(hooks.start())
    finally:
        subprocess.run(["umount", mounted], check=True)
