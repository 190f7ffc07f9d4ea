"""Refuses request bodies that are too large before they cost memory or disk, whatever they say of their size."""

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIB = 1024
MIB = 1024 * KIB
#: What most requests need; uploads and workers' reports have more.
SMALL = 64 * KIB
UPLOAD = 17 * MIB
GRADEBOOK = 5 * MIB
WORKER = 24 * MIB
WEBHOOK = MIB
#: Far above what git itself takes (see git_repositories), which says so in words that the pusher reads.
PACK = 256 * MIB


def limit_of(path: str) -> int:
    """How large the body of a request to `path` may be, in bytes."""
    if path.startswith("/api/worker/"):
        return WORKER
    if path.startswith("/git/"):
        return PACK
    if path.startswith("/webhooks/"):
        return WEBHOOK
    if path.startswith("/c/") and path.endswith("/gradebooks/canvas"):
        return GRADEBOOK
    is_upload = path.startswith(("/api/v1/courses/", "/c/")) and path.endswith(("/submissions", "/submit"))
    return UPLOAD if is_upload else SMALL


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a counted body; answer 413 instead where it is or becomes too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated[:20]) > limit:
            await _refusal(scope["path"], limit)(scope, receive, send)
            return
        await self._counted(limit, scope, receive, send)

    async def _counted(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        left = limit
        answered = False

        async def count() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _TooLarge
            return message

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, count, note)
        except _TooLarge:
            if not answered:
                await _refusal(scope["path"], limit)(scope, receive, send)


def _refusal(path: str, limit: int) -> Response:
    size = f"{limit // MIB} MB" if limit >= MIB else f"{limit // KIB} kB"
    message, advice = f"This request is larger than {size}", "hand in code alone: leave data and outputs out"
    ends = {"Connection": "close"}
    if path.startswith(("/api/", "/webhooks/")):
        error = {"message": message, "advice": advice, "fault": "student", "retried": False}
        return JSONResponse({"error": error}, 413, headers=ends)
    page = f"<!doctype html><html lang=en><title>Too large</title><h1>Too large</h1><p>{message}: {advice}.</p>"
    return HTMLResponse(page, 413, headers=ends)
