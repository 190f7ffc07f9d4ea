"""The worker's side of its conversation with the grader, over HTTP. Safe to use from many threads."""

import base64
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from grader.domain.run import Event, RunResult

#: How long a result is kept and offered while the grader does not answer; jobs' leases have run out long before.
PATIENCE_S = 900.0
#: A claim is not worth waiting for: the job is offered again.
CLAIM_PATIENCE_S = 15.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
#: The newest bundles of specs are kept: claims name them, and the grader does not send them again.
MOST_BUNDLES = 16
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_BEAT_TIMEOUT = httpx.Timeout(5.0)
# given up before a server's usual 5 s: a connection that the other end closes meanwhile costs a message
_LIMITS = httpx.Limits(keepalive_expiry=3.0)
_NOT_OURS = (401, 404, 409)
_LATER = (408, 425, 429)


class NotOurs(Exception):
    """The grader does not know this worker or attempt as the job's owner, or not any more: drop it."""

    def __init__(self, status: int, said: str = "") -> None:
        super().__init__(f"the grader answered {status}: {said}" if said else f"the grader answered {status}")
        self.status = status


class GraderDown(Exception):
    """The grader did not answer, or said that it cannot just now."""


class NotUnderstood(Exception):
    """Grader and worker do not speak the same language; asking again would not help."""


@dataclass(frozen=True)
class Claim:
    """A job that is now this worker's, for `lease_s` seconds after each beat.

    `assignment` is as it was sent, but for its bundle, whose files are bytes.
    """

    job_id: str
    attempt: int
    token: str
    lease_s: float
    assignment: Mapping[str, Any]


class GraderClient:
    """What a worker asks and tells. Close it to give its connections back."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, limits=_LIMITS)
        self._token = token
        self._hurried = threading.Event()
        self._lock = threading.Lock()
        self._bundles: dict[str, Mapping[str, bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is still being tried, and the connections."""
        self.hurry()
        self._http.close()

    def hurry(self) -> None:
        """From now on nothing is tried twice: whoever waits to try again raises GraderDown at once."""
        self._hurried.set()

    def heartbeat(self, state: Mapping[str, Any]) -> None:
        """Say what this worker is and does. Raises GraderDown, NotOurs (a wrong token), NotUnderstood."""
        self._once("/api/worker/heartbeat", state, self._token, _BEAT_TIMEOUT)

    def claim(self, job_id: str, worker: str, queues: Sequence[str]) -> Claim:
        """Make the job this worker's, which serves these queues. Raises NotOurs, GraderDown, NotUnderstood.

        NotOurs: it waits no longer, or in another queue.
        """
        known = self._known()
        asked = {"worker": worker, "queues": list(queues), "known": list(known)}
        told = self._post(f"/api/worker/jobs/{job_id}/claim", asked, self._token, CLAIM_PATIENCE_S)
        try:
            assignment = self._whole(dict(told["assignment"]), known)
            return Claim(job_id, int(told["attempt"]), str(told["token"]), float(told["lease_s"]), assignment)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NotUnderstood(f"the answer to a claim made no sense: {error!r}") from None

    def _known(self) -> dict[str, Mapping[str, bytes]]:
        """The bundles that need not be sent again, by spec digest, which says all of what is in them."""
        with self._lock:
            return dict(self._bundles)

    def _whole(self, assignment: dict[str, Any], known: Mapping[str, Mapping[str, bytes]]) -> dict[str, Any]:
        """The assignment with its bundle, sent or known. Raises KeyError, ValueError, … for one of another shape."""
        digest = str(assignment["spec"])
        if assignment["bundle"] is None:
            return assignment | {"bundle": known[digest]}
        sent = assignment["bundle"].items()
        bundle = {str(path): base64.b64decode(text, validate=True) for path, text in sent}
        with self._lock:
            self._bundles[digest] = bundle
            for old in list(self._bundles)[:-MOST_BUNDLES]:
                del self._bundles[old]
        return assignment | {"bundle": bundle}

    def beat(self, claim: Claim) -> bool:
        """Keep the lease; whether the run is to be cancelled. Tried once. Raises NotOurs, GraderDown, NotUnderstood."""
        told = self._once(_path(claim, "beat"), {}, claim.token, _BEAT_TIMEOUT)
        return isinstance(told, dict) and told.get("cancel") is True

    def events(self, claim: Claim, events: Sequence[Event]) -> None:
        """Pass on what happened, in order. Raises NotOurs, GraderDown, NotUnderstood."""
        self._post(_path(claim, "events"), {"events": _plain(events)}, claim.token, PATIENCE_S)

    def result(self, claim: Claim, result: RunResult, events: Sequence[Event] = ()) -> str:
        """Hand the result over, and with it the last events; the state the job is in now.

        Raises NotOurs, GraderDown, NotUnderstood.
        """
        body = {
            "events": _plain(events),
            "report": _coded(result.report),
            "canary": _coded(result.canary),
            "sandbox": result.sandbox,
            "isolation": result.isolation,
            "duration_s": result.duration_s,
            "fault": None if result.fault is None else str(result.fault),
            "problem": result.problem,
            "stages": dict(result.stages),
        }
        return _state(self._post(_path(claim, "result"), body, claim.token, PATIENCE_S))

    def stopped(self, claim: Claim) -> str:
        """Say that a cancelled run has ended; as `result`."""
        return _state(self._post(_path(claim, "stopped"), {}, claim.token, PATIENCE_S))

    def _post(self, path: str, body: Mapping[str, Any], token: str, patience_s: float) -> Any:
        """As `_once`, tried until the grader answers or `patience_s` seconds have passed."""
        until = time.monotonic() + patience_s
        pause = FIRST_PAUSE_S
        while True:
            try:
                return self._once(path, body, token, _TIMEOUT)
            except GraderDown:
                if time.monotonic() + pause > until or self._hurried.wait(pause):
                    raise
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _once(self, path: str, body: Mapping[str, Any], token: str, timeout: httpx.Timeout) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        # written here because what a submission says may be no text that UTF-8 has
        content = json.dumps(body).encode("ascii")
        try:
            answer = self._http.post(path, content=content, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise GraderDown(f"{type(error).__name__}: {error}") from None
        except RuntimeError:
            if not self._http.is_closed:
                raise
            raise GraderDown("this client is closed") from None
        if answer.status_code in _NOT_OURS:
            raise NotOurs(answer.status_code, answer.text[:300])
        if answer.status_code >= 500 or answer.status_code in _LATER:
            raise GraderDown(f"the grader answered {answer.status_code}")
        if not answer.is_success:
            raise NotUnderstood(f"the grader answered {answer.status_code}: {answer.text[:300]}")
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise NotUnderstood("the grader's answer is not JSON: does GRADER_URL name something else?") from None


def _path(claim: Claim, what: str) -> str:
    return f"/api/worker/jobs/{claim.job_id}/{what}"


def _plain(events: Sequence[Event]) -> Any:
    """Not a number is not JSON, and nobody who watches needs it."""
    return json.loads(json.dumps([dict(event) for event in events]), parse_constant=lambda word: None)


def _coded(body: bytes | None) -> str | None:
    return None if body is None else base64.b64encode(body).decode("ascii")


def _state(told: Any) -> str:
    return str(told.get("state", "")) if isinstance(told, dict) else ""
