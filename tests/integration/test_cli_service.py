"""The command line against the real service in a process of its own: set up, log in, submit, crash, go on, look."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.services import free_port
from tests.signals import send_past_main

COURSE = Path(__file__).parents[2] / "labs"
LAB = COURSE / "phase-08-speculative-decoding/labs/lab-04-speedup-model"
SLUG = "phase-08-speculative-decoding"
SOON = 120
pytestmark = pytest.mark.bubblewrap


@dataclass
class Machine:
    """A data folder, a port, and whoever works there."""

    folder: Path
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def env(self, who: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRADER_")}
        ours = {"GRADER_LABS": COURSE, "GRADER_HOME": self.folder / "home", "GRADER_PORT": self.port,
                "GRADER_LEASE_S": 2, "GRADER_OFFER_S": 2, "XDG_CONFIG_HOME": self.folder / who, "COLUMNS": 100,
                "GIT_CONFIG_GLOBAL": self.folder / f"{who}-gitconfig", "PYTHONUNBUFFERED": 1}  # fmt: skip
        return {**inherited, **{name: str(value) for name, value in ours.items()}}

    def grader(self, *words: str | Path, who: str = "staff", stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "grader", *map(str, words)]
        return subprocess.run(
            command, env=self.env(who), input=stdin, capture_output=True, text=True, timeout=SOON, check=False
        )

    def start(self, *words: str | Path, who: str = "staff") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "grader", *map(str, words)]
        errors = (self.folder / f"errors-{len(self.running)}").open("w+", encoding="utf-8")
        with errors:
            process = subprocess.Popen(command, env=self.env(who), stdout=subprocess.PIPE, stderr=errors, text=True)
        self.running.append(process)
        return process

    def serve(self) -> tuple[subprocess.Popen[str], list[str]]:
        """The service, and what it said until it was up."""
        process = self.start("serve")
        return process, until(process, "Ctrl-C ends it")

    def log_of(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"errors-{self.running.index(process)}").read_text(encoding="utf-8")


def until(process: subprocess.Popen[str], words: str) -> list[str]:
    """What it prints up to the line with `words`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if words in line:
            return lines
    pytest.fail(f"it ended without {words!r}: {lines}")


def link_in(lines: list[str]) -> str:
    [link] = re.findall(r"http\S+/login\?token=\S+", "\n".join(lines))
    return link


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path, free_port())
    try:
        yield found
    finally:
        for process in found.running:
            if process.poll() is None:
                process.kill()
            process.wait(SOON)
            with suppress(AttributeError):
                process.stdout.close()  # type: ignore[union-attr]


def ended(process: subprocess.Popen[str], how: signal.Signals) -> int:
    send_past_main(process.pid, how)
    return process.wait(SOON)


def test_from_the_first_start_to_a_score(machine: Machine) -> None:
    service, said = machine.serve()
    login = machine.grader("login", link_in(said))
    assert login.returncode == 0, login.stderr
    assert f"{SLUG}: instructor" in login.stdout
    again = machine.grader("login", link_in(said))
    assert again.returncode == 2

    handed = machine.grader("submit", "lab-04", LAB / "examples/half_right.py")
    assert handed.returncode == 0, handed.stderr
    lines = handed.stdout.splitlines()
    assert lines[0].startswith("Accepted: lab-04-speedup-model, submission 1")
    assert any(re.fullmatch(r"✓ +5/5 +expected_tokens_by_hand +\d\.\d\d s", line) for line in lines)
    assert any(re.fullmatch(r"✗ +0/6 +speedup_by_hand +\d\.\d\d s", line) for line in lines)
    assert "Looks like: you pay c for k + 1 tokens" in handed.stdout
    assert "The speedup model: 48 of 100 points" in handed.stdout
    assert re.fullmatch(rf"http://127.0.0.1:{machine.port}/submissions/\w+", lines[-1])

    listed = machine.grader("status")
    assert "48 of 100" in listed.stdout
    shown = machine.grader("status", lines[-1])
    assert "replay: grader grade lab-04-speedup-model" in shown.stdout
    assert shown.stdout.count("Looks like: you pay c for k + 1 tokens") >= 2
    detail = json.loads(machine.grader("submit", "lab-04", LAB / "examples/half_right.py", "--json").stdout)
    assert (detail["number"], detail["job"]["state"], detail["job"]["points"]) == (1, "graded", 48)
    assert machine.grader("submit", "lab-04", LAB / "lab.toml").returncode == 2
    assert machine.grader("submit", "lab-9", LAB / "starter.py").returncode == 2

    assert ended(service, signal.SIGTERM) == 0
    assert "Traceback" not in machine.log_of(service)
    gone = machine.grader("status")
    assert gone.returncode == 3
    assert "does not answer" in gone.stderr
    assert not any("token=" in line for line in machine.serve()[1])


def test_a_roster_gives_everybody_their_own_way_in(machine: Machine) -> None:
    machine.serve()
    roster = machine.folder / "roster.csv"
    roster.write_text("login;name;role\nada;Ada;\nben;=Ben;student\n", encoding="utf-8-sig")
    links = machine.folder / "links.csv"
    done = machine.grader("course", "import-roster", SLUG, roster, "--links", links)
    assert "2 people in" in done.stdout and "2 of them new" in done.stdout
    with links.open(encoding="utf-8", newline="") as file:
        rows = {row["login"]: row for row in csv.DictReader(file)}
    assert rows["ben"]["name"] == "'=Ben"
    for login, row in rows.items():
        assert f"({login})" in machine.grader("login", row["link"], who=login).stdout
    assert "0 of them new" in machine.grader("course", "import-roster", SLUG, roster).stdout

    handed = machine.grader("submit", "lab-04", LAB / "starter.py", "--no-wait", "--json", who="ada")
    name = json.loads(handed.stdout)["id"]
    assert machine.grader("status", name, "--watch", who="ada").returncode == 0
    assert "0 of 100" in machine.grader("status", who="ada").stdout
    other = machine.grader("status", name, who="ben")
    assert (other.returncode, other.stdout) == (2, "")
    assert "Nothing handed in yet" in machine.grader("status", who="ben").stdout

    link = machine.grader("course", "link", "ben").stdout.strip()
    assert machine.grader("login", link, who="ben-at-home").returncode == 0
    broken = machine.folder / "broken.csv"
    broken.write_text("login,name\nc d,C\n,D\n", encoding="utf-8")
    refused = machine.grader("course", "import-roster", SLUG, broken)
    assert refused.returncode == 2
    assert "line 2" in refused.stderr and "line 3" in refused.stderr


def test_a_service_that_is_killed_loses_nothing(machine: Machine) -> None:
    service, said = machine.serve()
    assert machine.grader("login", link_in(said)).returncode == 0
    client = machine.start("submit", "lab-04", LAB / "examples/half_right.py")
    before = until(client, "Running.")
    assert ended(service, signal.SIGKILL) == -signal.SIGKILL
    before += until(client, "The connection broke")
    assert "Your submission is safe" in before[-1]
    machine.serve()
    assert client.stdout is not None
    after = client.stdout.read()
    assert client.wait(SOON) == 0, machine.log_of(client)
    assert "Connected again." in after
    assert "our fault" in after and "It costs you nothing and runs again" in after
    assert "Running again, attempt 2." in after
    assert "48 of 100 points" in after
    listed = json.loads(machine.grader("status", "--json").stdout)
    assert [(row["number"], row["job"]["state"], row["job"]["points"]) for row in listed] == [(1, "graded", 48)]


def test_interrupting_service_and_client_in_the_middle(machine: Machine) -> None:
    service, said = machine.serve()
    assert machine.grader("login", link_in(said)).returncode == 0
    slow = machine.folder / "starter.py"  # so that it still runs when the follower comes
    slow.write_text((LAB / "solution.py").read_text() + "\nimport time\n\ntime.sleep(0.4)\n")
    client = machine.start("submit", "lab-04", slow)
    until(client, "Running.")
    client.send_signal(signal.SIGINT)
    until(client, "Nothing is lost")
    assert client.wait(SOON) == 130
    follower = machine.start("status", "--watch")
    until(follower, "Running.")  # it is connected, and so among those that the service lets finish
    assert ended(service, signal.SIGTERM) == 0
    assert "Traceback" not in machine.log_of(service)
    assert follower.wait(SOON) == 0  # what ran was let finish before the service ended
    assert follower.stdout is not None
    assert "100 of 100 points" in follower.stdout.read()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("worker",), "GRADER_BROKER=memory:// reaches nobody"),
        (("serve", "--host", "256.0.0.1"), "cannot listen"),
        (("course", "sync", "nothing"), "there is no course"),
        (("course", "link", "nobody"), "nobody has the login"),
        (("course", "init", "Not A Slug"), "cannot name a course"),
    ],
)
def test_what_operators_get_wrong_is_a_sentence(machine: Machine, words: tuple[str, ...], told: str) -> None:
    run = machine.grader(*words)
    assert run.returncode == 2
    assert told in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr


def test_the_demo_is_the_main_job_end_to_end(machine: Machine) -> None:
    run = machine.grader("demo", "--exit", "--home", machine.folder / "demo")
    assert run.returncode == 0, run.stderr
    for words in ("has solved it", "100 of 100", "Looks like:", "Ada", "Ben", "Cleo", "the instructor"):
        assert words in run.stdout
    labs = re.findall(r"^ *(lab-\d\d-[a-z-]+) +\d", run.stdout, re.MULTILINE)
    assert [lab[:6] for lab in labs] == ["lab-01", "lab-03", "lab-04", "lab-02"]
    for lab in labs:
        [row] = [line.split() for line in run.stdout.splitlines() if line.strip().startswith(lab)]
        assert (row[1], row[3]) == ("100", "0")
        assert 0 < int(row[2]) < 100
    assert len(re.findall(r"/login\?token=", run.stdout)) == 4
    assert run.stderr == ""
