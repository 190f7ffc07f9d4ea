"""Scoreboards, rules and reruns: more of the store. One transaction per method, times given by the caller.

Everything here is as graders see it; what hidden tests tell is taken out by `without_hidden` of rows and standings.
Only the public board hides them itself.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Protocol

from grader.domain.job import Job
from grader.domain.policy import CourseRules, Extension
from grader.domain.rerun import Chosen, Item, Move, Rerun, RerunState, Selection
from grader.domain.standings import Marks, Page, Row


class Standings(Protocol):
    """Totals, kept up to date in the same transaction as what changes them."""

    def board(
        self, course: str, *, sort: str = "login", descending: bool = False, section: str = "", search: str = "",
        offset: int = 0, limit: int = 50,
    ) -> Page:  # fmt: skip
        """A page of students, those without a submission too; at most 1,000 at once.

        `sort`: login, name, section, points, last, late (days used), or a lab's id; ValueError for anything else.
        `search` is part of a login or a name, whatever its case.
        """
        ...

    def mine(self, course: str, person_id: int) -> Row | None:
        """One student's row; None for who is no member."""
        ...

    def public(self, course: str, now: float, *, limit: int = 500) -> list[Row]:
        """Students who chose to be listed, by points, by what was handed in before the board was frozen.

        They have an alias and points and nothing else: no names, no ids, no times. Points of tests that are hidden from
        anybody at `now` are in nobody's.
        """
        ...

    def list_me(self, course: str, person_id: int, alias: str, listed: bool) -> bool:
        """Choose to be on the public board under `alias`, or not; False if somebody else has the alias in any case of
        its letters, it is empty though they want to be listed, or they are no member."""
        ...

    def marks(
        self, course: str, lab: str, *, offset: int = 0, limit: int = 50, people: Collection[int] | None = None
    ) -> list[Marks]:
        """How the tests of what counts ended, by login; students without a submission are not in it. At most 1,000.

        `people`: of these students alone.
        """
        ...

    def revision(self, course: str, lab: str) -> int:
        """Grows whenever a standing of the lab changes, or who is in the course, or how they are called: what was
        worked out from `marks` can be kept until then."""
        ...

    def lines(self, course: str) -> Mapping[int, Hashable]:
        """The students by id, each with a value that is another one once anything of theirs has changed: their name,
        section or alias, a standing, how their tests ended."""
        ...

    def sections(self, course: str) -> list[str]:
        """The sections students are in."""
        ...

    def rules(self, course: str) -> CourseRules:
        """The rules the course has now."""
        ...

    def put_rules(self, course: str, text: str) -> bool:
        """Keep what the text of course.toml makes of the rules of the labs there are now; every standing follows.

        To be called after each sync of the labs, too: their own rules are read here. True if the rules changed. Raises
        BadManifest: nothing is kept then.
        """
        ...

    def extend(self, extension: Extension) -> None:
        """Give somebody more time, in place of what they had; 0 s takes it back. Their (team's) standing follows."""
        ...

    def extensions(self, course: str, *, person_id: int | None = None) -> list[Extension]:
        """All of a course, or one person's."""
        ...

    def counted(self, submission_ids: Sequence[str]) -> dict[str, str]:
        """The job that counts of each submission that has one."""
        ...

    def team(self, course: str, person_id: int) -> list[int]:
        """Everybody who hands in together with this person, themselves included."""
        ...

    def put_team(self, course: str, person_id: int, team: str) -> None:
        """Put a member into a team; empty: alone. Their standings in group labs follow."""
        ...

    def taken_up(self, course: str, lab: str, person_id: int, since: float) -> list[float]:
        """When they (or their team, in a group lab) handed in since, oldest first, but for what costs no attempt."""
        ...

    def stale(self) -> list[str]:
        """Courses whose standings have to be rebuilt: after an upgrade, or rules whose putting was cut short."""
        ...

    def rebuild(self, course: str) -> int:
        """Work every standing of a course out again, in several transactions; how many there are."""
        ...


class Reruns(Protocol):
    """Reruns and their jobs, which count for nothing until the rerun is applied."""

    def select(self, course: str, selection: Selection, *, limit: int = 20_000) -> list[Chosen]:
        """The submissions a selection finds, by login."""
        ...

    def begin(self, rerun: Rerun, jobs: Sequence[Job]) -> None:
        """Keep a rerun and its jobs, one per chosen submission, with what counts now; all or nothing."""
        ...

    def get(self, rerun_id: str) -> Rerun | None:
        """One of them; a running one whose jobs have all ended is ready."""
        ...

    def page(self, course: str, *, before: str = "", limit: int = 50) -> list[Rerun]:
        """Newest first."""
        ...

    def items(self, rerun_id: str, *, offset: int = 0, limit: int = 20_000) -> list[Item]:
        """Its submissions by login."""
        ...

    def moves(self, submission_id: str) -> list[Move]:
        """What applied reruns did to a submission, newest first."""
        ...

    def apply(self, rerun_id: str, by: str, now: float, *, never_lower: bool | None = None) -> list[Item] | None:
        """Make its scores count, as `grader.domain.rerun` says, and tell whoever sees another score; what was moved.

        `never_lower` is kept in place of what the rerun was begun with. None unless it is ready.
        """
        ...

    def revert(self, rerun_id: str, by: str, now: float) -> list[Item] | None:
        """Undo an applied one and tell who is affected; what was moved back. None unless it is applied."""
        ...

    def end(self, rerun_id: str, state: RerunState, now: float) -> bool:
        """Discard a ready one, or cancel a running one: what waits of it is cancelled. False if it cannot be."""
        ...


class Notices(Protocol):
    """What somebody has to be told: shown until they have seen it."""

    def unseen(self, person_id: int, *, limit: int = 20) -> list[Mapping[str, object]]:
        """Newest first: id, course, submission_id, text, at."""
        ...

    def seen(self, person_id: int, notice_id: int, now: float) -> None:
        """They have read it."""
        ...
