"""A grader as a worker meets it: answers over HTTP what a test told it to, and remembers what it was told."""

import base64
import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WORKER_TOKEN = "worker-token"
JOB_TOKEN = "job-token"
SOON = 20.0
LABKIT = Path(__file__).parent.parent / "labs" / "labkit"
MANIFEST = """\
id = "lab-01-tiny"
title = "Tiny"
order = 1
isolation = "{isolation}"
submission = ["starter.py"]
max_score = 1

[functions]
one = "() -> int"

[limits]
test_seconds = 60
run_seconds = 60

[[tests]]
name = "test_one"
points = 1
stage = 1
claim = "one is one"
"""


def assignment(spec: str = "", isolation: str = "split", starter: str = "def one():\n    return 1\n") -> dict[str, Any]:
    """One tiny lab and a submission, as a claim's answer holds them."""
    labkit = {f"labkit/{file.name}": file.read_bytes() for file in LABKIT.glob("*.py")}
    bundle = {"pytest.ini": b"[pytest]\n", "tiny/test_lab.py": spec.encode(), **labkit}
    return {
        "manifest": MANIFEST.format(isolation=isolation),
        "lab_path": "tiny",
        "spec": "5" * 64,
        "bundle": {path: base64.b64encode(data).decode() for path, data in bundle.items()},
        "files": {"starter.py": base64.b64encode(starter.encode()).decode()},
        "seed": 7,
    }


@dataclass(frozen=True)
class Call:
    """One request: `what` is the last word of its path."""

    what: str
    job: str
    body: dict[str, Any]
    at: float


Answer = tuple[int, Any]


class FakeGrader:
    """Scripted answers are used up in order; then come the usual ones."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.assignment = assignment()
        self.lease_s = 0.3
        self._script: dict[str, deque[Answer]] = defaultdict(deque)
        self._always: dict[str, Answer] = {}
        self._heard = threading.Condition()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.up()

    @property
    def url(self) -> str:
        """Where it answers, also after it was down."""
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, where it did before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="fake-grader", daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def say(self, what: str, *answers: Answer) -> None:
        """The next answers to `what`."""
        self._script[what].extend(answers)

    def always(self, what: str, answer: Answer) -> None:
        """Every further answer to `what`."""
        self._always[what] = answer

    def told(self, what: str) -> list[Call]:
        """What it was told so far."""
        with self._heard:
            return [call for call in self.calls if call.what == what]

    def order(self) -> list[str]:
        """What it was told of jobs, in order, each kind once where it came several times in a row; without beats."""
        with self._heard:
            kinds = [call.what for call in self.calls if call.what not in ("heartbeat", "beat")]
        return [kind for i, kind in enumerate(kinds) if i == 0 or kinds[i - 1] != kind]

    def events(self) -> list[dict[str, Any]]:
        """Every event it was told, the last ones with the result."""
        with self._heard:
            calls = [call for call in self.calls if call.what in ("events", "result")]
        return [event for call in calls for event in call.body["events"]]

    def wait_for(self, happened: Callable[[], Any]) -> None:
        """Wait until that is so; asked after each call. Fails after some seconds."""
        with self._heard:
            assert self._heard.wait_for(happened, SOON), f"never happened; told: {self.calls}"

    def hear(self, path: str, token: str, body: Mapping[str, Any]) -> Answer:
        """Remember a call and answer it."""
        what = path.rpartition("/")[2]
        job = path.split("/")[-2]
        with self._heard:
            self.calls.append(Call(what, job, dict(body), time.monotonic()))
            self._heard.notify_all()
            if token != (WORKER_TOKEN if what in ("heartbeat", "claim") else JOB_TOKEN):
                return 401, {"error": {"message": "no"}}
            if self._script[what]:
                return self._script[what].popleft()
            return self._always.get(what) or self._usual(what)

    def _usual(self, what: str) -> Answer:
        claim = {"attempt": 1, "token": JOB_TOKEN, "lease_s": self.lease_s, "assignment": self.assignment}
        usual: dict[str, Answer] = {
            "heartbeat": (200, {"ok": True}),
            "claim": (200, claim),
            "beat": (200, {"cancel": False}),
            "events": (204, None),
            "result": (200, {"state": "graded"}),
            "stopped": (200, {"state": "cancelled"}),
        }
        return usual[what]


def _handler(grader: FakeGrader) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = grader.hear(self.path, self.headers["Authorization"].removeprefix("Bearer "), body)
            content = b"" if answer is None else json.dumps(answer).encode()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
