"""The headers that every answer has, and how long an answer may be kept."""

import asyncio
from collections.abc import Mapping

import pytest
from starlette.types import Message, Receive, Scope, Send

from grader.web.secured import FOREVER, HEADERS, Secured


def answered(path: str, query: bytes = b"", own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers of an answer that has `own` already."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in (own or {}).items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(Secured(app)({"type": "http", "path": path, "query_string": query}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}


def test_every_answer_has_them() -> None:
    found = answered("/c/toy")
    assert {name.title(): value for name, value in HEADERS.items()}.items() <= found.items()
    assert found["Cache-Control"] == "no-store"


def test_what_an_answer_says_itself_stays() -> None:
    found = answered("/api", own={"cache-control": "no-cache", "x-frame-options": "SAMEORIGIN"})
    assert (found["Cache-Control"], found["X-Frame-Options"]) == ("no-cache", "SAMEORIGIN")


@pytest.mark.parametrize(
    ("path", "query", "kept"),
    [
        ("/static/page.css", b"v=abc", True),
        ("/static/page.css", b"x=1&v=abc", True),
        ("/static/page.css", b"", False),
        ("/static/page.css", b"nov=abc", False),
        ("/c/toy", b"v=abc", False),
    ],
)
def test_only_what_is_named_by_its_content_is_kept(path: str, query: bytes, kept: bool) -> None:
    assert (answered(path, query)["Cache-Control"] == FOREVER) == kept


def test_what_is_no_request_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(Secured(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
