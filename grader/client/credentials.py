"""Who you are to which grader: tokens in ~/.config/grader/credentials.toml, readable by you alone."""

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from grader.domain.errors import Refused

_LOCAL = ("localhost", "127.0.0.1", "[::1]")
_PAGES = re.compile(r"/(login|me|c/.*|submissions/.*)$")


@dataclass(frozen=True)
class Login:
    """A token kept for one server, with the login it was given to."""

    server: str
    token: str = field(repr=False)
    login: str = ""


@dataclass(frozen=True)
class Kept:
    """All of them; `default` is the server logged in to last."""

    default: str
    logins: Mapping[str, Login]


def place() -> Path:
    """Where they are kept; XDG_CONFIG_HOME moves it."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(config) if config.startswith("/") else Path.home() / ".config"
    return folder / "grader" / "credentials.toml"


def read() -> Kept:
    """What is kept; nothing where there is no file. Raises Refused where the file is not ours."""
    file = place()
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        logins = {
            str(server): Login(str(server), str(entry["token"]), str(entry.get("login", "")))
            for server, entry in data.get("servers", {}).items()
        }
        return Kept(str(data.get("default", "")), logins)
    except FileNotFoundError:
        return Kept("", {})
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}", "check its permissions") from None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Refused(f"{file} is damaged", "delete it and log in again") from None


def keep(login: Login) -> Path:
    """Add or replace one and make it the default; returns the file. Raises Refused."""
    kept = read()
    return _write(Kept(login.server, {**kept.logins, login.server: login}))


def forget(server: str) -> bool:
    """Remove one; False if there is none. Raises Refused."""
    kept = read()
    if server not in kept.logins:
        return False
    left = {name: login for name, login in kept.logins.items() if name != server}
    _write(Kept(next(iter(left), "") if kept.default == server else kept.default, left))
    return True


def _write(kept: Kept) -> Path:
    """In one step, so that two logins at once leave one whole file; it is never readable by others, not even before."""
    file = place()
    lines = [f"default = {_quoted(kept.default)}"]
    for login in kept.logins.values():
        lines += ["", f"[servers.{_quoted(login.server)}]", f"token = {_quoted(login.token)}"]
        lines += [f"login = {_quoted(login.login)}"]
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".credentials-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
            Path(draft).replace(file)
        except OSError:
            with suppress(OSError):
                Path(draft).unlink()
            raise
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}", "check its folder's permissions") from None
    return file


def _quoted(text: str) -> str:
    """As a TOML string: JSON's, but for what JSON leaves as it is and TOML refuses."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def server_of(address: str) -> str:
    """The base URL of the grader that `address` is on: of a page, a link, or a bare host. Raises Refused.

    A host without a scheme is asked over https, but for this machine itself.
    """
    text = address.strip()
    if "://" not in text:
        local = text.partition("/")[0].rpartition(":")[0] or text.partition("/")[0]
        text = f"{'http' if local.lower() in _LOCAL else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
    except ValueError:
        host, port, parts = "", "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not text.isprintable() or " " in text:
        raise Refused(f"{address!r} is no address of a grader", "it looks like https://grader.example.org")
    host = f"[{host}]" if ":" in host else host
    path = _PAGES.sub("", parts.path).rstrip("/")
    return f"{parts.scheme}://{host}{port}{path}"


def is_here(server: str) -> bool:
    """Whether it runs on this machine."""
    return urlsplit(server).hostname in ("localhost", "127.0.0.1", "::1")


def readable_on_the_way(server: str) -> bool:
    """Whether a token would travel unencrypted to another machine."""
    return server.startswith("http:") and not is_here(server)
