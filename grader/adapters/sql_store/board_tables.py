"""The tables of scoreboards, rules and reruns; standings can be worked out again at any time."""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from grader.adapters.sql_store.tables import metadata

_ID = String(32)
_COURSE = String(100)
_NAME = String(200)
_TIME = Float(53)

#: More time for one person in one lab.
extension = Table(
    "extension",
    metadata,
    Column("course", ForeignKey("course.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("lab", _COURSE, primary_key=True),
    Column("extra_s", _TIME, nullable=False),
    Column("note", Text, nullable=False),
    Column("by", _NAME, nullable=False),
    Column("at", _TIME, nullable=False),
)

#: A person in a lab. `open_…`: without hidden tests, null where the lab has none. `public_…`: of what was handed in
#: before the public board was frozen. Lists are JSON.
standing = Table(
    "standing",
    metadata,
    Column("course", _COURSE, primary_key=True),
    Column("person_id", Integer, primary_key=True),
    Column("lab", _COURSE, primary_key=True),
    Column("points", Integer),
    Column("raw_points", Integer),
    Column("max_points", Integer, nullable=False),
    Column("hidden_points", Integer, nullable=False),
    Column("late_days", Integer, nullable=False),
    Column("free_days", Integer, nullable=False),
    Column("submission_id", _ID, nullable=False),
    Column("job_id", _ID, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("last_at", _TIME, nullable=False),
    Column("spark", Text, nullable=False),
    Column("open", Text),
    Column("public_points", Integer),
    Column("public_raw", Integer),
    Column("public_late", Integer, nullable=False),
    Column("public_open", Integer),
    Index("ix_standing_lab", "course", "lab"),
)

standing_total = Table(
    "standing_total",
    metadata,
    Column("course", _COURSE, primary_key=True),
    Column("person_id", Integer, primary_key=True),
    Column("points", Integer, nullable=False),
    Column("max_points", Integer, nullable=False),
    Column("late_days_used", Integer, nullable=False),
    Column("last_at", _TIME, nullable=False),
    Column("public_points", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)

#: How the tests of what counts ended, and when each was first passed: JSON, read for a whole class at once.
standing_mark = Table(
    "standing_mark",
    metadata,
    Column("course", _COURSE, primary_key=True),
    Column("lab", _COURSE, primary_key=True),
    Column("person_id", Integer, primary_key=True),
    Column("marks", Text, nullable=False),
    Column("solved", Text, nullable=False),
)

rerun = Table(
    "rerun",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("course", ForeignKey("course.id"), nullable=False),
    Column("lab", _COURSE, nullable=False),
    Column("spec_digest", ForeignKey("spec.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("never_lower", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("by", _NAME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("state", String(20), nullable=False),
    Column("ended_at", _TIME),
    Index("ix_rerun_course", "course", "created_at", "id"),
)

#: A submission in a rerun. `before_job_id` counted when it began, null if none did.
rerun_item = Table(
    "rerun_item",
    metadata,
    Column("rerun_id", ForeignKey("rerun.id"), primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), primary_key=True, index=True),
    Column("job_id", ForeignKey("job.id"), nullable=False),
    Column("before_job_id", ForeignKey("job.id")),
    Column("applied_at", _TIME),
    Column("reverted_at", _TIME),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("course", ForeignKey("course.id"), nullable=False),
    Column("submission_id", ForeignKey("submission.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("seen_at", _TIME),
    Index("ix_notice_person", "person_id", "seen_at", "id"),
)
