"""The product's own programs as a test starts, kills and starts them again: the grader, its workers, their people."""

import csv
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from grader.client.remote import Remote
from grader.client.sse import Told, events
from tests.services import free_port, wait_until

_START_S = 60.0
_STOP_S = 40.0


class Program:
    """One program of ours, `python -m grader …`. Everything it ever said is in `log`; `pids` are all it ever was."""

    def __init__(self, name: str, words: list[str], settings: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.pids: list[int] = []
        self._words = words
        self._settings = settings
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it may take a while until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "grader", *self._words],
                env=_environment(self._settings),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.pids.append(self._process.pid)

    @property
    def runs(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, the program alone: what it started is not told."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Stop it as an operator does; its exit code."""
        return self._end(signal.SIGTERM)

    def pause(self, on: bool) -> None:
        """Make it stand still, or go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:] if self.log.exists() else ""

    def _end(self, how: int) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(_STOP_S)


class Grader(Program):
    """`grader serve` on a port of its own, with a home in `folder`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "GRADER_HOME": str(folder / "home"),
            "GRADER_PORT": str(self.port),
            "GRADER_URL": self.url,
            "GRADER_WORKER_TOKEN": secrets.token_hex(16),
            **settings,
        }
        super().__init__("grader", ["serve"], self.settings, folder)

    def start(self) -> None:
        """Start it and wait until it is ready for work."""
        super().start()
        wait_until(self.answers, f"the grader is not ready: {self.said()}", _START_S)

    def answers(self) -> bool:
        """Whether it is ready for work."""
        assert self.runs, f"the grader ended: {self.said()}"
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).is_success
        return False

    def command(self, *words: str) -> str:
        """What another `grader` command says on this grader's machine."""
        done = subprocess.run(
            [sys.executable, "-m", "grader", *words],
            env=_environment(self.settings),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def enrol(self, course: str, logins: list[str]) -> dict[str, str]:
        """Make them students of a course; their tokens."""
        roster, links = self._folder / "roster.csv", self._folder / f"links-{secrets.token_hex(4)}.csv"
        roster.write_text("login,name\n" + "".join(f"{login},{login}\n" for login in logins), encoding="utf-8")
        self.command("course", "import-roster", course, str(roster), "--links", str(links))
        with links.open(encoding="utf-8") as file:
            return {row["login"]: self.token(row["link"]) for row in csv.DictReader(file)}

    def token(self, link: str) -> str:
        """The token that a one-time link is changed for."""
        [secret] = parse_qs(urlsplit(link.strip()).query)["token"]
        with Remote(self.url) as remote:
            return remote.exchange(secret, "test")


def worker(name: str, grader: Grader, **settings: str) -> Program:
    """A `grader worker` for that grader's cpu queue."""
    shared = {name: grader.settings[name] for name in ("GRADER_URL", "GRADER_WORKER_TOKEN")}
    folder = grader.log.parent
    own = {"GRADER_HOME": str(folder / name), **shared, **settings}
    return Program(name, ["worker", "--queues", "cpu"], own, folder)


def scores(url: str, token: str, course: str) -> list[dict[str, Any]]:
    """The best graded submission per lab and person, as the owner of the token may see them."""
    listed: list[dict[str, Any]] = _get(url, token, f"courses/{course}/scores").json()
    return listed


def told(url: str, token: str, submission: str) -> list[Told]:
    """Everything that the service tells of an ended submission, also what a client would not wait for."""
    answer = _get(url, token, f"submissions/{submission}/events")
    return [one for one in events(iter([answer.content])) if one is not None]


def _get(url: str, token: str, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{url}/api/v1/{path}", headers=headers, timeout=30, trust_env=False).raise_for_status()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without anybody's own settings of ours, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRADER_")}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONUNBUFFERED": "1", **settings}
