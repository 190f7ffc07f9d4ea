"""A small grader on a real socket that says what a test tells it to, and can break any connection."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "grd_right"
LAB = {"id": "lab-01-counting", "title": "Counting", "order": 1, "queue": "cpu", "max_score": 10,
       "spec_digest": "ab", "submission": ["starter.py"], "optional": []}  # fmt: skip
COUNT = {"test": "test_count", "verdict": "passed", "points": 6, "max_points": 6, "stretch": False, "duration_s": 0.01}
TOTAL = {"test": "test_total", "verdict": "failed", "points": 0, "max_points": 4, "stretch": False, "duration_s": 0.02}
FINDING = {"tests": ["test_total"], "points": 4, "verdict": "failed", "fault": "student", "cause": "off-by-one",
           "message": "Looks like: you start at 1", "hint": ""}  # fmt: skip
DONE = {"state": "graded", "points": 6, "max_points": 10, "fault": None, "problem": ""}


def submission(state: str = "queued", **job: Any) -> dict[str, Any]:
    """As the API tells it."""
    return {
        "id": "5f1e", "course": "unit", "lab": "lab-01-counting", "login": "ada", "name": "Ada", "number": 3,
        "digest": "cd", "source": "api", "created_at": 1_700_000_000.0, "url": "http://grader/submissions/5f1e",
        "job": {"id": "j1", "state": state, "lane": "interactive", "queue": "cpu", "attempt": 1, "max_attempts": 5,
                "created_at": 1.0, "started_at": None, "finished_at": None, "points": None, "max_points": None,
                "fault": None, "problem": "", "sandbox": "bubblewrap", "duration_s": 0.5, "spec_digest": "ab",
                "seed": 17, "place": None, **job},
    }  # fmt: skip


def graded() -> dict[str, Any]:
    """The full answer about a submission that earned 6 of 10."""
    tests = [{**test, "claim": "", "diagnosis": None, "output": "", "checks": []} for test in (COUNT, TOTAL)]
    attempts = [{"number": 1, "worker": "w", "started_at": 1.0, "ended_at": 2.0, "ending": "finished", "problem": ""}]
    more = {"tests": tests, "findings": [FINDING], "attempts": attempts, "replay": "grader grade lab-01 x --seed 17"}
    return {**submission("graded", points=6, max_points=10), **more}


def sse(kind: str, data: dict[str, Any], seq: int | None = None) -> bytes:
    """One event on the wire."""
    numbered = f"id: {seq}\n" if seq is not None else ""
    return f"event: {kind}\n{numbered}data: {json.dumps(data)}\n\n".encode()


@dataclass
class FakeGrader:
    """`uploads` and `streams` say what the next ones get, the last for all that follow; None breaks the connection."""

    roles: dict[str, str] = field(default_factory=lambda: {"unit": "student"})
    labs: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"unit": [LAB]})
    uploads: list[tuple[int, dict[str, Any]] | None] = field(default_factory=lambda: [(201, submission())])
    streams: list[bytes | None] = field(default_factory=lambda: [sse("ended", DONE, 1)])
    full: dict[str, Any] = field(default_factory=graded)
    links: dict[str, str] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    resumed: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, body: bytes, token: str) -> tuple[int, Any] | None:
        """Status and JSON."""
        self.seen.append((method, path))
        path = path.partition("?")[0]
        if path == "/api/v1/login":
            secret = self.links.pop(json.loads(body)["link"], None)
            return (201, {"token": secret}) if secret else refused(403, "this link has been used")
        if token != f"Bearer {TOKEN}":
            return refused(401, "nobody has this token")
        if method == "POST" and path.endswith("/submissions"):
            self.bodies.append(body)
            return self.uploads.pop(0) if len(self.uploads) > 1 else self.uploads[0]
        if path.startswith("/api/v1/notices"):
            return 200, self.notices if method == "GET" else []
        if path == "/api/v1/me":
            return 200, {"login": "ada", "name": "Ada", "roles": self.roles}
        if path.endswith("/labs"):
            return 200, self.labs[path.split("/")[4]]
        if path.endswith("/submissions"):
            return 200, [self.full]
        return (200, self.full) if path == "/api/v1/submissions/5f1e" else refused(404, "there is no such submission")

    def stream(self, after: str | None) -> bytes | None:
        """All that the next stream says before it ends."""
        self.resumed.append(after)
        return self.streams.pop(0) if len(self.streams) > 1 else self.streams[0]


def refused(status: int, message: str, fault: str = "student") -> tuple[int, dict[str, Any]]:
    """An error as the API tells it."""
    return status, {"error": {"message": message, "advice": "do something else", "fault": fault, "retried": False}}


@contextmanager
def served(fake: FakeGrader) -> Iterator[FakeGrader]:
    """The fake on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/events"):
                self._say(200, "text/event-stream", fake.stream(self.headers.get("Last-Event-ID")))
            else:
                self._answer("GET", b"")

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length", "0"))))

        def _answer(self, method: str, body: bytes) -> None:
            found = fake.answer(method, self.path, body, self.headers.get("Authorization", ""))
            if found is None:
                self._say(0, "", None)
            else:
                self._say(found[0], "application/json", json.dumps(found[1]).encode())

        def _say(self, status: int, kind: str, content: bytes | None) -> None:
            self.close_connection = True
            if content is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
