"""Students' git repositories: one bare repository per person and course, in which nothing is ever checked out.

Each begins with the course as it was given out then, on branch main, which is the student's. Branch course is ours: it
holds the course as it is given out now, so that what changes later is merged like anybody's work.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """What a commit holds of the paths asked for. `files` by path; `beside` names a few other files of the commit."""

    files: Mapping[str, bytes] = field(hash=False)
    beside: tuple[str, ...] = ()


class Commits(Protocol):
    """The commits of one repository, while several of them are looked at."""

    def read(self, commit: str, paths: Sequence[str]) -> Found:
        """Those of `paths` that the commit holds, each at most 1 MiB.

        Raises UnreadableSubmission for a link, a submodule, names that differ in case alone, and a file that is too
        large.
        """
        ...

    def first(self) -> str | None:
        """The commit that the repository was made with: the starter."""
        ...

    def given(self) -> str | None:
        """The newest commit of branch course."""
        ...

    def pinned(self, name: str) -> str | None:
        """The commit pinned under that name."""
        ...


class Repositories(Protocol):
    """All of them. A repository is named by course and login; both are checked before they become a path."""

    @property
    def root(self) -> str:
        """The folder that they are in."""
        ...

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """What a git process that works on them runs with; `extra` are settings by name."""
        ...

    def bounded(self, *words: str) -> list[str]:
        """These words as a command that may take so much memory and time of processors, and no more."""
        ...

    def give_out(self, course: str, files: Mapping[str, bytes], at: float) -> bool:
        """Give out `files` from now on; whether others were given out before. `at` is in seconds since 1970."""
        ...

    def ensure(self, course: str, login: str) -> str:
        """The repository's path; at first use it is made, with what is given out on branches main and course.

        Raises NotFound where nothing is given out.
        """
        ...

    def offer(self, course: str, login: str) -> None:
        """Bring branch course up to what is given out."""
        ...

    def lacks(self, course: str, login: str, commit: str) -> bool:
        """Whether a commit was made without what is given out now."""
        ...

    def gives_out(self, course: str) -> bool:
        """Whether anything is given out yet."""
        ...

    def exists(self, course: str, login: str) -> bool:
        """Whether it has been made."""
        ...

    def all(self) -> list[tuple[str, str]]:
        """(course, login) of every repository."""
        ...

    def size(self, course: str, login: str) -> int:
        """How much it holds, in bytes: with what a push brings that is not accepted yet."""
        ...

    def tip(self, course: str, login: str) -> str | None:
        """The commit that branch main is at."""
        ...

    def moved_at(self, course: str, login: str) -> float | None:
        """When a push moved branch main to where it is, in seconds since 1970; None where that was not noted."""
        ...

    def reading(
        self, course: str, login: str, quarantine: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Commits]:
        """Its commits. `quarantine` is git's environment of a push that is not accepted yet."""
        ...

    def pin(self, course: str, login: str, commit: str, *names: str) -> None:
        """Keep a commit for ever under hidden refs, whatever happens to the branch."""
        ...

    def fetch(self, course: str, login: str, url: str, commit: str, token: str) -> None:
        """Bring one commit from another server, without its history. Raises ForgeDown, UnreadableSubmission."""
        ...
