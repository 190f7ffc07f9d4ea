"""What a lab's results say of the lab, for graders: worked out when a standing of it has changed, then kept."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from grader.domain.course import CourseLab
from grader.domain.insight import Insight, insight
from grader.domain.lab import Lab
from grader.domain.people import Role, Viewer
from grader.domain.standings import Marks
from grader.steps.access import require
from grader.steps.courses import find_lab
from grader.steps.service import Service
from grader.steps.viewing import the_spec

CHUNK = 1_000
MOST_ROWS = 20_000
KEPT = 64


@dataclass(frozen=True)
class Seen:
    """A lab over its class. `revision` grows with every change: what was made of this can be kept until then."""

    listed: CourseLab
    lab: Lab
    revision: int
    insight: Insight


class Insights:
    """What was worked out last, of the labs that are looked at. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], Seen] = OrderedDict()

    def of(self, service: Service, viewer: Viewer, course: str, lab: str) -> Seen:
        """The lab as it is now. Raises NotFound, NotAllowed, UnknownLab."""
        require(viewer, course, Role.GRADER)
        listed = find_lab(service, course, lab)
        revision = service.store.standings.revision(course, listed.id)
        with self._lock:
            kept = self._kept.get((course, listed.id))
        if kept is not None and kept.revision == revision and kept.listed == listed:
            return kept
        spec = the_spec(service, listed.spec_digest).lab
        seen = Seen(listed, spec, revision, insight(spec, every_mark(service, viewer, course, listed.id)))
        with self._lock:
            self._kept[course, listed.id] = seen
            self._kept.move_to_end((course, listed.id))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return seen


def every_mark(service: Service, viewer: Viewer, course: str, lab: str) -> list[Marks]:
    """How the tests of what counts ended, of at most MOST_ROWS students, for graders."""
    require(viewer, course, Role.GRADER)
    found: list[Marks] = []
    for offset in range(0, MOST_ROWS, CHUNK):
        some = service.store.standings.marks(course, lab, offset=offset, limit=CHUNK)
        found += some
        if len(some) < CHUNK:
            break
    return found


def some_marks(service: Service, viewer: Viewer, course: str, lab: str, *, offset: int, limit: int) -> list[Marks]:
    """A page of the same."""
    require(viewer, course, Role.GRADER)
    return service.store.standings.marks(course, lab, offset=offset, limit=limit)
