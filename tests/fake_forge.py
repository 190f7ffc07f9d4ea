"""A forge on this machine: repositories served by git's own http-backend, commit statuses taken and remembered.

It speaks the three protocols as their documentation has them, down to GitLab's refusal to show a status again, and can
be down, tired or unfriendly as a test wants.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from grader.domain.forge import Forge, ForgeKind

SECRET = "the-secret-of-the-webhooks"
TOKEN = "token-of-the-course"
SOON = 60.0
_WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
_GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"], "HOME": os.devnull}


@dataclass(frozen=True)
class Posted:
    """A status as it came in."""

    repository: str
    commit: str
    state: str
    context: str
    description: str
    url: str


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)


class FakeForge:
    """Starts at once; `down` ends it, `up` brings it back at the same port."""

    def __init__(self, folder: Path, kind: ForgeKind = ForgeKind.GITHUB) -> None:
        self.kind = kind
        self.folder = folder
        self.asked: list[Asked] = []
        self.statuses: list[Posted] = []
        self.refusal: tuple[int, Mapping[str, str]] | None = None
        self.token = TOKEN
        self._heard = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def config(self, course: str = "toy", **changes: Any) -> Forge:
        """The course's side of the connection."""
        values = {"repositories": "org/phase08-{login}", **changes}
        return Forge(course, self.kind, self.url, SECRET, TOKEN, **values)

    def toml(self, course: str) -> str:
        """The same as a file says it."""
        return (
            f'[{course}]\nkind = "{self.kind}"\nurl = "{self.url}"\nwebhook_secret = "{SECRET}"\n'
            f'token = "{TOKEN}"\nrepositories = "org/phase08-{{login}}"\n'
        )

    def up(self) -> None:
        """Answer."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def down(self) -> None:
        """Do not even listen."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def commit(self, repository: str, files: Mapping[str, bytes]) -> str:
        """A commit of exactly these files on main of a repository, made where there is none; its name."""
        place = self.folder / f"{repository}.git"
        if not place.exists():
            place.mkdir(parents=True)
            self._git(place, "init", "--quiet", "--bare", "--initial-branch=main", ".")
        index = {"GIT_INDEX_FILE": str(place / "grader-index")}
        self._git(place, "read-tree", "--empty", env=index)
        for path, data in files.items():
            blob = self._git(place, "hash-object", "-w", "--stdin", stdin=data)
            self._git(place, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", env=index)
        tree = self._git(place, "write-tree", env=index)
        had = self._git(place, "rev-parse", "--quiet", "--verify", "main", check=False)
        made = self._git(place, "commit-tree", tree, "-m", "x", *(["-p", had] if had else []))
        self._git(place, "update-ref", "refs/heads/main", made)
        return made

    def push(self, repository: str, commit: str, *, branch: str = "main", event: str = "", **changes: Any) -> "Hook":
        """The webhook that tells of it, signed; `changes` are made to its payload."""
        about = {"full_name": repository, "default_branch": "main", "clone_url": "http://127.0.0.1:1/evil.git"}
        data = {"ref": f"refs/heads/{branch}", "before": "0" * 40, "after": commit, "repository": about}
        if self.kind is ForgeKind.GITLAB:
            project = {"path_with_namespace": repository, "default_branch": "main"}
            data = {"object_kind": "push", "ref": data["ref"], "after": commit, "project": project}
        return self.hook({**data, **changes}, event or ("Push Hook" if self.kind is ForgeKind.GITLAB else "push"))

    def hook(self, data: Any, event: str) -> "Hook":
        """Any webhook, signed."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        delivery = hashlib.sha256(os.urandom(8)).hexdigest()[:32]
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            ForgeKind.GITHUB: {"X-GitHub-Event": event, "X-GitHub-Delivery": delivery,
                               "X-Hub-Signature-256": f"sha256={signature}"},
            ForgeKind.GITEA: {"X-Gitea-Event": event, "X-GitHub-Event": event, "X-Gitea-Delivery": delivery,
                              "X-Gitea-Signature": signature},
            ForgeKind.GITLAB: {"X-Gitlab-Event": event, "X-Gitlab-Event-UUID": delivery, "X-Gitlab-Token": SECRET},
        }[self.kind]  # fmt: skip
        return Hook(body, {"Content-Type": "application/json", **headers})

    def shown(self) -> list[tuple[str, str, str]]:
        """Context, state and words of every status so far."""
        with self._heard:
            return [(one.context, one.state, one.description) for one in self.statuses]

    def wait_for(self, happened: Callable[[], Any]) -> None:
        """Wait until that is so; asked after each request. Fails after a minute."""
        with self._heard:
            assert self._heard.wait_for(happened, SOON), f"never happened: {self.statuses}; {self.asked[-20:]}"

    def hear(self, request: Asked, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a request."""
        with self._heard:
            self.asked.append(request)
            self._heard.notify_all()
            if self.refusal is not None:
                return self.refusal[0], self.refusal[1], b"{}"
        if "/statuses/" in request.path:
            return self._take(request, json.loads(body))
        return self._serve(request, body)

    def _take(self, request: Asked, body: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        expected = {ForgeKind.GITHUB: f"Bearer {self.token}", ForgeKind.GITEA: f"token {self.token}"}.get(self.kind)
        sent = request.headers.get("Authorization" if expected else "PRIVATE-TOKEN")
        if sent != (expected or self.token):
            return 401, {}, b"{}"
        where = {ForgeKind.GITHUB: "/api/v3/repos/", ForgeKind.GITEA: "/api/v1/repos/"}.get(
            self.kind, "/api/v4/projects/"
        )
        repository, _, commit = request.path.removeprefix(where).partition("/statuses/")
        assert "/" in repository or "%2F" in repository, request.path
        if not (self.folder / f"{unquote(repository)}.git").exists():
            return 404, {}, b"{}"
        name = "name" if self.kind is ForgeKind.GITLAB else "context"
        one = Posted(unquote(repository), commit, body["state"], body[name], body["description"], body["target_url"])
        with self._heard:
            same = [old for old in self.statuses if (old.commit, old.context) == (one.commit, one.context)]
            if self.kind is ForgeKind.GITLAB and same and same[-1].state == one.state == "pending":
                return 400, {}, b'{"message":"Cannot transition status via :enqueue from :pending"}'
            self.statuses.append(one)
            self._heard.notify_all()
        return 201, {}, b"{}"

    def _serve(self, request: Asked, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Git, for whoever has the token."""
        coded = request.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(coded).decode().partition(":")[2] != self.token:
            return 401, {"WWW-Authenticate": "Basic"}, b""
        where = urlsplit(request.path)
        environment = {
            **_GIT,
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "uploadpack.allowAnySHA1InWant",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "PATH_INFO": unquote(where.path),
            "QUERY_STRING": where.query,
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        said = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = said.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return int(headers.pop("Status", "200").split()[0]), headers, content

    def _git(
        self, place: Path, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        environment = {**_GIT, **_WHO, "GIT_DIR": str(place), **(env or {})}
        done = subprocess.run(
            ["git", *words], input=stdin, env=environment, cwd=place, capture_output=True, check=check
        )
        return done.stdout.decode().strip()


@dataclass(frozen=True)
class Hook:
    """A webhook that can be sent."""

    body: bytes
    headers: Mapping[str, str]


def _handler(forge: FakeForge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            status, headers, content = forge.hear(Asked(self.command, self.path, dict(self.headers)), body)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
