"""What the worker tells a process that it started ahead: one order on standard input, in the form of a bundle."""

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTH = 8


@dataclass(frozen=True)
class Order:
    """What to do, and the files to do it with, by path."""

    job: dict[str, Any]
    files: dict[str, bytes]


def receive(stream: BinaryIO) -> Order | None:
    """The next order; None where the worker wants nothing more or is gone."""
    length = stream.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "big")
    text = stream.read(size)
    if len(text) < size:
        return None
    head = json.loads(text)
    files = {path.removeprefix("./"): stream.read(size) for path, size in head["files"]}
    if any(len(files[path.removeprefix("./")]) != size for path, size in head["files"]):
        return None
    return Order(head["job"], files)
