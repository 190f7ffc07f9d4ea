"""What a lab's results say of the lab, for graders: worked out when something of it has changed, then kept.

Of a class that was looked at before, only who has changed since is read again.
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
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
#: Above so many changed students all of them are read.
FEW = 200


@dataclass(frozen=True)
class Seen:
    """A lab over its class. `revision` grows with every change: what was made of this can be kept until then."""

    listed: CourseLab
    lab: Lab
    revision: int
    insight: Insight


@dataclass(frozen=True)
class _Class:
    """A lab's students by id when the store told these lines of theirs; `marks` of who has handed in, by login."""

    lines: Mapping[int, Hashable] = field(repr=False)
    marks: tuple[Marks, ...] = field(repr=False)


class Insights:
    """What was worked out last, of the labs that are looked at. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[Seen, _Class]] = OrderedDict()

    def of(self, service: Service, viewer: Viewer, course: str, lab: str) -> Seen:
        """The lab as it is now. Raises NotFound, NotAllowed, UnknownLab."""
        require(viewer, course, Role.GRADER)
        listed = find_lab(service, course, lab)
        revision = service.store.standings.revision(course, listed.id)
        with self._lock:
            seen, known = self._kept.get((course, listed.id), (None, None))
        if seen is not None and seen.revision == revision and seen.listed == listed:
            return seen
        spec = the_spec(service, listed.spec_digest).lab
        now = _read(service, viewer, listed, known)
        seen = Seen(listed, spec, revision, insight(spec, now.marks))
        with self._lock:
            self._kept[course, listed.id] = seen, now
            self._kept.move_to_end((course, listed.id))
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return seen


def _read(service: Service, viewer: Viewer, lab: CourseLab, known: _Class | None) -> _Class:
    """Everybody's marks now. Lines are read first: whoever changes in between is read again the next time."""
    standings = service.store.standings
    lines = standings.lines(lab.course)
    before: Mapping[int, Hashable] = known.lines if known else {}
    changed = {one for one, line in lines.items() if before.get(one) != line}
    if known is None or len(changed) > FEW:
        return _Class(lines, tuple(every_mark(service, viewer, lab.course, lab.id)))
    fresh = standings.marks(lab.course, lab.id, limit=CHUNK, people=changed) if changed else []
    rest = [one for one in known.marks if one.person_id in lines and one.person_id not in changed]
    return _Class(lines, tuple(sorted([*rest, *fresh], key=lambda one: one.login)))


def every_mark(service: Service, viewer: Viewer, course: str, lab: str) -> list[Marks]:
    """How the tests of what counts ended, of at most MOST_ROWS students, for graders."""
    require(viewer, course, Role.GRADER)
    everybody = len(service.store.standings.lines(course))  # asking once more for none costs as much as for a page
    found: list[Marks] = []
    for offset in range(0, MOST_ROWS, CHUNK):
        some = service.store.standings.marks(course, lab, offset=offset, limit=CHUNK)
        found += some
        if len(some) < CHUNK or len(found) >= everybody:
            break
    return found


def some_marks(service: Service, viewer: Viewer, course: str, lab: str, *, offset: int, limit: int) -> list[Marks]:
    """A page of the same."""
    require(viewer, course, Role.GRADER)
    return service.store.standings.marks(course, lab, offset=offset, limit=limit)
