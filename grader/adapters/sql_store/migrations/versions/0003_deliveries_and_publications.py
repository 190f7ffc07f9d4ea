"""Pushes that forges tell of, and the commit statuses that they are told."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""

    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("delivery", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=400), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.Float(precision=53), nullable=False),
        sa.Column("next_at", sa.Float(precision=53), nullable=False),
        sa.Column("lease_until", sa.Float(precision=53), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_delivery_course")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("course", "delivery", name=op.f("uq_delivery_delivery")),
        sa.UniqueConstraint("course", "digest", name=op.f("uq_delivery_digest")),
    )
    op.create_index("ix_delivery_repository", "delivery", ["course", "repository", "state"], unique=False)
    op.create_index("ix_delivery_state", "delivery", ["state", "next_at"], unique=False)
    op.create_table(
        "publication",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course", sa.String(length=100), nullable=False),
        sa.Column("repository", sa.String(length=400), nullable=False),
        sa.Column("commit_id", sa.String(length=64), nullable=False),
        sa.Column("lab", sa.String(length=100), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("posted", sa.String(length=20), nullable=False),
        sa.Column("posted_at", sa.Float(precision=53), nullable=True),
        sa.Column("claim", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(precision=53), nullable=False),
        sa.Column("next_at", sa.Float(precision=53), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["course"], ["course.id"], name=op.f("fk_publication_course")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_publication_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
        sa.UniqueConstraint("course", "repository", "commit_id", "lab", name=op.f("uq_publication_commit")),
    )
    op.create_index("ix_publication_state", "publication", ["state", "next_at"], unique=False)
    op.create_index(op.f("ix_publication_submission_id"), "publication", ["submission_id"], unique=False)


def downgrade() -> None:
    """Remove them."""

    op.drop_index(op.f("ix_publication_submission_id"), table_name="publication")
    op.drop_index("ix_publication_state", table_name="publication")
    op.drop_table("publication")
    op.drop_index("ix_delivery_state", table_name="delivery")
    op.drop_index("ix_delivery_repository", table_name="delivery")
    op.drop_table("delivery")
