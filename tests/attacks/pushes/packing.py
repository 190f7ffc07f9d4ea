"""Builds what no git would send: packs, objects and requests byte by byte."""

import hashlib
import zlib
from dataclasses import dataclass

COMMIT, TREE, BLOB, REF_DELTA = 1, 2, 3, 7
NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}
AGENT = b"report-status side-band-64k push-options agent=git/2"
WHO = b"A <a@b> 1 +0000"


@dataclass(frozen=True)
class Thing:
    """One object; a delta's `data` are instructions, and `on` is the object that they change."""

    kind: int
    data: bytes
    on: str = ""

    @property
    def id(self) -> str:
        """What git calls it."""
        return hashlib.sha1(b"%s %d\0" % (NAMES[self.kind], len(self.data)) + self.data).hexdigest()

    @property
    def packed(self) -> bytes:
        """As it stands in a pack."""
        head, rest, out = self.kind << 4 | len(self.data) & 15, len(self.data) >> 4, b""
        while rest:
            out, head, rest = out + bytes([head | 0x80]), rest & 127, rest >> 7
        return out + bytes([head]) + bytes.fromhex(self.on) + zlib.compress(self.data)


def tree(*entries: tuple[bytes, bytes, str]) -> Thing:
    """(mode, name, object) in this order, right or wrong."""
    return Thing(TREE, b"".join(mode + b" " + name + b"\0" + bytes.fromhex(what) for mode, name, what in entries))


def commit(root: Thing, *, author: bytes = WHO, extra: bytes = b"", message: bytes = b"x") -> Thing:
    """A commit without parents."""
    text = b"tree %s\nauthor %s\ncommitter %s\n%s\n%s" % (root.id.encode(), author, WHO, extra, message)
    return Thing(COMMIT, text)


def course(starter: bytes, *beside: tuple[bytes, bytes, str]) -> list[Thing]:
    """The objects of a commit's tree with that starter.py; the tree is the last. `beside` go into the root."""
    blob = Thing(BLOB, starter)
    found, inner = [blob], tree((b"100644", b"starter.py", blob.id))
    for name in (b"toy-1", b"labs"):
        found.append(inner)
        inner = tree((b"40000", name, inner.id))
    found.append(inner)
    root = [(b"40000", b"basics", inner.id), *beside]
    found.append(tree(*sorted(root, key=lambda one: one[1] + (b"/" if one[0] == b"40000" else b""))))
    return found


def pack(things: list[Thing], *, count: int | None = None, version: int = 2) -> bytes:
    """A pack of these, or of how many it says."""
    head = b"PACK" + version.to_bytes(4, "big") + (len(things) if count is None else count).to_bytes(4, "big")
    body = head + b"".join(thing.packed for thing in things)
    return body + hashlib.sha1(body).digest()


def size(number: int) -> bytes:
    """A length as deltas have it."""
    out = b""
    while number >= 128:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def packet(data: bytes) -> bytes:
    """A line of the protocol."""
    return b"%04x%s" % (len(data) + 4, data)


def request(old: str, new: str, packed: bytes, *, ref: bytes = b"refs/heads/main", more: bytes = b"") -> bytes:
    """A push; `more` are further command lines."""
    first = packet(b"%s %s %s\0%s" % (old.encode(), new.encode(), ref, AGENT))
    return first + more + b"0000" + b"0000" + packed
