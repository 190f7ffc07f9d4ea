"""compose.yaml as an operator meets it: `make up` from a bare folder, one submission graded, `make down`."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from grader.client.remote import Remote
from grader.client.sse import Told
from tests.git_client import Clone
from tests.programs import scores
from tests.services import compose, free_port

pytestmark = [pytest.mark.compose, pytest.mark.docker, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
#: All that the service is made from; nothing else of the repository is needed.
NEEDED = (
    "compose.yaml",
    "Makefile",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".dockerignore",
    "grader",
    "worker",
    "labs",
)
COURSE = "phase-08-speculative-decoding"
HALF_RIGHT = ROOT / "labs" / COURSE / "labs/lab-04-speedup-model/examples/half_right.py"
#: Takes its time in three tests, each in a process of its own: the verdicts of others can be seen to come first.
PATIENT = b"""
import time
_at_once = optimal_k
def optimal_k(alpha, c, k_max):
    global _waited
    if "_waited" not in globals():
        _waited = time.sleep(0.8)
    return _at_once(alpha, c, k_max)
"""
PROJECT = "grader-test"
SOCKET = "/var/run/docker.sock"
# the first time, libraries are fetched and two images built
_UP_S = 1500


@dataclass
class Stack:
    """The service in containers, with its files in `folder`."""

    folder: Path
    url: str
    environment: dict[str, str]
    link: str = ""

    def sandboxes(self, what: str) -> str:
        """Whose containers or volumes of sandboxes there are."""
        home = '{{.Label "grader.home"}}'
        return self.run(["docker", *what.split(), "--filter", "label=grader.home", "--format", home])

    def make(self, target: str) -> str:
        """What `make` prints."""
        return self.run(["make", target])

    def compose(self, *words: str, said: str = "") -> str:
        """What Compose prints; `said` goes to its input."""
        return self.run([*compose(), *words], said)

    def run(self, words: Sequence[str], said: str = "") -> str:
        """What a command in the folder prints."""
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            input=said,
            capture_output=True,
            text=True,
            timeout=_UP_S,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def containers(self) -> dict[str, dict]:
        """What the engine knows of each, by service."""
        ids = self.compose("ps", "-q").split()
        found = json.loads(self.run(["docker", "inspect", *ids]))
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def enrol(self, login: str) -> str:
        """The token of a new student."""
        command = f"cat >/tmp/roster.csv && grader course import-roster {COURSE} /tmp/roster.csv"
        said = self.compose("exec", "-T", "grader", "sh", "-c", command, said=f"login,name\n{login},{login}\n")
        [link] = [word for word in said.split() if "token=" in word]
        return self.token(link)

    def token(self, link: str) -> str:
        """What a one-time link is changed for."""
        [secret] = parse_qs(urlsplit(link).query)["token"]
        with Remote(self.url) as remote:
            return remote.exchange(secret, "test")

    def secrets(self) -> dict[str, str]:
        """The random part of each secret, by file."""
        texts = {file.name: file.read_text(encoding="ascii").strip() for file in (self.folder / ".secrets").iterdir()}
        return {name: text for name, text in texts.items() if len(text) == 64}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Up, and torn down with all it kept."""
    folder = tmp_path_factory.mktemp("stack")
    folder.chmod(0o755)
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    port = free_port()
    settings = {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "GRADER_PORT": str(port),
        "GRADER_IMAGE": f"{PROJECT}-service",
        "GRADER_BUILD_NETWORK": "host",  # where packages come through a proxy of this machine
    }
    foreign = ("GRADER_", "COMPOSE_", "MAKE", "MFLAGS")  # also of the `make test` that this may run under
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    stack = Stack(folder, f"http://127.0.0.1:{port}", {**kept, **settings})
    try:
        stack.link = stack.make("up").split()[-1]
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "30")
        stack.run(["docker", "rmi", "--force", settings["GRADER_IMAGE"]])
    ours = f"label=com.docker.compose.project={PROJECT}"
    assert stack.run(["docker", "ps", "--all", "--quiet", "--filter", ours]) == ""
    assert stack.run(["docker", "volume", "ls", "--quiet", "--filter", ours]) == ""
    assert stack.run(["docker", "network", "ls", "--quiet", "--filter", ours]) == ""


@pytest.fixture(scope="module")
def graded(stack: Stack) -> tuple[list[Told], dict]:
    """A student's half-right answer: what was told while it was graded, and what there is to read afterwards."""
    with Remote(stack.url, stack.enrol("ada")) as remote:
        receipt = remote.submit(COURSE, "lab-04", "starter.py", HALF_RIGHT.read_bytes(), lost=lambda: None)
        told = list(remote.follow(receipt["id"]))
        return told, remote.submission(receipt["id"])


def test_the_link_that_make_up_prints_logs_the_instructor_in(stack: Stack) -> None:
    assert stack.link.startswith(f"{stack.url}/login?token=")
    assert httpx.get(stack.link, trust_env=False).status_code == 200
    with Remote(stack.url, stack.token(stack.link)) as remote:
        assert remote.me()["roles"] == {COURSE: "instructor"}


def test_a_submission_is_graded_live_in_a_docker_sandbox(graded: tuple[list[Told], dict]) -> None:
    told, detail = graded
    kinds = [one.kind for one in told if one.seq is not None]
    assert kinds[0] == "queued"
    assert kinds[-1] == "ended"
    assert kinds.count("test") == len(detail["tests"]) == 20
    moments = [one.data["at"] for one in told if one.kind == "test"]
    assert moments[0] < moments[-1], "all were told at once"
    assert (detail["job"]["state"], detail["job"]["points"], detail["job"]["max_points"]) == ("graded", 48, 100)
    assert detail["job"]["sandbox"] == "docker"
    assert detail["findings"]


def test_a_push_is_answered_line_by_line_from_a_docker_sandbox(stack: Stack, tmp_path: Path) -> None:
    token = stack.enrol("grace")
    clone = Clone(tmp_path / "work", f"{stack.url}/git/{COURSE}/grace.git", token).cloned()
    starter = HALF_RIGHT.parents[1].relative_to(ROOT / "labs") / "starter.py"
    clone.commit({starter.as_posix(): HALF_RIGHT.read_bytes() + PATIENT})
    told = clone.push()
    assert told.code == 0, told.all
    assert "The speedup model: 48 of 100 points" in told.text
    verdicts = [at for at, line in told.lines if line[:1] in ("✓", "✗")]
    assert verdicts[-1] - verdicts[0] > 0.5, f"they came all at once: {told.lines}"
    with Remote(stack.url, token) as remote:
        [submission] = remote.submissions(COURSE, limit=5)
    assert (submission["source"], submission["job"]["points"], submission["job"]["sandbox"]) == ("git", 48, "docker")


def test_every_part_is_healthy_bounded_and_restarted(stack: Stack) -> None:
    parts = stack.containers()
    assert sorted(parts) == ["grader", "postgres", "redis", "worker-cpu"]
    for name, part in parts.items():
        assert part["State"]["Health"]["Status"] == "healthy", name
        assert part["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped", name
        assert set(part["HostConfig"]["LogConfig"]["Config"]) == {"max-size", "max-file"}, name
        assert not part["HostConfig"]["Privileged"], name
        assert part["HostConfig"]["NetworkMode"] != "host", name


def test_a_gpu_worker_takes_gpu_labs_and_one_gpu(stack: Stack) -> None:
    config = yaml.safe_load(stack.run(["env", "GRADER_GPU=3", *compose(), "--profile", "gpu", "config"]))
    gpu = config["services"]["worker-gpu"]
    assert gpu["environment"]["GRADER_QUEUES"] == "gpu"
    assert int(gpu["environment"]["GRADER_SLOTS"]) == 1
    [device] = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["device_ids"], device["capabilities"]) == ("nvidia", ["3"], ["gpu"])
    assert gpu["secrets"] == config["services"]["worker-cpu"]["secrets"]
    assert [name for name, one in config["services"].items() if "deploy" in one] == ["worker-gpu"]


def test_only_the_worker_reaches_the_docker_engine_and_only_the_grader_the_database(stack: Stack) -> None:
    parts = stack.containers()
    assert [name for name, part in parts.items() if SOCKET in {m["Source"] for m in part["Mounts"]}] == ["worker-cpu"]
    published = {name: part["NetworkSettings"]["Ports"] for name, part in parts.items()}
    open_ports = {name: ports for name, ports in published.items() if any(ports.values())}
    assert list(open_ports) == ["grader"]
    assert {at["HostIp"] for ports in open_ports["grader"].values() for at in ports} == {"127.0.0.1"}
    networks = {name: set(part["NetworkSettings"]["Networks"]) for name, part in parts.items()}
    assert networks["postgres"] & networks["grader"]
    assert not networks["postgres"] & (networks["worker-cpu"] | networks["redis"])
    for name in ("grader", "worker-cpu"):
        assert stack.compose("exec", "-T", name, "id", "-u").strip() != "0", name
    held = {
        name: set(stack.compose("exec", "-T", name, "ls", "/run/secrets").split()) for name in ("grader", "worker-cpu")
    }
    assert held["worker-cpu"] == {"grader_broker", "grader_worker_token"}
    assert held["grader"] == {"grader_broker", "grader_worker_token", "grader_database", "grader_key"}


@pytest.mark.usefixtures("graded")
def test_no_secret_shows(stack: Stack) -> None:
    secrets = stack.secrets()
    assert sorted(secrets) == ["grader_key", "grader_worker_token", "postgres_password", "redis_password"]
    ids = stack.compose("ps", "-q").split()
    shown = {
        "docker inspect": stack.run(["docker", "inspect", *ids]),
        "the logs": stack.compose("logs", "--no-color"),
        "the image": stack.run(["docker", "history", "--no-trunc", stack.environment["GRADER_IMAGE"]]),
        "the processes": "".join(stack.run(["docker", "top", one]) for one in ids),
        "the metrics": httpx.get(f"{stack.url}/metrics", trust_env=False).text,
    }
    assert len(shown["the logs"]) > 500
    assert [(name, where) for name, text in secrets.items() for where, all_ in shown.items() if text in all_] == []


def test_secrets_are_made_once_and_nobody_else_on_this_machine_reads_them(stack: Stack) -> None:
    before = stack.secrets()
    stack.make("secrets")
    assert stack.secrets() == before
    assert (stack.folder / ".secrets").stat().st_mode & 0o077 == 0


def test_down_and_up_again_keeps_what_was_handed_in(stack: Stack, graded: tuple[list[Told], dict]) -> None:
    worker = stack.containers()["worker-cpu"]["Id"]
    assert worker in stack.sandboxes("ps --all"), "some wait for the next submission"
    stack.make("down")
    assert stack.compose("ps", "-q") == ""
    assert worker not in stack.sandboxes("ps --all") + stack.sandboxes("volume ls")
    link = stack.make("up").split()[-1]
    [row] = [one for one in scores(stack.url, stack.token(link), COURSE) if one["login"] == "ada"]
    assert (row["login"], row["points"], row["submission"]) == ("ada", 48, graded[1]["id"])
