"""Courses, people, submissions and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""

    op.create_table(
        "content",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_content")),
    )
    op.create_table(
        "course",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("login", name=op.f("uq_person_login")),
    )
    op.create_table(
        "spec",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("lab_path", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("bundle", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spec")),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("expires_at", sa.Float(precision=53), nullable=True),
        sa.Column("used_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("digest", name=op.f("uq_credential_digest")),
    )
    op.create_index(op.f("ix_credential_person_id"), "credential", ["person_id"], unique=False)
    op.create_table(
        "lab",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=20), nullable=False),
        sa.Column("max_score", sa.Integer(), nullable=False),
        sa.Column("submission", sa.Text(), nullable=False),
        sa.Column("spec_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_lab_course")),
        sa.ForeignKeyConstraint(["spec_digest"], ["spec.digest"], name=op.f("fk_lab_spec_digest")),
        sa.PrimaryKeyConstraint("course", "id", name=op.f("pk_lab")),
    )
    op.create_table(
        "member",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("section", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_member_course")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_member_person_id")),
        sa.PrimaryKeyConstraint("course", "person_id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_person_id"), "member", ["person_id"], unique=False)
    op.create_table(
        "submission",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["content.digest"], name=op.f("fk_submission_digest")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_submission_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("course", "lab", "person_id", "number", name=op.f("uq_submission_course")),
    )
    op.create_index("ix_submission_course", "submission", ["course", "created_at", "id"], unique=False)
    op.create_index("ix_submission_lab", "submission", ["course", "lab", "created_at", "id"], unique=False)
    op.create_index("ix_submission_person", "submission", ["person_id", "created_at"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("spec_digest", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=20), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=20), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("available_at", sa.Float(precision=53), nullable=False),
        sa.Column("offered_at", sa.Float(precision=53), nullable=True),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("started_at", sa.Float(precision=53), nullable=True),
        sa.Column("finished_at", sa.Float(precision=53), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.String(length=20), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.String(length=100), nullable=False),
        sa.Column("duration_s", sa.Float(precision=53), nullable=False),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("max_points", sa.Integer(), nullable=True),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["spec_digest"], ["spec.digest"], name=op.f("fk_job_spec_digest")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_job_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_person_lab", "job", ["person_id", "course", "lab", "state"], unique=False)
    op.create_index("ix_job_state", "job", ["state", "queue"], unique=False)
    op.create_index("ix_job_submission", "job", ["submission_id", "created_at"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.Float(precision=53), nullable=False),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.Column("ending", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_attempt_job_id")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "event",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_event_job_id")),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("pk_event")),
    )
    op.create_table(
        "report",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_report_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_report")),
    )
    op.create_table(
        "score",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("max_points", sa.Integer(), nullable=False),
        sa.Column("per_test", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_score_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_score")),
    )


def downgrade() -> None:
    """Remove them."""

    op.drop_table("score")
    op.drop_table("report")
    op.drop_table("event")
    op.drop_table("attempt")
    op.drop_index("ix_job_submission", table_name="job")
    op.drop_index("ix_job_state", table_name="job")
    op.drop_index("ix_job_person_lab", table_name="job")
    op.drop_table("job")
    op.drop_index("ix_submission_person", table_name="submission")
    op.drop_index("ix_submission_lab", table_name="submission")
    op.drop_index("ix_submission_course", table_name="submission")
    op.drop_table("submission")
    op.drop_index(op.f("ix_member_person_id"), table_name="member")
    op.drop_table("member")
    op.drop_table("lab")
    op.drop_index(op.f("ix_credential_person_id"), table_name="credential")
    op.drop_table("credential")
    op.drop_table("spec")
    op.drop_table("person")
    op.drop_table("course")
    op.drop_table("content")
