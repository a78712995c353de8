"""0012 bound cards and instant discounts: campaigns that want a card, bindings that end, the
partners' notices; units on their way back to their tier, redemptions undone. Safe while the
application runs: new tables, and columns that are empty or have a default."""

import sqlalchemy as sa
from alembic import op

revision = "0012_cards"
down_revision = "0011_payments"


def upgrade() -> None:
    op.add_column(
        "campaigns",
        sa.Column("card_required", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "resident_identities",
        sa.Column(
            "unbound_at",
            sa.DateTime(timezone=True),
            sa.CheckConstraint(
                "kind = 'card' OR unbound_at IS NULL",
                name=op.f("ck_resident_identities_phone_stays_bound"),
            ),
            nullable=True,
        ),
    )
    op.create_table(
        "card_acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("request_number", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("card_hash", sa.String(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("act IN ('bind', 'unbind')", name=op.f("ck_card_acts_act_known")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_card_acts_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_acts")),
        sa.UniqueConstraint(
            "partner_id", "request_number", name=op.f("uq_card_acts_partner_id_request_number")
        ),
    )
    _refuse_change("card_acts")
    _create_returns()
    _refuse_change("reversals")


def _create_returns() -> None:
    op.create_table(
        "pending_returns",
        sa.Column("voucher_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["vouchers.id"], name=op.f("fk_pending_returns_voucher_id")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_pending_returns_campaign_id")
        ),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_pending_returns_tier_id")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_pending_returns_resident_id")
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_pending_returns")),
    )
    op.create_index("ix_pending_returns_resident_id", "pending_returns", ["resident_id"])
    op.create_table(
        "reversals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=False),
        sa.CheckConstraint("discount_fen > 0", name=op.f("ck_reversals_discount_positive")),
        sa.ForeignKeyConstraint(["id"], ["redemptions.id"], name=op.f("fk_reversals_id")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_reversals_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_reversals_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_reversals_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reversals")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_reversals_transfer_id")),
    )


def _refuse_change(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
