"""Each lab's calibration record."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column; it fills at the next sync."""

    op.add_column("lab", sa.Column("calibration", sa.Text(), nullable=True))


def downgrade() -> None:
    """Remove it."""

    op.drop_column("lab", "calibration")
