"""The forge that a course is connected to: how it is told what became of a commit, and what is kept for that.

`Deliveries` and `Publications` are parts of the store.
"""

from collections.abc import Collection
from typing import Protocol

from grader.domain.forge import Delivery, DeliveryState, Forge, Publication, Push, Status, StatusState


class Statuses(Protocol):
    """Shows beside a commit how it stands."""

    def post(self, forge: Forge, status: Status) -> None:
        """Show it, in place of what the same context showed before; twice does no harm.

        Raises ForgeDown where another try may help, ForgeRefused where none would.
        """
        ...

    def close(self) -> None:
        """Give its connections back."""
        ...


class Deliveries(Protocol):
    """Pushes that forges told of. Who claims one has it until the lease ends; a stale claim is refused everything."""

    def receive(self, course: str, delivery: str, digest: str, push: Push, login: str, now: float) -> bool:
        """Keep it; False if a delivery with this id, or this body (by its `digest`), was received before."""
        ...

    def claim(self, courses: Collection[str], now: float, lease_s: float) -> Delivery | None:
        """The one that has been due for longest in these courses. Never two of one repository at a time."""
        ...

    def settle(self, delivery: Delivery, state: DeliveryState, problem: str, now: float) -> bool:
        """The end of it. Once one is fetched, older ones of the repository that still wait are refused as outdated."""
        ...

    def postpone(self, delivery: Delivery, until: float, problem: str, *, failed: bool) -> bool:
        """It is due again then; counted if this attempt `failed`."""
        ...


class Publications(Protocol):
    """Commit statuses that have to be posted; as with `Deliveries`, a stale claim is refused everything."""

    def want(
        self, course: str, push: Push, lab: str, now: float, *, submission_id: str | None = None, refusal: str = ""
    ) -> None:
        """Show this submission, or this refusal, beside the commit. Nothing happens where that is so already."""
        ...

    def claim(self, courses: Collection[str], now: float, lease_s: float) -> Publication | None:
        """One that is due in these courses: nothing is posted yet, or its submission has been graded since."""
        ...

    def posted(
        self, publication: Publication, state: StatusState, now: float, *, final: bool, changes_at: float | None = None
    ) -> bool:
        """The forge shows it, for good or until then, when it says something else by itself."""
        ...

    def postpone(self, publication: Publication, until: float, problem: str) -> bool:
        """This attempt failed; another one is due then."""
        ...

    def end(self, publication: Publication, problem: str) -> bool:
        """It is given up."""
        ...

    def reopen(self, now: float) -> int:
        """Make those due again that say something else by now; how many.

        Their submission has been given another job since they were posted, or it is past the time at which they
        change: of these the one of the newest submission alone, lest a forge be told of all that ever were at once.
        """
        ...
