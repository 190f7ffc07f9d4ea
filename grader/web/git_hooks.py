"""What git's hooks ask while a push arrives: may it come in, and then, line by line, what becomes of it."""

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.concurrency import run_in_threadpool

from grader.domain.errors import BadSettings, GraderError, Refused
from grader.domain.live import LiveEvent
from grader.domain.people import Viewer
from grader.domain.policy_lines import hidden_line
from grader.domain.remote_lines import end_lines, event_lines, finding_lines, place_lines, score_lines
from grader.domain.text import clean
from grader.ports.repositories import Repositories
from grader.steps import pushing, rules, viewing
from grader.steps.handing_out import TAKE_IN
from grader.steps.intake import Receipt
from grader.steps.pushing import Options, Push
from grader.steps.service import Service
from grader.web.watching import Watchers, follow

SCRIPT = Path(__file__).with_name("git_hook.py")
HOOK = '#!/bin/sh\nexec "$GRADER_HOOK_PYTHON" -SEs "$GRADER_HOOK_SCRIPT" {}\n'
NAMES = ("pre-receive", "post-receive")
#: A push waits so long for its answer; the page goes on.
PATIENCE_S = 120.0
MAX_ASKED_BYTES = 256 * 1024


@dataclass
class Arriving:
    """A push under way. `at` is when all of it had arrived; `answered` once its submissions are written down."""

    viewer: Viewer
    course: str
    answered: bool = False
    at: float | None = None


class GitHooks:
    """Answers the hooks of the pushes that this process has let in; each push is known by a secret of its own."""

    def __init__(self, service: Service, repositories: Repositories, watchers: Watchers, public_url: str) -> None:
        self._service = service
        self._repositories = repositories
        self._watchers = watchers
        self._url = public_url
        self._arriving: dict[str, Arriving] = {}
        self._folder = Path(repositories.root) / ".hooks"
        self._socket: Path | None = None
        self._server: asyncio.Server | None = None
        self._address = ""

    async def start(self) -> None:
        """Listen. On Linux at an abstract address, which leaves nothing behind however this process ends.

        Raises BadSettings where git could not run the hooks: it would take every push without asking.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            _write_hook(self._folder / name, HOOK.format(name))
        if sys.platform != "linux":
            self._socket = Path(tempfile.mkdtemp(prefix="grader-hooks-")) / "socket"
        where = f"\0grader-hooks-{secrets.token_hex(8)}" if self._socket is None else str(self._socket)
        self._server = await asyncio.start_unix_server(self._serve, where)
        self._address = where.replace("\0", "@", 1)

    async def stop(self) -> None:
        """Stop listening; what is being answered ends with the streams it follows."""
        if self._server is not None:
            self._server.close()
        if self._socket is not None:
            shutil.rmtree(self._socket.parent, ignore_errors=True)

    def expect(self, viewer: Viewer, course: str) -> tuple[str, Arriving]:
        """A push will arrive: the secret that its hooks have to know."""
        secret = secrets.token_hex(16)
        self._arriving[secret] = Arriving(viewer, course)
        return secret, self._arriving[secret]

    def forget(self, secret: str) -> None:
        """It has ended."""
        self._arriving.pop(secret, None)

    def environment(self, secret: str) -> dict[str, str]:
        """What the hooks of one push are told."""
        return {
            "GRADER_HOOK_PYTHON": sys.executable,
            "GRADER_HOOK_SCRIPT": str(SCRIPT),
            "GRADER_HOOK_SOCKET": self._address,
            "GRADER_HOOK_SECRET": secret,
        }

    @property
    def folder(self) -> str:
        """Where git finds the hooks."""
        return str(self._folder)

    def clone_url(self, course: str, login: str) -> str:
        """Where somebody's repository is cloned from."""
        return f"{self._url}/git/{course}/{login}.git"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await _all(reader))
            arriving = self._arriving.get(str(asked.get("secret")))
            if arriving is not None:
                async for text in self._answer(arriving, asked):
                    writer.write(text)
                    await writer.drain()
        except (ValueError, AttributeError, ConnectionError):
            pass  # not one of our hooks, or it was killed: what was accepted is kept
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, arriving: Arriving, asked: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """The hook's exit code as one byte, then lines."""
        try:
            arriving.at = self._service.clock() if arriving.at is None else arriving.at
            push = _push(arriving, asked)
            if asked["phase"] == "pre-receive":
                quarantine = {str(k): str(v) for k, v in asked["quarantine"].items()}
                await run_in_threadpool(pushing.check, self._service, self._repositories, push, quarantine)
                yield b"0"
                return
            accepted = await run_in_threadpool(pushing.accept, self._service, self._repositories, push)
            arriving.answered = True
            receipts = accepted.receipts
            receipts += await run_in_threadpool(pushing.unchanged, self._service, push, receipts)
        except GraderError as error:
            yield b"1"
            yield _lines(["", error.message, *([f"  {error.advice}"] if error.advice else []), ""])
            return
        yield b"0"
        for _, refusal in accepted.refused:
            yield _lines(["", f"{refusal.message}.", "  Not handed in; your commit is kept.", f"  {refusal.advice}"])
        if accepted.refused and not receipts:
            return
        async for lines in self._told(push, receipts):
            yield _lines(lines)
        if await run_in_threadpool(self._repositories.lacks, push.course, push.login, push.commit):
            yield _lines(["The course has changed; your work stays as it is if you take it in:", f"  {TAKE_IN}", ""])

    async def _told(self, push: Push, receipts: Sequence[Receipt]) -> AsyncIterator[list[str]]:
        if not receipts:
            yield ["", "Kept. No lab's files changed, so there is nothing new to grade.", ""]
            return
        loop = asyncio.get_running_loop()
        ends = loop.time() + PATIENCE_S
        for receipt in receipts:
            yield ["", *self._opening(receipt)]
            async for lines in self._story(push, receipt, max(0.0, ends - loop.time()) if push.options.wait else 0.0):
                yield lines
            yield [f"{self._url}/submissions/{receipt.handin.id}"]
        yield [""]

    def _opening(self, receipt: Receipt) -> list[str]:
        handin = receipt.handin
        if receipt.duplicate:
            return [f"{handin.lab}: nothing changed since submission {handin.number}; here is its result."]
        accepted = f"{handin.lab}: submission {handin.number} accepted. It is kept, even if you press Ctrl-C."
        return [accepted, *(f"{note}." for note in receipt.notes)]

    async def _story(self, push: Push, receipt: Receipt, seconds: float) -> AsyncIterator[list[str]]:
        owner = receipt.handin.person_id
        shut = await run_in_threadpool(rules.hidden, self._service, push.viewer, push.course, receipt.handin.lab, owner)
        placed = False
        async for fact in follow(self._service, self._watchers, receipt.job, 0, seconds, shut):
            if isinstance(fact, LiveEvent):
                yield event_lines(fact)
            elif fact is not None:
                placed = True
                yield place_lines(fact, receipt.job.queue)
        view = await run_in_threadpool(viewing.view, self._service, push.viewer, receipt.handin.id)
        if view.score is not None:
            yield [*finding_lines(view.findings), *score_lines(view.score, view.lab.title, _before(view))]
            yield [f"{line}." for line in (hidden_line(view.hidden, view.zone),) if line]
        elif view.job.state.final:
            yield end_lines(view.job)
        else:
            if view.place is not None and not placed:  # nobody stayed to be told
                yield place_lines(view.place, receipt.job.queue)
            yield ["It is graded without you having to wait; the result is here:"]


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What a hook asks: all of it, in however many parts it comes. Raises ValueError where it is too much."""
    asked = b""
    while part := await reader.read(65_536):
        asked += part
        if len(asked) > MAX_ASKED_BYTES:
            raise ValueError("no push needs to say so much")
    return asked


def _write_hook(file: Path, text: str) -> None:
    """In one step: another process of this service may be running it."""
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    draft.write_text(text, encoding="ascii")
    draft.chmod(0o700)
    if not os.access(draft, os.X_OK):
        draft.unlink()
        raise BadSettings(f"programs cannot be run from {file.parent}", "mount GRADER_HOME without noexec")
    draft.rename(file)


def _push(arriving: Arriving, asked: Mapping[str, Any]) -> Push:
    try:
        updates = tuple((str(old), str(new), str(ref)) for old, new, ref in asked["updates"])
        options = Options.read([str(word) for word in asked["options"]])
    except (KeyError, TypeError, ValueError):
        raise Refused("this push cannot be read", "push again") from None
    return Push(arriving.viewer, arriving.course, updates, options, arriving.at)


def _before(view: viewing.View) -> int | None:
    """What the submission before this one got."""
    older = [row.job.points for row in view.earlier if row.handin.number < view.handin.number]
    return next((points for points in older if points is not None), None)


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{clean(line, 2_000)}\n" for line in lines).encode("utf-8", "replace")
