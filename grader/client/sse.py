"""Reads server-sent events as they come over the wire."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grader.client.answers import cleaned

#: No event of ours is near this; what is longer is not ours.
MAX_LINE_BYTES = 1024 * 1024


class BrokenStream(Exception):
    """These are no events."""


@dataclass(frozen=True)
class Told:
    """One event: `seq` is its number within the job, None for what is not numbered (`place`). All text is clean."""

    kind: str
    data: Mapping[str, Any]
    seq: int | None = None


def events(chunks: Iterable[bytes]) -> Iterator[Told | None]:
    """Each event with JSON data, and None for a comment, which only says that the line is alive.

    A last event that was cut short is dropped, as the standard says. Raises BrokenStream.
    """
    fields: dict[str, str] = {}
    for line in _lines(chunks):
        if not line:
            if "data" in fields:
                yield _told(fields)
            fields = {}
        elif line.startswith(":"):
            yield None
        else:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields['data']}\n{value}" if name == "data" and "data" in fields else value


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise BrokenStream
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def _told(fields: Mapping[str, str]) -> Told:
    try:
        data = cleaned(json.loads(fields["data"]))
    except (ValueError, RecursionError):
        raise BrokenStream from None
    number = fields.get("id", "")
    seq = int(number) if number.isascii() and number.isdigit() and len(number) < 12 else None
    return Told(fields.get("event", "message"), data if isinstance(data, dict) else {}, seq)
