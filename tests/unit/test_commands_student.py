"""`grader login`, `submit` and `status` as a student meets them, against a grader that breaks."""

import io
import json
import os
import re
import stat
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader import __main__ as program
from grader.commands import following
from tests.unit import fake_grader
from tests.unit.fake_grader import COUNT, DONE, LAB, TOTAL, FakeGrader, graded, refused, served, sse, submission

Run = Callable[..., tuple[int, str, str]]
LIVE = sse("started", {"attempt": 1}, 1) + sse("collected", {"tests": 2}, 2) + sse("test", COUNT, 3)
REST = sse("test", TOTAL, 4) + sse("ended", DONE, 5)


@pytest.fixture
def fake() -> Iterator[FakeGrader]:
    with served(FakeGrader()) as grader:
        yield grader


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    for name in ("GRADER_URL", "GRADER_TOKEN", "GRADER_COURSE"):
        monkeypatch.delenv(name, raising=False)

    def command(*words: str | Path, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grader", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            program.main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return command


@pytest.fixture
def student(run: Run, fake: FakeGrader) -> Run:
    """Somebody who is logged in."""
    assert run("login", fake.url, "--token-stdin", stdin=fake_grader.TOKEN)[0] == 0
    return run


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text("def count(items):\n    return len(items)\n", encoding="utf-8")
    return file


def kept(tmp_path: Path) -> Path:
    return tmp_path / "config/grader/credentials.toml"


def test_login_keeps_the_token_for_this_user_alone(run: Run, fake: FakeGrader, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        code, out, err = run("login", fake.url + "/login", "--token-stdin", stdin=f"{fake_grader.TOKEN}\n")
    finally:
        os.umask(before)
    assert (code, err) == (0, "")
    assert "as Ada (ada)" in out and "unit: student" in out
    assert fake_grader.TOKEN not in out
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(tmp_path).parent.stat().st_mode) == 0o700
    assert [file.name for file in kept(tmp_path).parent.iterdir()] == ["credentials.toml"]
    assert run("status")[0] == 0


def test_login_by_a_one_time_link_uses_it_up(run: Run, fake: FakeGrader) -> None:
    fake.links["once"] = fake_grader.TOKEN
    assert run("login", f"{fake.url}/login?token=once")[0] == 0
    code, _, err = run("login", f"{fake.url}/login?token=once")
    assert code == 2
    assert "this link has been used" in err


def test_login_teaches_git_to_ask_for_the_token(run: Run, fake: FakeGrader, tmp_path: Path) -> None:
    _, out, _ = run("login", fake.url, "--token-stdin", stdin=fake_grader.TOKEN)
    assert f"git clone {fake.url}/git/unit/ada.git unit" in out
    config = (tmp_path / "gitconfig").read_text(encoding="utf-8")
    assert fake_grader.TOKEN not in config
    assert "-m grader credential" in config
    where = fake.url.removeprefix("http://")
    asked = f"protocol=http\nhost={where}\npath=git/unit/ada.git\n\n"
    assert run("credential", "get", stdin=asked)[1] == f"username=ada\npassword={fake_grader.TOKEN}\n"
    for other in ("protocol=https\nhost=" + where, "protocol=http\nhost=evil.example", "nonsense", ""):
        assert run("credential", "get", stdin=other)[1] == ""
    assert run("credential", "store", stdin=asked)[1] == ""
    assert run("credential", "erase", stdin=asked)[1] == ""
    assert run("credential", "get", stdin=asked)[1] != ""


def test_login_can_leave_git_alone(run: Run, fake: FakeGrader, tmp_path: Path) -> None:
    run("login", fake.url, "--token-stdin", "--no-git", stdin=fake_grader.TOKEN)
    assert not (tmp_path / "gitconfig").exists()


def test_login_takes_the_token_from_the_environment(
    run: Run, fake: FakeGrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_TOKEN", fake_grader.TOKEN)
    assert run("login", fake.url)[0] == 0


@pytest.mark.parametrize("token", ["grd_wrong", "", "grd_\x1b[0m", "x" * 2000])
def test_a_wrong_token_is_refused_and_not_kept(run: Run, fake: FakeGrader, tmp_path: Path, token: str) -> None:
    code, _, err = run("login", fake.url, "--token-stdin", stdin=token)
    assert code == 2
    assert err.startswith("error: ")
    assert not kept(tmp_path).exists()


def test_several_graders_are_kept_and_forgotten_one_by_one(student: Run, fake: FakeGrader, tmp_path: Path) -> None:
    with served(FakeGrader()) as other:
        assert student("login", other.url, "--token", fake_grader.TOKEN)[0] == 0
        assert student("status", "--server", fake.url)[0] == 0
        assert student("login", other.url, "--forget")[0] == 0
        assert student("status", "--server", other.url)[0] == 2
    assert student("status")[0] == 0


def test_a_damaged_file_of_credentials_says_what_to_do(run: Run, tmp_path: Path) -> None:
    kept(tmp_path).parent.mkdir(parents=True)
    kept(tmp_path).write_text("servers = 3", encoding="utf-8")
    code, _, err = run("status")
    assert code == 2
    assert "delete it and log in again" in err


@pytest.mark.parametrize("address", ["ftp://x", "http://", "https://a b/", "http://[::1", "https://x:y"])
def test_what_is_no_address_is_refused(run: Run, address: str) -> None:
    code, _, err = run("login", address, "--token", "x")
    assert code == 2
    assert "no address of a grader" in err


def test_who_is_not_logged_in_is_told_how(run: Run, answer: Path) -> None:
    for words in (("status",), ("submit", "lab-01", answer)):
        code, _, err = run(*words)
        assert code == 2
        assert "grader login" in err


def test_verdicts_arrive_one_by_one_and_the_first_thing_to_mend_last(
    student: Run, fake: FakeGrader, answer: Path
) -> None:
    place = {"ahead": 3, "waiting": 4, "slots": 2, "eta_s": 12.3}
    nearer = {**place, "ahead": 0, "eta_s": None}
    fake.streams = [sse("place", place) + sse("place", {**place, "eta_s": 11}) + sse("place", nearer) + LIVE + REST]
    code, out, err = student("submit", "lab-01", answer)
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    assert lines[0].startswith("Accepted: lab-01-counting, submission 3, 2023-11-1")
    assert lines[1:4] == ["Waiting: 3 ahead of you, about 12 s.", "Waiting: you are next.", "Running."]
    assert re.fullmatch(r"✓ +6/6 +count +0.01 s", lines[4])
    assert re.fullmatch(r"✗ +0/4 +total +0.02 s", lines[5])
    assert lines[7:] == [
        "Looks like: you start at 1",
        "Counting: 6 of 10 points",
        "bubblewrap, 0.5 s, seed 17",
        "http://grader/submissions/5f1e",
    ]
    assert b'filename="starter.py"' in fake.bodies[0]


def test_a_broken_connection_is_told_and_costs_nothing(student: Run, fake: FakeGrader, answer: Path) -> None:
    fake.uploads = [None, (201, submission())]
    fake.streams = [LIVE, None, REST]
    code, out, err = student("submit", "lab-01", answer)
    assert code == 0
    assert "Nothing is handed in twice." in err
    assert fake.resumed == [None, "3", "3"]
    assert out.count("Your submission is safe") == 1
    assert out.count("Connected again") == 1
    assert out.count(" count ") == 1
    assert out.index(" count ") < out.index("Your submission is safe") < out.index(" total ")


def test_an_attempt_that_broke_off_is_told_as_ours(student: Run, fake: FakeGrader, answer: Path) -> None:
    again = sse("requeued", {"attempt": 1, "fault": "us", "problem": "the worker went silent."}, 4)
    fake.streams = [LIVE + again + sse("started", {"attempt": 2}, 5) + sse("test", COUNT, 6) + sse("ended", DONE, 7)]
    code, out, _ = student("submit", "lab-01", answer)
    assert code == 0
    assert "broke off: the worker went silent. That is our fault. It costs you nothing" in " ".join(out.split())
    assert "Running again, attempt 2." in out
    assert out.count(" total ") == 1  # the stream did not tell of it, the result does


@pytest.mark.parametrize(
    ("job", "code", "words"),
    [
        ({"state": "dead", "fault": "us", "problem": "no worker came through"}, 3, "our fault, not yours"),
        ({"state": "failed", "fault": "lab_author", "problem": "the spec does not import"}, 3, "the lab's fault"),
        ({"state": "failed", "fault": "operator", "problem": "no sandbox"}, 3, "whoever runs the grader"),
        ({"state": "failed", "fault": "student", "problem": "the file is gone"}, 2, "the file is gone"),
        ({"state": "cancelled"}, 2, "Cancelled"),
        ({"state": "superseded"}, 2, "newer submission"),
    ],
)
def test_what_is_not_graded_says_whose_move_it_is(
    student: Run, fake: FakeGrader, answer: Path, job: dict[str, str], code: int, words: str
) -> None:
    fake.full = submission(**job)
    found, out, _ = student("submit", "lab-01", answer)
    assert found == code
    assert words in out
    assert "http://grader/submissions/5f1e" in out
    for more in ((), ("--json",)):
        assert student("status", "5f1e", "--watch", *more)[0] == code


def test_a_duplicate_shows_what_came_of_the_first(student: Run, fake: FakeGrader, answer: Path) -> None:
    fake.uploads = [(200, {**submission("graded", points=6, max_points=10), "duplicate": True})]
    code, out, _ = student("submit", "lab-01", answer)
    assert code == 0
    assert "You handed in exactly this before" in out
    assert fake.resumed == []
    assert out.count(" count ") == 1
    assert "6 of 10 points" in out


def test_json_is_one_object(student: Run, fake: FakeGrader, answer: Path) -> None:
    code, out, err = student("submit", "lab-01", answer, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == fake.full
    code, out, _ = student("submit", "lab-01", answer, "--json", "--no-wait")
    assert (code, json.loads(out)) == (0, submission())


def test_without_waiting_it_says_how_to_look(student: Run, fake: FakeGrader, answer: Path) -> None:
    code, out, _ = student("submit", "lab-01", answer, "--no-wait")
    assert code == 0
    assert "grader status 5f1e --watch" in out
    assert fake.resumed == []


def test_interrupting_it_says_that_nothing_is_lost(
    student: Run, fake: FakeGrader, answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(following.Screen, "hear", interrupted)
    fake.streams = [LIVE]
    code, out, _ = student("submit", "lab-01", answer)
    assert code == following.INTERRUPTED
    assert "Nothing is lost" in out
    assert "grader status 5f1e --watch" in out


@pytest.mark.parametrize(
    ("status", "fault", "code"), [(422, "student", 2), (429, "student", 2), (413, "student", 2), (500, "us", 3)]
)
def test_a_refused_upload_says_why(
    student: Run, fake: FakeGrader, answer: Path, status: int, fault: str, code: int
) -> None:
    fake.uploads = [refused(status, "starter.py \x1b[31mcannot be taken", fault)]
    found, out, err = student("submit", "lab-01", answer)
    assert (found, out) == (code, "")
    assert err.startswith("error: starter.py cannot be taken\n")
    assert "do something else" in err


def test_what_cannot_be_graded_never_leaves_the_machine(student: Run, fake: FakeGrader, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_bytes(b"")
    for name in ("empty.py", "missing.py"):
        assert student("submit", "lab-01", tmp_path / name)[0] == 2
    assert fake.bodies == []


def test_only_the_labs_files_leave_the_machine(student: Run, fake: FakeGrader, tmp_path: Path) -> None:
    fake.labs["unit"] = [{**LAB, "submission": ["starter.py", "inner/notes.txt"]}]
    work = tmp_path / "work"
    (work / "inner").mkdir(parents=True)
    for name in ("starter.py", "inner/notes.txt", "secret.txt"):
        (work / name).write_text(name, encoding="utf-8")
    assert student("submit", "lab-01", work)[0] == 0
    body = fake.bodies[0]
    start = body.index(b"PK\x03\x04")
    with zipfile.ZipFile(io.BytesIO(body[start : body.rindex(b"\r\n--")])) as sent:
        assert {name: sent.read(name).decode() for name in sent.namelist()} == {
            "inner/notes.txt": "inner/notes.txt",
            "starter.py": "starter.py",
        }


@pytest.mark.parametrize("wanted", ["../config/x", "/etc/passwd", "..\\x", "a/../../x", "C:x", ""])
def test_a_server_cannot_ask_for_files_elsewhere(student: Run, fake: FakeGrader, tmp_path: Path, wanted: str) -> None:
    fake.labs["unit"] = [{**LAB, "submission": ["starter.py", wanted]}]
    (tmp_path / "starter.py").write_text("x = 1\n", encoding="utf-8")
    code, _, err = student("submit", "lab-01", tmp_path)
    assert code == 2
    assert "outside your folder" in err
    assert fake.bodies == []


def test_the_lab_is_found_by_the_start_of_its_name(student: Run, fake: FakeGrader, answer: Path) -> None:
    fake.roles = {"unit": "student", "other": "student"}
    fake.labs["other"] = [{**LAB, "id": "lab-02-sums"}, {**LAB, "id": "lab-02-sets"}]
    assert student("submit", "lab-02-se", answer)[0] == 0
    assert ("POST", "/api/v1/courses/other/labs/lab-02-sets/submissions") in fake.seen
    for lab, words in (("lab-02", "lab-02-sums, lab-02-sets"), ("lab-9", "lab-01-counting")):
        code, _, err = student("submit", lab, answer)
        assert code == 2
        assert words in err
    fake.labs["other"] = [LAB]
    code, _, err = student("submit", "lab-01", answer)
    assert code == 2
    assert "--course" in err
    assert student("submit", "lab-01", answer, "--course", "other")[0] == 0


def test_status_lists_and_shows(student: Run, fake: FakeGrader) -> None:
    code, out, _ = student("status")
    assert code == 0
    assert re.search(r"5f1e +lab-01-counting +3 +2023-11-1\d \d\d:\d\d +6 of 10", out)
    assert ("GET", "/api/v1/courses/unit/submissions?login=ada&limit=20") in fake.seen
    code, out, _ = student("status", "http://grader/submissions/5f1e")
    assert code == 0
    for words in ("✗", "0/4", "Looks like: you start at 1", "6 of 10 points", "replay: grader grade"):
        assert words in out
    assert student("status", "nothing")[0] == 2
    code, out, _ = student("status", "--json")
    assert json.loads(out) == [graded()]


def test_status_of_what_waits_says_its_place(student: Run, fake: FakeGrader) -> None:
    place = {"ahead": 2, "waiting": 9, "slots": 0, "eta_s": None}
    fake.full = submission("queued", place=place)
    fake.full["job"]["queue"] = "gpu"
    _, out, _ = student("status", "5f1e")
    assert "Waiting: 2 ahead of you, but no worker of the gpu queue is up. It is kept" in " ".join(out.split())
    assert "waiting, 2 ahead, no worker of the gpu queue" in " ".join(student("status")[1].split())
    fake.full = submission("queued", place={**place, "slots": 1})
    listed = " ".join(student("status")[1].split())
    assert "waiting, 2 ahead" in listed and "no worker" not in listed


def test_a_worker_that_comes_up_is_told(student: Run, fake: FakeGrader, answer: Path) -> None:
    place = {"ahead": 0, "waiting": 1, "slots": 0, "eta_s": None}
    fake.streams = [sse("place", place) + sse("place", place) + sse("place", {**place, "slots": 2}) + LIVE + REST]
    _, out, _ = student("submit", "lab-01", answer)
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    assert lines[1].startswith("Waiting: you are next, but no worker of the cpu queue is up.")
    assert lines[2:4] == ["Waiting: you are next.", "Running."]


def test_whatever_a_server_says_is_safe_to_print(student: Run, fake: FakeGrader, answer: Path) -> None:
    hostile = "\x1b]0;title\x07\x1b[2J\u202e"
    fake.full = graded()
    fake.full["findings"][0]["message"] = f"{hostile}message"
    fake.full["url"] = f"http://grader/{hostile}"
    fake.full["lab"] = f"lab{hostile}"
    fake.streams = [sse("test", {**COUNT, "test": f"test_{hostile}x"}, 1) + sse("ended", DONE, 2)]
    for words in (("submit", "lab-01", answer), ("status", "5f1e"), ("status",)):
        _, out, _ = student(*words)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_nothing_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(FakeGrader()) as gone:
        pass
    code, _, err = run("login", gone.url, "--token", "x")
    assert code == 3
    assert "does not answer" in err
    assert "Check the address and your connection" in err
    assert "Whoever runs" not in err
