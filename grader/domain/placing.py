"""Where in a folder, an archive or a repository a student's files are, from the names alone."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from grader.domain.errors import UnreadableSubmission
from grader.domain.lab import Lab
from grader.domain.text import clean_line, unseen_removed

MAX_ENTRIES = 10_000
LONGEST_PATH = 4_096
MAX_TOTAL_BYTES = 16 * 1024 * 1024
_STREAM = re.compile(":.*", re.DOTALL)


class Kind(StrEnum):
    """What an entry is, as a refusal says it."""

    FILE = "a file"
    FOLDER = "a folder"
    LINK = "a link"
    OTHER = "not an ordinary file"


@dataclass(frozen=True)
class Entry:
    """One name in a folder or an archive: relative, tidy, with / between folders."""

    name: str
    kind: Kind


def tidy(name: str) -> str:
    """A name in an archive as a relative path; empty for the root itself. Raises UnreadableSubmission if it is none.

    Backslashes count as /, as archives made on Windows mean them.
    """
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if plain.startswith("/") or plain[1:2] == ":" or ".." in parts or "\0" in plain or len(plain) > LONGEST_PATH:
        raise UnreadableSubmission(
            f'the archive has an entry "{clean_line(name, 60)}", which is no path inside it',
            "make it again from inside your folder",
        )
    return "/".join(parts)


def places(lab: Lab, folders: Iterable[str]) -> list[list[str]]:
    """Where to look, in order; within one list there must be one hit. `folders` are those at most two deep.

    The root; the lab's folder; a whole course, also one folder down; any one folder.
    """
    near = sorted(folders)
    return [
        [""],
        [lab.id],
        [join(folder, "labs", lab.id) for folder in ["", *near]] + [join(folder, lab.id) for folder in near],
        [folder for folder in near if "/" not in folder],
    ]


def locate(entries: Sequence[Entry], lab: Lab) -> dict[str, Entry]:
    """The entry of each of the lab's files that is there; empty where none is. Raises UnreadableSubmission.

    All are taken from one place, which is never a hidden folder. Refused: several places, a name that is there twice or
    in two spellings, links.
    """
    names = {entry.name for entry in entries}
    folders = {"/".join(name.split("/")[:depth]) for name in names for depth in (1, 2) if name.count("/") >= depth}
    folders = {folder for folder in folders if not any(part.startswith(".") for part in folder.split("/"))}
    for candidates in places(lab, folders):
        hits = sorted({place for place in candidates if any(join(place, file) in names for file in lab.submission)})
        if len(hits) > 1:
            raise UnreadableSubmission(
                f"I found {lab.submission[0]} in {clean_line(' and in '.join(hits[:3]), 200)}",
                f"hand in only the one for {lab.id}",
            )
        if hits:
            return _chosen(entries, lab, hits[0])
    return {}


def _chosen(entries: Sequence[Entry], lab: Lab, place: str) -> dict[str, Entry]:
    spelt: dict[str, list[Entry]] = {}
    for entry in entries:
        spelt.setdefault(folded(entry.name), []).append(entry)
    chosen = {}
    for file in lab.submission:
        path = join(place, file)
        same = spelt.get(folded(path), [])
        if len(same) > 1:
            raise UnreadableSubmission(
                f"{file} is there {len(same)} times ({clean_line(', '.join(entry.name for entry in same[:3]), 200)})",
                "hand in one of them",
            )
        if same and same[0].name == path:
            if same[0].kind is not Kind.FILE:
                raise UnreadableSubmission(f"{file} is {same[0].kind}", "hand in the file itself")
            chosen[file] = same[0]
    return chosen


def refuse_twins(path: str, names: Iterable[str]) -> None:
    """Refuse another name that some computers, or people, take for `path`, where that is one of `names`.

    Nobody could say which of them was meant. Raises UnreadableSubmission.
    """
    alike = folded(path)
    twins = [name for name in names if folded(name) == alike]
    other = next((name for name in twins if name != path), None)
    if path in twins and other is not None:
        shown = clean_line(other if other.isascii() else ascii(other), 100)
        how = "differ in capitals alone" if other.casefold() == path.casefold() else "are one name to some computers"
        raise UnreadableSubmission(f"{shown} and {path} {how}", f"keep {path}, remove the other")


def join(*parts: str) -> str:
    """Parts of a path with / between them; empty ones are left out."""
    return "/".join(part for part in parts if part)


def folded(name: str) -> str:
    """Equal for names that some file system takes for the same, or that nobody can tell apart by looking.

    Case, the width and composition of letters, characters that show nothing, and what Windows drops: dots and spaces
    at the end of a part, and the name of a stream behind a colon.
    """
    parts = unicodedata.normalize("NFKC", unseen_removed(name)).casefold().split("/")
    return "/".join(_STREAM.sub("", part).rstrip(". ") for part in parts)
