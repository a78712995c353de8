"""0003 residents whom staff have blocked. Safe while the application runs: a new table."""

import sqlalchemy as sa
from alembic import op

revision = "0003_resident_blocks"
down_revision = "0002_append_only"


def upgrade() -> None:
    op.create_table(
        "resident_blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("blocked_by", sa.String(), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by IS NULL)",
            name=op.f("ck_resident_blocks_lifted_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name="fk_resident_blocks_resident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_resident_blocks"),
    )
    op.create_index(
        "uq_resident_blocks_standing",
        "resident_blocks",
        ["resident_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("who was blocked, why and by whom is never dropped")
