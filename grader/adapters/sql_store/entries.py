"""The submissions of people for a lab, as standings are worked out of them."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from grader.adapters.sql_store.standing_rows import newest_and_counted, of_people, passed_tests
from grader.adapters.sql_store.tables import job, score, submission
from grader.domain.job import JobState
from grader.domain.standings import Entry

_s, _j = submission.c, job.c
_HANDED = select(_s.id, _s.person_id, _s.number, _s.created_at, _s.counted_job_id).where(*of_people(submission))
_SCORES = (
    select(score.c.job_id, score.c.per_test, score.c.detail)
    .join(submission, _s.counted_job_id == score.c.job_id)
    .where(*of_people(submission))
)
_JOBS = select(_j.id, _j.submission_id, _j.state, _j.created_at, _j.rerun_id, _j.points, _j.max_points).where(
    *of_people(job)
)


@dataclass(frozen=True)
class Scored:
    """Entries of a lab by person, and how the tests ended of each job that counts, where that was asked for.

    `marks` are as they are kept: a class has hundreds of thousands, and most of them nobody reads.
    """

    entries: Mapping[int, list[Entry]]
    marks: Mapping[str, str]

    def of(self, people: Collection[int]) -> list[Entry]:
        """Of several people together, oldest first."""
        found = [entry for person_id in people for entry in self.entries.get(person_id, ())]
        return sorted(found, key=lambda entry: (entry.created_at, entry.number, entry.submission_id))

    def solved(self, entries: Sequence[Entry]) -> dict[str, float]:
        """Seconds from the first of these entries, oldest first, to the first that passed each test."""
        times: dict[str, float] = {}
        for entry in entries:
            for test in passed_tests(self.marks.get(entry.job_id)):
                times.setdefault(test, entry.created_at - entries[0].created_at)
        return times


def read_entries(
    db: Connection, course_id: str, lab_id: str, people: Collection[int], hidden: Collection[str], *, marks: bool
) -> Scored:
    """All submissions of these people for a lab. `marks`: with how their tests ended."""
    theirs = {"course": course_id, "lab": lab_id, "people": list(people)}
    handed = db.execute(_HANDED, theirs).all()
    jobs = _jobs(db, theirs)
    per_test: dict[str, dict[str, int]] = {}
    told: dict[str, str] = {}
    if marks or hidden:
        for job_id, points, detail in db.execute(_SCORES, theirs).all():
            per_test[job_id] = dict(json.loads(points)) if hidden else {}
            told[job_id] = detail or ""
    entries: dict[int, list[Entry]] = defaultdict(list)
    for row in handed:
        points = per_test.get(row.counted_job_id, {})
        less = sum(points.get(test, 0) for test in hidden)
        entries[row.person_id].append(_entry(row, jobs[row.id], less))
    return Scored(entries, told)


def _jobs(db: Connection, theirs: Mapping[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in db.execute(_JOBS, theirs).all():
        found[row.submission_id].append(row)
    return found


def _entry(handed: Any, jobs: Sequence[Any], hidden_points: int) -> Entry:
    counts = next((one for one in jobs if one.id == handed.counted_job_id), None)
    return Entry(
        submission_id=handed.id,
        job_id=handed.counted_job_id or "",
        number=handed.number,
        created_at=handed.created_at,
        state=JobState(newest_and_counted(jobs, handed.counted_job_id).state),
        points=counts.points if counts else None,
        max_points=(counts.max_points or 0) if counts else 0,
        hidden_points=hidden_points,
    )
