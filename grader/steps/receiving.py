"""From a forge's webhook to a row that says what has to be fetched: kept before it is answered, and once only."""

import hashlib
from collections.abc import Mapping
from typing import Any

from grader.domain.forge import Forge, Ignored, delivery_id, read_webhook
from grader.steps import access
from grader.steps.service import Service

_OK, _ACCEPTED = 200, 202


def receive(service: Service, forge: Forge, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    """The answer to a webhook whose signature is right, as status and JSON. Raises UnreadableSubmission."""
    said = read_webhook(forge, headers, body)
    if isinstance(said, Ignored):
        return _ignored(said.reason)
    login = forge.login_of(said.repository)
    person = service.store.accounts.person(login) if login else None
    if person is None:
        return _ignored("this repository is nobody's here")
    if forge.course not in access.viewer(service, person).roles:
        return _ignored("whose repository this is, is not in the course")
    digest = hashlib.sha256(body).hexdigest()
    identity = delivery_id(headers, body)
    fresh = service.store.deliveries.receive(forge.course, identity, digest, said, person.login, service.clock())
    return (_ACCEPTED, {"accepted": True, "commit": said.commit}) if fresh else (_OK, {"duplicate": True})


def _ignored(reason: str) -> tuple[int, dict[str, Any]]:
    return _OK, {"ignored": reason}
