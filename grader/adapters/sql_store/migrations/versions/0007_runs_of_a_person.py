"""An index of the runs that each person was given, which decide whose turn it is."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it."""
    op.create_index("ix_job_person_started", "job", ["person_id", "started_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_job_person_started", table_name="job")
