"""Real servers for tests, from this machine's own programs: Redis, PostgreSQL.

Each has a port and a folder of its own, is ready when `start` returns, keeps port (and PostgreSQL its data) over a
restart, and dies with the test run however that ends. Fixtures:

    redis_url     an empty database of a server shared by the session
    postgres_url  a fresh, empty database of a server shared by the session, as SQLAlchemy reads it (psycopg)
    redis_server, postgres_server   the shared servers; a test that hurts a server starts its own instead
"""

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM

import psycopg
import pytest

_SOON = 30.0
_PAUSE = 0.02
#: Below the ports that the kernel gives to outgoing connections, which could take a stopped server's.
_PORTS = range(20_000, 32_000)
_POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin"


def wait_until(happened: Callable[[], bool], what: str, timeout: float = _SOON) -> None:
    """Ask until it has happened; fails after `timeout` seconds, saying what did not happen."""
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"after {timeout:.0f} s: {what}")
        time.sleep(_PAUSE)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at, and that no outgoing connection is given either."""
    while True:
        port = random.SystemRandom().choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@cache
def missing(service: str) -> str:
    """Why this machine cannot run that service, and how to mend it; "" if it can."""
    if service == "redis":
        return "" if shutil.which("redis-server") else "redis: no redis-server here (apt-get install redis-server)"
    if service == "postgres":
        return "" if _postgres_programs() else "postgres: no PostgreSQL server here (apt-get install postgresql)"
    if service == "chromium":
        return "" if chromium() else "chromium: no Chromium here (apt-get install chromium)"
    if service == "compose":
        return "" if compose() else "compose: no docker-compose here (apt-get install docker-compose)"
    raise ValueError(service)


@cache
def chromium() -> str:
    """The browser's program; "" if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


@cache
def compose() -> tuple[str, ...]:
    """The words that start Compose, the engine's plug-in or the older program; () if there is none."""
    for words in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(words[0]):
            asked = subprocess.run([*words, "version"], capture_output=True, check=False)
            if asked.returncode == 0:
                return words
    return ()


@cache
def _postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL here."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [f for f in Path("/").glob(_POSTGRES_FOLDERS.lstrip("/")) if (f / "initdb").exists()]
    return max(folders, key=lambda f: float(f.parent.name), default=None)


def _mortal(*words: str | Path) -> list[str]:
    """These words as a program that the kernel kills when this process ends."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, words)]


class RedisServer:
    """A Redis that keeps nothing on disk, so that a restart loses all: the worst that a broker may do."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        log = self._folder / "redis.log"
        self._process = subprocess.Popen(
            _mortal("redis-server", *options, "--appendonly", "no", "--logfile", log), stdin=subprocess.DEVNULL
        )
        wait_until(self._answers, f"Redis does not answer: {log}")

    def stop(self) -> None:
        """Stop it as an operator does."""
        self._end(SIGTERM)

    def kill(self) -> None:
        """Take its power away."""
        self._end(SIGKILL)

    def restart(self) -> None:
        """Stop and start it: it is empty then."""
        self.stop()
        self.start()

    def flushall(self) -> None:
        """Make it forget everything."""
        assert self._ask(b"FLUSHALL") == b"+OK"

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "Redis ended at its start"
        with suppress(OSError):
            return self._ask(b"PING") == b"+PONG"
        return False

    def _ask(self, words: bytes) -> bytes:
        """One command in Redis's inline form; this file is read by interpreters that have no client library."""
        with socket.create_connection(("127.0.0.1", self.port), _SOON) as connection:
            connection.sendall(words + b"\r\n")
            return connection.makefile("rb").readline().strip()

    def _end(self, signal: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal)
            self._process.wait(_SOON)
            self._process = None


class PostgresServer:
    """A PostgreSQL cluster. Everybody on this machine may connect, as user `grader`."""

    def __init__(self, folder: Path) -> None:
        """Make the cluster in `folder`, which its user must be able to reach."""
        programs = _postgres_programs()
        assert programs is not None
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self.port = free_port()
        user = _unprivileged()
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        options = ["--username=grader", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        made = subprocess.run(
            self._words("initdb", *options, "--pgdata", self._data),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",  # what is tested is a killed server, not a killed machine
            "max_connections": 200,
        }
        words = self._words("postgres", "-D", self._data, *(f"--{name}={value}" for name, value in settings.items()))
        with (self._folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
        wait_until(self._answers, f"PostgreSQL does not answer: {self._folder / 'postgres.log'}")

    def stop(self) -> None:
        """Stop it as an operator does: transactions are rolled back, connections closed."""
        self._end(SIGINT)

    def kill(self) -> None:
        """Stop it at once; the next start recovers from its log."""
        self._end(SIGQUIT)

    def restart(self) -> None:
        """Stop and start it: what was committed is there."""
        self.stop()
        self.start()

    def url(self, database: str) -> str:
        """The URL of one of its databases, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://grader@127.0.0.1:{self.port}/{database}"

    def fresh(self, template: str = "template1") -> str:
        """The name of a new database, empty or a copy of `template` (to which nobody may be connected)."""
        name = f"test_{next(self._numbers)}"
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self._do(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _do(self, statement: str) -> None:
        with self._connect() as connection:
            connection.execute(statement.encode())

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="grader", dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, (self._folder / "postgres.log").read_text()
        with suppress(psycopg.OperationalError), self._connect():
            return True
        return False

    def _words(self, program: str, *words: str | Path) -> list[str]:
        """PostgreSQL refuses to run as root: the user that Debian made for it does."""
        user = _unprivileged()
        ids = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"] if user else []
        return ["setpriv", "--pdeathsig", "KILL", *ids, str(self._programs / program), *map(str, words)]

    def _end(self, signal: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal)
            self._process.wait(_SOON)
            self._process = None


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL: ourselves (None), unless we are root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


@pytest.fixture(scope="session")
def own_folder() -> Iterator[Path]:
    """A folder for servers that do not run as we do, who cannot enter pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="grader-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis shared by the session: do not hurt it."""
    require("redis")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis."""
    redis_server.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def postgres_server(own_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL shared by the session: do not hurt it."""
    require("postgres")
    folder = own_folder / "postgres"
    folder.mkdir()
    server = PostgresServer(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database: postgresql+psycopg://…"""
    database = postgres_server.fresh()
    yield postgres_server.url(database)
    postgres_server.drop(database)


def require(service: str) -> None:
    """Skip the test that asks, with the reason, where this machine lacks the service."""
    if reason := missing(service):
        pytest.skip(reason)
