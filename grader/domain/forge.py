"""A forge that a course is connected to: whose a repository is, what its webhooks say, and what is posted back.

A webhook's payload is hostile text, signed or not: of all its fields only the repository's name, the branch and the
commit are read, the name counts only if the configuration maps it to a student, and no address in it is ever used.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from grader.domain.errors import UnreadableSubmission
from grader.domain.text import clean_line

#: What a student's login is made of, where a pattern of repositories stands for everybody's.
LOGIN = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}"
PLACEHOLDER = "{login}"
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,100}")
_EVENT = ("x-github-event", "x-forgejo-event", "x-gitea-event", "x-gitlab-event")
_PUSHES = ("push", "Push Hook")
_ADVICE = "set the webhook to send pushes as JSON (content type application/json)"


class ForgeKind(StrEnum):
    """Whose protocol it speaks. Forgejo speaks Gitea's."""

    GITHUB = "github"
    GITEA = "gitea"
    GITLAB = "gitlab"


@dataclass(frozen=True)
class Forge:
    """What one course's forge is and how it is spoken to.

    `repositories` is a pattern with `{login}` in it, such as org/phase08-{login}, or empty; `students` has the logins
    of repositories that are named otherwise.
    """

    course: str
    kind: ForgeKind
    url: str
    webhook_secret: str = field(repr=False)
    token: str = field(repr=False)
    repositories: str = ""
    students: Mapping[str, str] = field(default_factory=dict, hash=False)

    def login_of(self, repository: str) -> str | None:
        """Whose repository this is; None if nobody's."""
        exact = self.students.get(repository)
        if exact is not None:
            return exact
        found = self._pattern.fullmatch(repository) if self._pattern is not None else None
        return None if found is None else found["login"]

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        before, placeholder, after = self.repositories.partition(PLACEHOLDER)
        return re.compile(f"{re.escape(before)}(?P<login>{LOGIN}){re.escape(after)}") if placeholder else None


@dataclass(frozen=True)
class Push:
    """A push to a repository's default branch: this commit is its tip now."""

    repository: str
    commit: str


@dataclass(frozen=True)
class Ignored:
    """A webhook that asks for nothing, and why."""

    reason: str


class DeliveryState(StrEnum):
    """What became of a push that a webhook told of. The last three are final."""

    RECEIVED = "received"
    FETCHED = "fetched"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Delivery:
    """A push that is being fetched. `claim` numbers who does it, `attempts` counts those that failed."""

    id: int
    course: str
    repository: str
    commit: str
    login: str
    received_at: float
    claim: int
    attempts: int


class StatusState(StrEnum):
    """How a commit stands, in GitHub's words."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True)
class Publication:
    """A commit's status for one lab that has to be posted. `posted` is what the forge shows now; empty for nothing.

    Without a submission, `refusal` says why there is none.
    """

    id: int
    course: str
    repository: str
    commit: str
    lab: str
    submission_id: str | None
    refusal: str
    posted: str
    claim: int
    attempts: int


@dataclass(frozen=True)
class Status:
    """What is posted. `url` is a page of ours."""

    repository: str
    commit: str
    state: StatusState
    context: str
    description: str
    url: str


def is_signed(forge: Forge, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether whoever sent this knows the secret, found out in constant time. Names of `headers` are in lower case."""
    secret = forge.webhook_secret.encode("utf-8")
    if forge.kind is ForgeKind.GITLAB:
        return hmac.compare_digest(headers.get("x-gitlab-token", "").encode("utf-8", "replace"), secret)
    if forge.kind is ForgeKind.GITHUB:
        scheme, _, sent = headers.get("x-hub-signature-256", "").partition("=")
        sent = sent if scheme == "sha256" else ""
    else:
        sent = headers.get("x-forgejo-signature") or headers.get("x-gitea-signature", "")
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode("ascii"))


def basic_authorization(user: str, token: str) -> str:
    """What git's requests are sent with: an Authorization header's value; empty without a token."""
    return f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode('ascii')}" if token else ""


def delivery_id(headers: Mapping[str, str], body: bytes) -> str:
    """What tells deliveries apart: the forge's own id, or without a good one the body's SHA-256."""
    names = ("x-github-delivery", "x-forgejo-delivery", "x-gitea-delivery", "x-gitlab-event-uuid")
    sent = next((headers[name] for name in names if name in headers), "")
    return sent if _DELIVERY.fullmatch(sent) else hashlib.sha256(body).hexdigest()


def read_webhook(forge: Forge, headers: Mapping[str, str], body: bytes) -> Push | Ignored:
    """What a signed webhook says. Raises UnreadableSubmission where that makes no sense."""
    event = next((headers[name] for name in _EVENT if name in headers), "")
    if event not in _PUSHES:
        return Ignored(f'only pushes are graded, this is "{clean_line(event, 40)}"')
    data = _payload(body)
    about = _table(data, "project" if forge.kind is ForgeKind.GITLAB else "repository")
    repository = _text(about, "path_with_namespace" if forge.kind is ForgeKind.GITLAB else "full_name")
    ref, commit, default = _text(data, "ref"), _text(data, "after"), _text(about, "default_branch")
    if data.get("deleted") is True or not commit.strip("0"):
        return Ignored("the branch was deleted")
    if not ref.startswith("refs/heads/"):
        return Ignored("only branches are graded, this is a tag or another ref")
    if ref != f"refs/heads/{default}":
        return Ignored(f"only the default branch is graded, {clean_line(default, 60)}")
    if not _COMMIT.fullmatch(commit):
        raise UnreadableSubmission("after is no commit", _ADVICE)
    return Push(repository, commit)


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise UnreadableSubmission("this is not JSON", _ADVICE) from None
    if not isinstance(data, dict):
        raise UnreadableSubmission("this is no JSON object", _ADVICE)
    return data


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, dict):
        raise UnreadableSubmission(f"{name} is missing or no object", _ADVICE)
    return found


def _text(data: Mapping[str, Any], name: str) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= 400:
        raise UnreadableSubmission(f"{name} is missing or no text of at most 400 characters", _ADVICE)
    return found
