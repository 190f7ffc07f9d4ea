"""The worker as Celery runs it: inside the grader's process, and as a program that is told to stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.domain.run import Event, RunResult
from tests.contract.sandboxed import left_by
from tests.fake_grader import WORKER_TOKEN, FakeGrader, assignment
from tests.fake_sandbox import COLLECTED, REPORTED, RUN, FakeSandbox
from tests.services import wait_until
from tests.signals import send_past_main
from worker import supervisor
from worker.attempt import read_assignment
from worker.broker import TASK, celery_app
from worker.cancellation import Cancellation
from worker.client import GraderClient
from worker.embedded import EmbeddedWorker
from worker.sandbox import Sandbox
from worker.shift import Shift

ROOT = Path(__file__).parents[2]
SLOW = "import time, starter\n\ndef test_one():\n    time.sleep({seconds})\n    assert starter.one() == 1\n"


@pytest.fixture
def grader() -> Iterator[FakeGrader]:
    found = FakeGrader()
    yield found
    found.down()


@pytest.fixture
def client(grader: FakeGrader) -> Iterator[GraderClient]:
    with GraderClient(grader.url, WORKER_TOKEN) as found:
        yield found


def test_an_embedded_worker_grades_what_it_is_sent(
    grader: FakeGrader, client: GraderClient, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)]
    app = celery_app("memory://")
    worker = EmbeddedWorker(app, Shift(client, FakeSandbox(*RUN), "me", ["cpu"], 2), 2, ["cpu"])
    worker.start()
    sent = time.monotonic()
    app.send_task(TASK, args=["job-1"], queue="cpu")
    grader.wait_for(lambda: grader.told("claim"))
    assert grader.told("claim")[0].at - sent < 1
    app.send_task(TASK, args=["job-gpu"], queue="gpu")
    app.send_task(TASK, args=["job-2"], queue="cpu")
    grader.wait_for(lambda: len(grader.told("result")) == 2)
    worker.stop(5)
    worker.stop(5)
    assert sorted(call.job for call in grader.told("claim")) == ["job-1", "job-2"]
    assert grader.told("heartbeat")[-1].body["state"] == "stopped"
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)] == handlers
    print("still ours")
    assert "still ours" in capfd.readouterr().out


def test_an_embedded_worker_drains(grader: FakeGrader, client: GraderClient) -> None:
    sandbox = FakeSandbox(COLLECTED)
    app = celery_app("memory://")
    worker = EmbeddedWorker(app, Shift(client, sandbox, "me", ["cpu"], 1), 1, ["cpu"])
    worker.start()
    app.send_task(TASK, args=["job-1"], queue="cpu")
    judge = sandbox.judge()
    stopping = threading.Thread(target=worker.stop, args=(20,))
    stopping.start()
    grader.wait_for(lambda: any(call.body["state"] == "draining" for call in grader.told("heartbeat")))
    judge.say(REPORTED)
    stopping.join(20)
    assert len(grader.told("result")) == 1
    assert not [thread for thread in threading.enumerate() if thread.name in ("embedded-worker", "heartbeat")]


@pytest.mark.parametrize("isolation", ["split", "joined"])
def test_a_cancelled_run_leaves_nothing(isolation: str, sandbox: Sandbox) -> None:
    specs = {"joined": "import time\n\ndef test_one():\n    time.sleep(50)\n", "split": "while True:\n    pass\n"}
    work = read_assignment(assignment(specs[isolation], isolation))
    cancellation = Cancellation()
    results: list[RunResult] = []
    seen: list[Event] = []
    thread = threading.Thread(target=lambda: results.append(supervisor.run(work, sandbox, seen.append, cancellation)))
    thread.start()
    # a joined run is cancelled within its test, a split one while its judge and guest come up
    wait_until(lambda: seen if isolation == "joined" else left_by(os.getpid()), "the run did not start")
    asked = time.monotonic()
    cancellation.cancel()
    thread.join(20)
    assert time.monotonic() - asked < (2 if sandbox.name == "bubblewrap" else 8)  # two containers are ended in turn
    assert results[0].problem == supervisor.CANCELLED
    assert left_by(os.getpid()) == []


class Program:
    """`celery -A worker.tasks worker` as an operator starts it."""

    def __init__(self, *words: str, **settings: str) -> None:
        env = {**os.environ, **{f"GRADER_{name}": value for name, value in settings.items()}}
        self.process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def ends(self) -> tuple[int, str]:
        """How it ended and all it said. It has 40 seconds, then it is killed."""
        try:
            out, _ = self.process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            out = f"it did not end by itself: {self.kill()}"
        return self.process.returncode, out

    def kill(self) -> str:
        self.process.kill()
        return self.process.communicate()[0]


CELERY = ("-m", "celery", "-A", "worker.tasks", "worker", "-Q", "cpu", "-c", "2")
OWN = ("-c", "from worker.program import main; raise SystemExit(main(['cpu'], 2))")


@pytest.mark.redis
@pytest.mark.bubblewrap
@pytest.mark.slow
@pytest.mark.parametrize("words", [CELERY, OWN], ids=["celery", "main"])
def test_a_stopped_program_ends_and_reports_what_it_runs(
    grader: FakeGrader, redis_url: str, words: tuple[str, ...]
) -> None:
    grader.lease_s = 3
    grader.assignment = assignment(SLOW.format(seconds=2), "joined")
    program = Program(*words, BROKER=redis_url, URL=grader.url, WORKER_TOKEN=WORKER_TOKEN, SANDBOX="bubblewrap")
    try:
        grader.wait_for(lambda: grader.told("heartbeat"))
        assert grader.told("heartbeat")[0].body["slots"] == 2
        celery_app(redis_url).send_task(TASK, args=["job-1"], queue="cpu")
        grader.wait_for(grader.events)
        send_past_main(program.process.pid, signal.SIGTERM)
        grader.wait_for(lambda: any(call.body["state"] == "draining" for call in grader.told("heartbeat")))
    except AssertionError:
        pytest.fail(program.kill())
    code, out = program.ends()
    assert code == 0, out
    (result,) = grader.told("result")
    assert (result.body["fault"], result.body["isolation"]) == (None, "joined")
    last = grader.told("heartbeat")[-1].body
    assert (last["state"], last["running"]) == ("stopped", [])
    assert left_by(program.process.pid) == []


@pytest.mark.redis
@pytest.mark.bubblewrap
@pytest.mark.slow
@pytest.mark.parametrize("signals", [[signal.SIGQUIT], [signal.SIGINT, signal.SIGINT]], ids=["quit", "interrupt twice"])
def test_a_program_in_a_hurry_kills_what_it_runs(
    grader: FakeGrader, redis_url: str, signals: list[signal.Signals]
) -> None:
    grader.assignment = assignment(SLOW.format(seconds=50), "joined")
    program = Program(*OWN, BROKER=redis_url, URL=grader.url, WORKER_TOKEN=WORKER_TOKEN, SANDBOX="bubblewrap")
    try:
        grader.wait_for(lambda: grader.told("heartbeat"))
        celery_app(redis_url).send_task(TASK, args=["job-1"], queue="cpu")
        grader.wait_for(grader.events)
        for number in signals:
            send_past_main(program.process.pid, number)
            grader.wait_for(lambda: any(call.body["state"] == "draining" for call in grader.told("heartbeat")))
    except AssertionError:
        pytest.fail(program.kill())
    code, out = program.ends()
    assert code == 0, out
    assert grader.told("result") == grader.told("stopped") == []
    assert grader.told("heartbeat")[-1].body["state"] == "stopped"
    assert left_by(program.process.pid) == []


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"BROKER": "memory://", "WORKER_TOKEN": "x"}, "GRADER_BROKER=redis://"),
        ({"BROKER": "redis://127.0.0.1:1/0", "HOME": "/nonexistent", "WORKER_TOKEN": ""}, "GRADER_WORKER_TOKEN"),
        ({"BROKER": "redis://127.0.0.1:1/0", "SLOTS": "none", "WORKER_TOKEN": "x"}, "GRADER_SLOTS"),
        ({"BROKER": "redis://127.0.0.1:1/0", "SANDBOX": "docker", "WORKER_TOKEN": "x"}, "fix:"),
    ],
)
@pytest.mark.parametrize("words", [CELERY, OWN], ids=["celery", "main"])
def test_a_program_that_cannot_work_does_not_start(
    words: tuple[str, ...], settings: dict[str, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    code, out = Program(*words, **settings).ends()
    assert code != 0
    assert advice in out
    assert "Traceback" not in out
