"""0004 recycling: which expired vouchers gave their unit back, in numbered batches. Safe while the
application runs: it adds a table, an index, and columns that are empty or have a default."""

import sqlalchemy as sa
from alembic import op

revision = "0004_recycling"
down_revision = "0003_claim_rules"
WAITING = sa.text("status = 'expired' AND recycled_batch IS NULL")


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column("recycle_expired", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("vouchers", sa.Column("recycled_batch", sa.Integer(), nullable=True))
    op.create_index(
        "ix_vouchers_expired_tier_id",
        "vouchers",
        ["tier_id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "recyclings",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("recycled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_recyclings_units_positive")),
        sa.CheckConstraint("number > 0", name=op.f("ck_recyclings_number_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_recyclings_campaign_id"
        ),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name="fk_recyclings_tier_id"),
        sa.PrimaryKeyConstraint("campaign_id", "number", name="pk_recyclings"),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
