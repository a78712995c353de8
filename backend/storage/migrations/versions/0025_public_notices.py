"""0025 public notices: what the city tells in words. A new table: safe while the application
runs."""

import sqlalchemy as sa
from alembic import op

revision = "0025_public_notices"
down_revision = "0024_desk"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "public_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.Column("published_by", sa.String(), nullable=True),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'withdrawn')",
            name=op.f("ck_public_notices_state_known"),
        ),
        sa.CheckConstraint("published_by <> written_by", name=op.f("ck_public_notices_two_people")),
        sa.CheckConstraint(
            "(published_by IS NULL) = (published_at IS NULL)"
            " AND (state <> 'published' OR published_at IS NOT NULL)"
            " AND (state <> 'draft' OR published_at IS NULL)",
            name=op.f("ck_public_notices_published_whole"),
        ),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)"
            " AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)"
            " AND (withdrawn_why IS NULL) = (withdrawn_at IS NULL)",
            name=op.f("ck_public_notices_withdrawn_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_notices")),
    )
    op.create_index(
        "ix_public_notices_state_published_at", "public_notices", ["state", "published_at"]
    )


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
