"""What changes on a scoreboard while somebody looks at it: read once a second at most, however many do."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from grader.domain.job import JobState, Lane, Place
from grader.domain.people import Role, Viewer
from grader.domain.standings import Row, Standing
from grader.steps.access import require
from grader.steps.board import Wanted, every_row
from grader.steps.service import Service

READ_S = 1.0
#: So many of a line's first jobs are told their place on a board; who is behind them waits.
PLACES = 300


@dataclass(frozen=True)
class News:
    """One cell that is not as it was, with its place while it waits, and the new total of its student."""

    row: Row
    cell: Standing
    place: Place | None = None


@dataclass(frozen=True)
class Seen:
    """A board as it is at one moment: rows and places in the line, by person and by person and lab."""

    rows: Mapping[int, Row] = field(hash=False)
    places: Mapping[tuple[int, str], Place] = field(hash=False)


class Boards:
    """The boards that are being looked at. May be used from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[str, tuple[float, tuple[int, ...], Seen]] = {}
        self._whose: dict[str, tuple[str, int, str]] = {}

    def look(self, service: Service, viewer: Viewer, course: str) -> Seen:
        """The board as it was at most a second ago, for graders."""
        require(viewer, course, Role.GRADER)
        with self._lock:
            now = service.clock()
            kept = self._seen.get(course)
            if kept is not None and 0 <= now - kept[0] < READ_S:
                return kept[2]
            labs = service.store.courses.labs(course)
            revisions = tuple(service.store.standings.revision(course, lab.id) for lab in labs)
            if kept is not None and kept[1] == revisions:
                rows = kept[2].rows
            else:
                rows = {row.person_id: row for row in every_row(service, viewer, course, Wanted())}
            seen = Seen(rows, self._places(service, course, {lab.queue for lab in labs}))
            self._seen[course] = now, revisions, seen
            return seen

    def places(self, service: Service, course: str, queues: Collection[str]) -> Mapping[tuple[int, str], Place]:
        """Who of a course waits in these queues, and where."""
        with self._lock:
            return self._places(service, course, queues)

    def _places(self, service: Service, course: str, queues: Collection[str]) -> dict[tuple[int, str], Place]:
        found: dict[tuple[int, str], Place] = {}
        first: set[str] = set()
        for queue in queues:
            line = service.lines.of(queue, service)
            for job_id in list(line.places)[:PLACES]:
                first.add(job_id)
                where, person_id, lab = self._of(service, job_id)
                place = line.place(job_id)
                if where == course and place is not None:
                    found[person_id, lab] = place
        for job_id in self._whose.keys() - first:
            del self._whose[job_id]
        return found

    def _of(self, service: Service, job_id: str) -> tuple[str, int, str]:
        """Course, person and lab of a waiting job, which never change; no course for one of a rerun."""
        if job_id not in self._whose:
            job = service.store.jobs.get(job_id)
            told = job is not None and job.lane is not Lane.BULK
            self._whose[job_id] = (job.course, job.person_id, job.lab) if job is not None and told else ("", 0, "")
        return self._whose[job_id]


def news(before: Mapping[int, int], old: Seen | None, new: Seen) -> Iterator[News]:
    """What a reader has to be told who knows rows in these versions, and saw `old` last."""
    for person_id, version in before.items():
        row = new.rows.get(person_id)
        if row is None:
            continue
        known = old.rows.get(person_id) if old else None
        for lab, cell in row.cells.items():
            waits = cell.state is JobState.QUEUED
            place = new.places.get((person_id, lab)) if waits else None
            moved = waits and old is not None and old.places.get((person_id, lab)) != place
            changed = row.version != version and (known is None or known.cells.get(lab) != cell)
            if changed or moved or (old is None and waits):
                yield News(row, cell, place)
