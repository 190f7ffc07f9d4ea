"""The tables. Times are seconds since 1970; every list that is read has an index that serves it.

What is worked out of them, and what reruns need, is in `board_tables`.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_DIGEST = String(64)
_ID = String(32)
_NAME = String(200)
_REPOSITORY = String(400)
_TIME = Float(53)

course = Table(
    "course",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("title", _NAME, nullable=False),
    Column("folder", Text, nullable=False),
    Column("rules", Text, nullable=False, server_default=""),
    Column("policies", Text, nullable=False, server_default=""),  # what was made of `rules` and the labs' own
    Column("stale", Boolean, nullable=False, server_default=false()),  # its standings have to be worked out again
)

spec = Table(
    "spec",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("lab_path", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("bundle", LargeBinary, nullable=False),
)

lab = Table(
    "lab",
    metadata,
    Column("course", ForeignKey("course.id"), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("title", _NAME, nullable=False),
    Column("position", Integer, nullable=False),
    Column("queue", String(20), nullable=False),
    Column("max_score", Integer, nullable=False),
    Column("submission", Text, nullable=False),
    Column("spec_digest", ForeignKey("spec.digest"), nullable=False),
    Column("calibration", Text),
    Column("revision", Integer, nullable=False, server_default="0"),
)

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("login", String(100), nullable=False, unique=True),
    Column("name", _NAME, nullable=False),
    Column("email", _NAME, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("course", ForeignKey("course.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True, index=True),
    Column("role", String(20), nullable=False),
    Column("section", _NAME, nullable=False),
    Column("alias", _NAME, nullable=False, server_default=""),
    Column("listed", Boolean, nullable=False, server_default=false()),
    Column("team", _NAME, nullable=False, server_default=""),
)

credential = Table(
    "credential",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("digest", _DIGEST, nullable=False, unique=True),
    Column("label", _NAME, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    Column("used_at", _TIME),
)

content = Table(
    "content",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("files", LargeBinary, nullable=False),
)

submission = Table(
    "submission",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("course", String(100), nullable=False),
    Column("lab", String(100), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("digest", ForeignKey("content.digest"), nullable=False),
    Column("source", String(20), nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("counted_job_id", _ID),  # no foreign key: the two tables would need each other to be made
    UniqueConstraint("course", "lab", "person_id", "number"),
    Index("ix_submission_person", "person_id", "created_at"),
    Index("ix_submission_course", "course", "created_at", "id"),
    Index("ix_submission_lab", "course", "lab", "created_at", "id"),
)

job = Table(
    "job",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), nullable=False),
    Column("course", String(100), nullable=False),
    Column("lab", String(100), nullable=False),
    Column("person_id", Integer, nullable=False),
    Column("spec_digest", ForeignKey("spec.digest"), nullable=False),
    Column("queue", String(20), nullable=False),
    Column("lane", Integer, nullable=False),
    Column("seed", String(20), nullable=False),  # 63 bits do not fit every database's integers, nor JSON's
    Column("max_attempts", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", _NAME, nullable=False),
    Column("token_digest", _DIGEST),
    Column("available_at", _TIME, nullable=False),
    Column("offered_at", _TIME),
    Column("lease_until", _TIME),
    Column("started_at", _TIME),
    Column("finished_at", _TIME),
    Column("cancel_requested", Boolean, nullable=False),
    Column("fault", String(20)),
    Column("problem", Text, nullable=False),
    Column("sandbox", String(100), nullable=False),
    Column("duration_s", _TIME, nullable=False),
    Column("points", Integer),
    Column("max_points", Integer),
    Column("last_event", Integer, nullable=False),
    Column("rerun_id", _ID),
    Index("ix_job_submission", "submission_id", "created_at"),
    Index("ix_job_state", "state", "queue", "finished_at"),
    Index("ix_job_person_lab", "person_id", "course", "lab", "state"),
    Index("ix_job_person_started", "person_id", "started_at"),
    Index("ix_job_rerun", "rerun_id", "state"),
    Index("ix_job_spec", "course", "lab", "spec_digest", "created_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("worker", _NAME, nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("ending", String(20), nullable=False),
    Column("problem", Text, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("at", _TIME, nullable=False),
    Column("data", Text, nullable=False),
)

report = Table(
    "report",
    metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

score = Table(
    "score",
    metadata,
    Column("job_id", ForeignKey("job.id"), primary_key=True),
    Column("points", Integer, nullable=False),
    Column("max_points", Integer, nullable=False),
    Column("per_test", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    Column("detail", Text),
    Column("costs", Boolean, nullable=False, server_default=true()),
)

worker = Table(
    "worker",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("queues", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("running", Text, nullable=False),
    Column("sandbox", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("started_at", _TIME, nullable=False),
    Column("seen_at", _TIME, nullable=False, index=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("actor", _NAME, nullable=False),
    Column("course", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    Column("subject", _NAME, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_course", "course", "id"),
)

#: A push that a forge told of. `claim` grows with each publisher that takes it up, `attempts` with each that failed.
delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("course", ForeignKey("course.id"), nullable=False),
    Column("delivery", String(100), nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("repository", _REPOSITORY, nullable=False),
    Column("commit_id", _DIGEST, nullable=False),
    Column("login", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("claim", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("received_at", _TIME, nullable=False),
    Column("next_at", _TIME, nullable=False),
    Column("lease_until", _TIME),
    Column("problem", Text, nullable=False),
    UniqueConstraint("course", "delivery", name="uq_delivery_delivery"),
    UniqueConstraint("course", "digest", name="uq_delivery_digest"),
    Index("ix_delivery_state", "state", "next_at"),
    Index("ix_delivery_repository", "course", "repository", "state"),
)

#: How a commit stands in one lab, which the forge is told. `posted` is what it shows; `state` open, posted or ended.
publication = Table(
    "publication",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("course", ForeignKey("course.id"), nullable=False),
    Column("repository", _REPOSITORY, nullable=False),
    Column("commit_id", _DIGEST, nullable=False),
    Column("lab", String(100), nullable=False),
    Column("submission_id", ForeignKey("submission.id"), index=True),
    Column("refusal", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("posted", String(20), nullable=False),
    Column("posted_at", _TIME),
    Column("claim", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("next_at", _TIME, nullable=False),
    Column("problem", Text, nullable=False),
    UniqueConstraint("course", "repository", "commit_id", "lab", name="uq_publication_commit"),
    Index("ix_publication_state", "state", "next_at"),
)
