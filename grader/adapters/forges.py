"""Posts commit statuses to GitHub, Gitea, Forgejo and GitLab. The token is in a header and nowhere else."""

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from grader.domain.errors import ForgeDown, ForgeRefused
from grader.domain.forge import Forge, ForgeKind, Status, StatusState

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
#: What of an answer is read: enough to tell one refusal from another.
_READ_BYTES = 4 * 1024
LONGEST_REST_S = 3600.0
_GITLAB = {StatusState.FAILURE: "failed", StatusState.ERROR: "failed"}
_RIGHTS = {
    ForgeKind.GITHUB: "its token needs read access to contents and write access to commit statuses",
    ForgeKind.GITEA: "its token needs the scope write:repository, and its owner write access to the repository",
    ForgeKind.GITLAB: "its token needs the scope api and the role Developer",
}
_BAD_REQUEST, _FORBIDDEN, _TOO_MANY, _BROKEN = 400, 403, 429, 500
_LATER = (408, 425, _TOO_MANY)


class HttpStatuses:
    """Satisfies `Statuses`. Redirects are not followed: the token goes to the forge that was configured, or nowhere."""

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(timeout=_TIMEOUT, follow_redirects=False)

    def post(self, forge: Forge, status: Status) -> None:
        """See `Statuses`."""
        url, body = request(forge, status)
        try:
            with self._http.stream("POST", url, json=body, headers=_headers(forge)) as answer:
                said = _beginning(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ForgeDown(f"{forge.url} does not answer: {type(error).__name__}") from None
        if not answer.is_success:
            _judge(forge, status, answer, said)

    def close(self) -> None:
        """See `Statuses`."""
        if "_http" in vars(self):
            self._http.close()


def request(forge: Forge, status: Status) -> tuple[str, dict[str, Any]]:
    """Where a status is posted, and the body."""
    body = {"state": str(status.state), "description": status.description, "target_url": status.url}
    if forge.kind is ForgeKind.GITLAB:
        body["state"] = _GITLAB.get(status.state, body["state"])
        where = f"/api/v4/projects/{quote(status.repository, safe='')}/statuses/{status.commit}"
        return forge.url + where, {**body, "name": status.context}
    where = f"/repos/{quote(status.repository)}/statuses/{status.commit}"
    if forge.kind is ForgeKind.GITEA:
        base = f"{forge.url}/api/v1"
    else:
        base = "https://api.github.com" if forge.url == "https://github.com" else f"{forge.url}/api/v3"
    return base + where, {**body, "context": status.context}


def _headers(forge: Forge) -> Mapping[str, str]:
    if forge.kind is ForgeKind.GITLAB:
        return {"PRIVATE-TOKEN": forge.token}
    if forge.kind is ForgeKind.GITEA:
        return {"Authorization": f"token {forge.token}", "Accept": "application/json"}
    return {
        "Authorization": f"Bearer {forge.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def _beginning(answer: httpx.Response) -> bytes:
    said = b""
    for part in answer.iter_raw(_READ_BYTES):
        said += part
        if len(said) >= _READ_BYTES:
            break
    return said


def _judge(forge: Forge, status: Status, answer: httpx.Response, said: bytes) -> None:
    """Whether another try would help; nothing happens where the status is there already."""
    code = answer.status_code
    if status.state is StatusState.PENDING and code == _BAD_REQUEST and b"Cannot transition status" in said:
        return  # GitLab says so of a status that is pending already
    rest = _rest(answer.headers)
    limited = code == _FORBIDDEN and (rest > 0 or answer.headers.get("x-ratelimit-remaining") == "0")
    if code >= _BROKEN or code in _LATER or limited:
        raise ForgeDown(f"{forge.url} answers {code}", retry_after_s=rest)
    where = f"{forge.url} answers {code} to a status for {status.repository}"
    advice = {
        401: f"its token is wrong or has expired: renew token in the forges file; {_RIGHTS[forge.kind]}",
        403: _RIGHTS[forge.kind],
        404: f"the repository or commit is gone, or the token cannot see it: {_RIGHTS[forge.kind]}",
    }
    moved = "the repository or the forge has moved: bring url and repositories in the forges file up to date"
    raise ForgeRefused(where, advice.get(code, moved if answer.is_redirect else "look at the forge's log"))


def _rest(headers: httpx.Headers) -> float:
    """How long the forge wants to be left alone, in seconds; 0 where it does not say."""
    with suppress(ValueError):
        if "retry-after" in headers:
            return min(LONGEST_REST_S, max(0.0, float(headers["retry-after"])))
        if headers.get("x-ratelimit-remaining") == "0":
            return min(LONGEST_REST_S, max(0.0, float(headers.get("x-ratelimit-reset", "0")) - time.time()))
    return 0.0
