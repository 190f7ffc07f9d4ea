"""The API keeps to its own description: whatever is sent, no 5xx and no answer of an undeclared shape."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from grader.web.throttle import Throttle
from tests.integration.site import WORKER_TOKEN, Desk

FOLDER = TemporaryDirectory()
DESK = Desk(Path(FOLDER.name))
SCHEMA = schemathesis.openapi.from_asgi("/api/v1/openapi.json", DESK.app)
#: Streams do not end while a job waits, and a desk without dispatcher is rightly not ready: see test_http_live.
SCHEMA = SCHEMA.exclude(path_regex="/events$|/readyz$")
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module", autouse=True)
def desk() -> Iterator[Desk]:
    """The desk that the schema is read from, with something handed in."""
    DESK.hand_in("amy")
    DESK.app.state.guesses = Throttle(1_000_000, 60.0)  # every wrong token is to meet the route, not the throttle
    yield DESK
    DESK.store.close()
    FOLDER.cleanup()


@pytest.mark.parametrize("who", ["instructor", "nobody", "worker"])
@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_it(case: schemathesis.Case, who: str) -> None:
    """Each operation, with made-up and with broken requests."""
    tokens = {"instructor": DESK.tokens["ines"], "nobody": "grd_x", "worker": WORKER_TOKEN}
    case.call_and_validate(headers={"Authorization": f"Bearer {tokens[who]}"}, checks=CHECKS)
