"""The client of a grader's public API. Connections may break at any time: nothing is lost or handed in twice by it."""

import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeGuard
from urllib.parse import quote

import httpx

from grader.client.answers import Incomprehensible, Unreachable, content, overloaded, refusal
from grader.client.credentials import is_here
from grader.client.sse import BrokenStream, Told, events

#: Seconds. A stream is pinged every few seconds; one that is silent for longer than `STREAM_SILENT_S` is gone.
CONNECT_S = 10.0
ANSWER_S = 60.0
STREAM_SILENT_S = 60.0
#: How often a request is tried: one that a person waits for, an upload, and what may outlast a server's restart.
QUICK = 3
UPLOAD = 10
PATIENT = 94  # a quarter of an hour
_LONGEST_PAUSE_S = 10.0
_OPEN = Told("open", {})
_SILENT = 2
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")

Pause = Callable[[float], None]


class Remote:
    """One grader as one person sees it. Every method raises Unreachable, Declined or Incomprehensible."""

    def __init__(
        self, server: str, token: str = "", *, transport: httpx.BaseTransport | None = None, pause: Pause = time.sleep
    ) -> None:
        self.server = server
        self._pause = pause
        headers = {"Accept": "application/json", "User-Agent": "grader"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        self._http = httpx.Client(
            base_url=server,
            headers=headers,
            timeout=timeout,
            transport=transport,
            trust_env=not is_here(server),  # no proxy stands between a machine and itself
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def me(self) -> dict[str, Any]:
        """login, name, roles by course."""
        return self._mapping(self._ask("GET", "/api/v1/me"))

    def exchange(self, link: str, label: str) -> str:
        """A token for a one-time link; the link is used up."""
        answer = self._mapping(self._ask("POST", "/api/v1/login", tries=1, json={"link": link, "label": label}))
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise Incomprehensible(self.server)
        return token

    def labs(self, course: str) -> list[dict[str, Any]]:
        """The labs of a course in its order."""
        return self._list(self._ask("GET", f"/api/v1/courses/{_part(course)}/labs"))

    def submit(self, course: str, lab: str, name: str, data: bytes, lost: Callable[[], None]) -> dict[str, Any]:
        """Hand in one file or archive; tells `lost` each time a connection broke and it tries again.

        The same bytes are the same submission to the server, so a second try hands nothing in twice.
        """
        path = f"/api/v1/courses/{_part(course)}/labs/{_part(lab)}/submissions"
        return self._mapping(self._ask("POST", path, tries=UPLOAD, lost=lost, files={"file": (name, data)}))

    def submissions(
        self, course: str, *, lab: str | None = None, login: str = "", limit: int = 20
    ) -> list[dict[str, Any]]:
        """Newest first."""
        asked = {"lab": lab or "", "login": login, "limit": str(limit)}
        params = {key: value for key, value in asked.items() if value}
        return self._list(self._ask("GET", f"/api/v1/courses/{_part(course)}/submissions", params=params))

    def submission(self, submission: str, tries: int = QUICK) -> dict[str, Any]:
        """All there is to know about one."""
        return self._mapping(self._ask("GET", f"/api/v1/submissions/{_part(submission)}", tries=tries))

    def ready(self) -> dict[str, Any]:
        """What the service says of its parts; needs no token."""
        return self._mapping(self._ask("GET", "/readyz"))

    def follow(self, submission: str) -> Iterator[Told]:
        """What happens to its newest job, from the beginning up to and including `ended`.

        A connection that breaks is made again from where it stopped; in between come events `lost` and `back`.
        Without `ended` it stops where the server twice has nothing more to say: the job had ended before.
        """
        path = f"/api/v1/submissions/{_part(submission)}/events"
        line = _Line()
        while line.silent < _SILENT:
            problem = "it ends the connection"
            try:
                for told in self._stream(path, line.after):
                    if line.lost and told is _OPEN:
                        line.lost = False
                        yield Told("back", {})
                    if line.has_news(told):
                        yield told
                        if told.kind == "ended":
                            return
                line.silent += 1
            except (httpx.RequestError, BrokenStream) as error:
                problem = _reason(error)
            line.tried += 1
            if line.tried == PATIENT:
                raise self._unreachable(problem)
            if not line.lost and line.silent < _SILENT:
                line.lost = True
                yield Told("lost", {"problem": problem})
            self._pause(_pause_s(line.tried))

    def get(self, path: str, *, tries: int = QUICK, **params: str) -> Any:
        """The JSON at `path` of the API; parameters that are empty are left out."""
        asked = {name: value for name, value in params.items() if value}
        return self._ask("GET", f"/api/v1/{path}", tries=tries, params=asked)

    def post(self, path: str, sent: Mapping[str, Any] | None = None) -> Any:
        """The JSON that answers what is sent once: whether it arrived when the connection breaks, nobody knows."""
        return self._ask("POST", f"/api/v1/{path}", tries=1, json=sent)

    def _stream(self, path: str, after: int) -> Iterator[Told | None]:
        with self._opened(path, after) as response:
            if overloaded(response):
                raise BrokenStream(f"HTTP {response.status_code}")
            if not response.is_success:
                response.read()
                raise refusal(response, self.server)
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise Incomprehensible(self.server)
            yield _OPEN
            yield from events(response.iter_bytes())

    @contextmanager
    def _opened(self, path: str, after: int) -> Iterator[httpx.Response]:
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        if after:
            headers["Last-Event-ID"] = str(after)
        timeout = httpx.Timeout(STREAM_SILENT_S, connect=CONNECT_S)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            yield response

    def _ask(
        self, method: str, path: str, *, tries: int = QUICK, lost: Callable[[], None] = lambda: None, **sent: Any
    ) -> Any:
        """The JSON that answers a request that may be repeated."""
        for tried in range(1, tries + 1):
            try:
                response = self._http.request(method, path, **sent)
            except httpx.RequestError as error:
                if tried == tries:
                    raise self._unreachable(_reason(error)) from None
            else:
                if not overloaded(response) or tried == tries:
                    return content(response, self.server)
            lost()
            self._pause(_pause_s(tried))
        raise AssertionError("a request is tried at least once")

    def _unreachable(self, reason: str) -> Unreachable:
        return Unreachable(
            f"the grader at {self.server} does not answer: {reason}", "Check the address and your connection."
        )

    def _mapping(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise Incomprehensible(self.server)
        return data

    def _list(self, data: Any) -> list[dict[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise Incomprehensible(self.server)
        return data


@dataclass
class _Line:
    """Where a stream stands: the last number heard, tries since anything was heard, ends without any news."""

    after: int = 0
    tried: int = 0
    silent: int = 0
    lost: bool = False

    def has_news(self, told: Told | None) -> TypeGuard[Told]:
        """Whether this is an event not heard before."""
        if told is _OPEN:
            return False
        self.tried = 0
        if told is None or (told.seq is not None and told.seq <= self.after):
            return False
        self.after = told.seq or self.after
        self.silent = 0
        return True


def _part(text: str) -> str:
    return quote(text, safe="")


def _pause_s(tried: int) -> float:
    """Doubles up to ten seconds; uneven, so that a class does not come back in one instant."""
    return min(_LONGEST_PAUSE_S, 0.5 * float(2 ** min(tried - 1, 10))) * random.uniform(0.7, 1.3)


def _reason(error: Exception) -> str:
    """In a student's words where we know better ones than the library's."""
    if isinstance(error, httpx.TimeoutException):
        return "it takes too long"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        return "the connection was cut"
    return _ERRNO.sub("", str(error)) or "the connection was cut"
