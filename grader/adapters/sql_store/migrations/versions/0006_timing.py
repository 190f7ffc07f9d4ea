"""Where the time of graded jobs went. Of jobs that ended before, nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "timing",
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("stages", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_timing_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_timing")),
    )
    op.create_table(
        "stage_time",
        sa.Column("queue", sa.String(length=20), nullable=False),
        sa.Column("sandbox", sa.String(length=100), nullable=False),
        sa.Column("stage", sa.String(length=30), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("queue", "sandbox", "stage", "bucket", name=op.f("pk_stage_time")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("stage_time")
    op.drop_table("timing")
