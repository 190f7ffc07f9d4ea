"""Standings, rules, reruns and notices. Every score is kept: what was graded last of a submission is what counts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COUNT_THE_NEWEST = """
UPDATE submission SET counted_job_id = (
    SELECT job.id FROM job
    WHERE job.submission_id = submission.id AND job.state = 'graded'
    ORDER BY job.created_at DESC, job.id LIMIT 1
)
"""
_STALE = "UPDATE course SET stale = :yes WHERE EXISTS (SELECT 1 FROM submission WHERE submission.course = course.id)"


def upgrade() -> None:
    """Make tables and columns; the standings are worked out at the next start."""

    op.create_table(
        "standing",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("raw_points", sa.Integer(), nullable=True),
        sa.Column("max_points", sa.Integer(), nullable=False),
        sa.Column("hidden_points", sa.Integer(), nullable=False),
        sa.Column("late_days", sa.Integer(), nullable=False),
        sa.Column("free_days", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("last_at", sa.Float(precision=53), nullable=False),
        sa.Column("spark", sa.Text(), nullable=False),
        sa.Column("open", sa.Text(), nullable=True),
        sa.Column("public_points", sa.Integer(), nullable=True),
        sa.Column("public_raw", sa.Integer(), nullable=True),
        sa.Column("public_late", sa.Integer(), nullable=False),
        sa.Column("public_open", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("course", "person_id", "lab", name=op.f("pk_standing")),
    )
    op.create_index("ix_standing_lab", "standing", ["course", "lab"], unique=False)
    op.create_table(
        "standing_mark",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("solved", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("course", "lab", "person_id", name=op.f("pk_standing_mark")),
    )
    op.create_table(
        "standing_total",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("max_points", sa.Integer(), nullable=False),
        sa.Column("late_days_used", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Float(precision=53), nullable=False),
        sa.Column("public_points", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("course", "person_id", name=op.f("pk_standing_total")),
    )
    op.create_table(
        "extension",
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("extra_s", sa.Float(precision=53), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_extension_course")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_extension_person_id")),
        sa.PrimaryKeyConstraint("course", "person_id", "lab", name=op.f("pk_extension")),
    )
    op.create_table(
        "rerun",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("spec_digest", sa.String(length=64), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("never_lower", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("ended_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_rerun_course")),
        sa.ForeignKeyConstraint(["spec_digest"], ["spec.digest"], name=op.f("fk_rerun_spec_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rerun")),
    )
    op.create_index("ix_rerun_course", "rerun", ["course", "created_at", "id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.Column("seen_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_notice_course")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_person_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_notice_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_person", "notice", ["person_id", "seen_at", "id"], unique=False)
    op.create_table(
        "rerun_item",
        sa.Column("rerun_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("before_job_id", sa.String(length=32), nullable=True),
        sa.Column("applied_at", sa.Float(precision=53), nullable=True),
        sa.Column("reverted_at", sa.Float(precision=53), nullable=True),
        sa.ForeignKeyConstraint(["before_job_id"], ["job.id"], name=op.f("fk_rerun_item_before_job_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_rerun_item_job_id")),
        sa.ForeignKeyConstraint(["rerun_id"], ["rerun.id"], name=op.f("fk_rerun_item_rerun_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_rerun_item_submission_id")),
        sa.PrimaryKeyConstraint("rerun_id", "submission_id", name=op.f("pk_rerun_item")),
    )
    op.create_index(op.f("ix_rerun_item_submission_id"), "rerun_item", ["submission_id"], unique=False)
    op.add_column("course", sa.Column("rules", sa.Text(), server_default="", nullable=False))
    op.add_column("course", sa.Column("policies", sa.Text(), server_default="", nullable=False))
    op.add_column("course", sa.Column("stale", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("job", sa.Column("rerun_id", sa.String(length=32), nullable=True))
    op.drop_index("ix_job_state", table_name="job")
    op.create_index("ix_job_state", "job", ["state", "queue", "finished_at"], unique=False)
    op.create_index("ix_job_rerun", "job", ["rerun_id", "state"], unique=False)
    op.create_index("ix_job_spec", "job", ["course", "lab", "spec_digest", "created_at"], unique=False)
    op.add_column("lab", sa.Column("revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("member", sa.Column("alias", sa.String(length=200), server_default="", nullable=False))
    op.add_column("member", sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("member", sa.Column("team", sa.String(length=200), server_default="", nullable=False))
    op.add_column("score", sa.Column("detail", sa.Text(), nullable=True))
    op.add_column("score", sa.Column("costs", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("submission", sa.Column("counted_job_id", sa.String(length=32), nullable=True))
    op.execute(_COUNT_THE_NEWEST)
    op.execute(sa.text(_STALE).bindparams(yes=True))


def downgrade() -> None:
    """Remove them."""

    op.drop_column("submission", "counted_job_id")
    op.drop_column("score", "costs")
    op.drop_column("score", "detail")
    op.drop_column("member", "team")
    op.drop_column("member", "listed")
    op.drop_column("member", "alias")
    op.drop_column("lab", "revision")
    op.drop_index("ix_job_spec", table_name="job")
    op.drop_index("ix_job_rerun", table_name="job")
    op.drop_index("ix_job_state", table_name="job")
    op.create_index("ix_job_state", "job", ["state", "queue"], unique=False)
    op.drop_column("job", "rerun_id")
    op.drop_column("course", "stale")
    op.drop_column("course", "policies")
    op.drop_column("course", "rules")
    op.drop_index(op.f("ix_rerun_item_submission_id"), table_name="rerun_item")
    op.drop_table("rerun_item")
    op.drop_index("ix_notice_person", table_name="notice")
    op.drop_table("notice")
    op.drop_index("ix_rerun_course", table_name="rerun")
    op.drop_table("rerun")
    op.drop_table("extension")
    op.drop_table("standing_total")
    op.drop_table("standing_mark")
    op.drop_index("ix_standing_lab", table_name="standing")
    op.drop_table("standing")
