"""0013 entries: entries at gates, what was undone, monthly statements, and these in settlement.
Undos are never changed. Safe while the application runs: new tables, and every settlement line that
was allowed stays allowed."""

import sqlalchemy as sa
from alembic import op

revision = "0013_entries"
down_revision = "0012_cards"


def upgrade() -> None:
    _create_statements()
    _create_entries()
    _widen_lines()
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER entry_undos_no_{act.lower()} BEFORE {act} ON entry_undos"
                " BEGIN SELECT RAISE(ABORT, 'entry_undos rows are never changed'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER entry_undos_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON entry_undos EXECUTE FUNCTION refuse_change()"
        )


def _widen_lines() -> None:
    """A month of entries is a line without an order. Nothing refers to this table, so SQLite may
    copy it."""
    with op.batch_alter_table("settlement_lines") as batch:
        batch.alter_column("order_id", existing_type=sa.String(), nullable=True)
        batch.drop_constraint(op.f("ck_settlement_lines_amount_by_kind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_settlement_lines_amount_by_kind"),
            "(source_kind IN ('redemption', 'entry') AND amount_fen > 0)"
            " OR (source_kind IN ('refund', 'reversal') AND amount_fen < 0)",
        )
        batch.create_check_constraint(
            op.f("ck_settlement_lines_order_named"),
            "order_id IS NOT NULL OR source_kind = 'entry'",
        )


def _create_statements() -> None:
    op.create_table(
        "entry_statements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("through_day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("resident_count", sa.Integer(), nullable=False),
        sa.Column("free_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'drafted') = (decided_by IS NULL)"
            " AND (state = 'drafted') = (decided_at IS NULL)",
            name=op.f("ck_entry_statements_decision_whole"),
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL",
            name=op.f("ck_entry_statements_reason_given"),
        ),
        sa.CheckConstraint(
            "state IN ('drafted', 'confirmed', 'refused')",
            name=op.f("ck_entry_statements_state_known"),
        ),
        sa.CheckConstraint("decided_by <> made_by", name=op.f("ck_entry_statements_two_people")),
        sa.CheckConstraint(
            "entry_count > 0 AND amount_fen > 0 AND resident_count > 0 AND free_count >= 0",
            name=op.f("ck_entry_statements_amount_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_entry_statements_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_entry_statements_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_statements")),
    )
    op.create_index(
        "uq_entry_statements_month_live",
        "entry_statements",
        ["campaign_id", "month"],
        unique=True,
        sqlite_where=sa.text("state <> 'refused'"),
        postgresql_where=sa.text("state <> 'refused'"),
    )


def _create_entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("number_in_month", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=True),
        sa.Column("statement_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state <> 'counted' OR amount_fen > 0) AND (state <> 'free' OR amount_fen = 0)",
            name=op.f("ck_entries_state_fits_amount"),
        ),
        sa.CheckConstraint(
            "state <> 'undone' OR statement_id IS NULL", name=op.f("ck_entries_undone_unstated")
        ),
        sa.CheckConstraint(
            "state IN ('counted', 'free', 'undone')", name=op.f("ck_entries_state_known")
        ),
        sa.CheckConstraint(
            "(amount_fen > 0) = (transfer_id IS NOT NULL)"
            " AND (amount_fen > 0) = (number_in_month IS NOT NULL) AND amount_fen >= 0",
            name=op.f("ck_entries_counted_whole"),
        ),
        sa.CheckConstraint("number_in_month >= 1", name=op.f("ck_entries_number_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_entries_campaign_id")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name=op.f("fk_entries_clerk_id")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_entries_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_entries_resident_id")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["entry_statements.id"],
            name=op.f("fk_entries_statement_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_entries_tier_id")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_entries_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
        sa.UniqueConstraint("clerk_id", "request_id", name=op.f("uq_entries_clerk_id_request_id")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_entries_transfer_id")),
    )
    op.create_index(
        "ix_entries_campaign_day", "entries", ["campaign_id", "business_day"], unique=False
    )
    op.create_index(
        "ix_entries_merchant_day", "entries", ["merchant_id", "business_day"], unique=False
    )
    op.create_index(
        "ix_entries_resident_entered", "entries", ["resident_id", "entered_at"], unique=False
    )
    op.create_index(op.f("ix_entries_statement_id"), "entries", ["statement_id"], unique=False)
    op.create_index(
        "uq_entries_person_month",
        "entries",
        ["campaign_id", "resident_id", "month", "number_in_month"],
        unique=True,
        sqlite_where=sa.text("state = 'counted'"),
        postgresql_where=sa.text("state = 'counted'"),
    )
    op.create_table(
        "entry_undos",
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("undone_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_entry_undos_entry_id")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_entry_undos_transfer_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_undos")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_entry_undos_transfer_id")),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
