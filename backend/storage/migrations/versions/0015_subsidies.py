"""0015 subsidies: applications, their steps, evidence and payouts. Steps and payouts never change.
Safe while the application runs: new tables, and a column of campaigns that may be empty."""

import sqlalchemy as sa
from alembic import op

revision = "0015_subsidies"
down_revision = "0014_refunds"
NEVER_CHANGED = ("subsidy_steps", "subsidy_payouts")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True))
    _create_applications()
    _create_files()
    _create_payouts()
    for table in NEVER_CHANGED:
        if op.get_bind().dialect.name != "sqlite":
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} EXECUTE FUNCTION refuse_change()"
            )
            continue
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
            )


def _create_applications() -> None:
    op.create_table(
        "subsidies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("details_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("invoice_hash", sa.String(), nullable=False),
        sa.Column("vin_hash", sa.String(), nullable=False),
        sa.Column("vin_last4", sa.String(), nullable=False),
        sa.Column("account_last4", sa.String(), nullable=False),
        sa.Column("invoice_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("invoice_day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("first_reviewer", sa.String(), nullable=True),
        sa.Column("second_reviewer", sa.String(), nullable=True),
        sa.Column("transfer_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'granted') = (transfer_id IS NOT NULL)",
            name=op.f("ck_subsidies_granted_spent"),
        ),
        sa.CheckConstraint(
            "state <> 'granted' OR (first_reviewer IS NOT NULL AND second_reviewer IS NOT NULL)",
            name=op.f("ck_subsidies_reviewed_twice"),
        ),
        sa.CheckConstraint(
            "state <> 'refused' OR reason IS NOT NULL", name=op.f("ck_subsidies_reason_given")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'first_reviewed', 'granted', 'refused', 'withdrawn')",
            name=op.f("ck_subsidies_state_known"),
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND invoice_amount_fen > amount_fen",
            name=op.f("ck_subsidies_amount_signs"),
        ),
        sa.CheckConstraint(
            "first_reviewer <> second_reviewer", name=op.f("ck_subsidies_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_subsidies_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_subsidies_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["residents.id"], name=op.f("fk_subsidies_resident_id")
        ),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name=op.f("fk_subsidies_tier_id")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_subsidies_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidies")),
        sa.UniqueConstraint(
            "resident_id", "request_id", name=op.f("uq_subsidies_resident_id_request_id")
        ),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_subsidies_transfer_id")),
    )
    op.create_index(
        "ix_subsidies_campaign_state", "subsidies", ["campaign_id", "state"], unique=False
    )
    op.create_index(
        "ix_subsidies_resident_created", "subsidies", ["resident_id", "created_at"], unique=False
    )
    op.create_index(
        "uq_subsidies_invoice_live",
        "subsidies",
        ["invoice_hash"],
        unique=True,
        sqlite_where=sa.text("state IN ('submitted', 'first_reviewed', 'granted')"),
        postgresql_where=sa.text("state IN ('submitted', 'first_reviewed', 'granted')"),
    )
    op.create_index(
        "uq_subsidies_vin_live",
        "subsidies",
        ["vin_hash"],
        unique=True,
        sqlite_where=sa.text("state IN ('submitted', 'first_reviewed', 'granted')"),
        postgresql_where=sa.text("state IN ('submitted', 'first_reviewed', 'granted')"),
    )
    op.create_table(
        "subsidy_steps",
        sa.Column("subsidy_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_subsidy_steps_position_positive")),
        sa.ForeignKeyConstraint(
            ["subsidy_id"], ["subsidies.id"], name=op.f("fk_subsidy_steps_subsidy_id")
        ),
        sa.PrimaryKeyConstraint("subsidy_id", "position", name=op.f("pk_subsidy_steps")),
    )


def _create_files() -> None:
    op.create_table(
        "subsidy_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subsidy_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "media_type IN ('image/jpeg', 'application/pdf')",
            name=op.f("ck_subsidy_files_media_type_known"),
        ),
        sa.CheckConstraint(
            "size_bytes BETWEEN 1 AND 5242880", name=op.f("ck_subsidy_files_size_in_range")
        ),
        sa.CheckConstraint("slot BETWEEN 1 AND 6", name=op.f("ck_subsidy_files_slot_in_range")),
        sa.ForeignKeyConstraint(
            ["subsidy_id"], ["subsidies.id"], name=op.f("fk_subsidy_files_subsidy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subsidy_files")),
    )
    op.create_index(
        "uq_subsidy_files_name_current",
        "subsidy_files",
        ["subsidy_id", "name"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_index(
        "uq_subsidy_files_slot_current",
        "subsidy_files",
        ["subsidy_id", "slot"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )


def _create_payouts() -> None:
    op.create_table(
        "subsidy_payouts",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "line_count > 0 AND amount_fen > 0", name=op.f("ck_subsidy_payouts_amount_positive")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_subsidy_payouts")),
    )
    op.create_table(
        "subsidy_payout_lines",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subsidy_id", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (proof IS NULL) AND (state = 'sent') = (answered_at IS NULL)"
            " AND (state = 'sent') = (answered_by IS NULL)",
            name=op.f("ck_subsidy_payout_lines_answer_whole"),
        ),
        sa.CheckConstraint(
            "state IN ('sent', 'paid', 'returned')",
            name=op.f("ck_subsidy_payout_lines_state_known"),
        ),
        sa.CheckConstraint(
            "line >= 1 AND amount_fen > 0", name=op.f("ck_subsidy_payout_lines_amount_positive")
        ),
        sa.ForeignKeyConstraint(
            ["number"], ["subsidy_payouts.number"], name=op.f("fk_subsidy_payout_lines_number")
        ),
        sa.ForeignKeyConstraint(
            ["subsidy_id"], ["subsidies.id"], name=op.f("fk_subsidy_payout_lines_subsidy_id")
        ),
        sa.PrimaryKeyConstraint("number", "line", name=op.f("pk_subsidy_payout_lines")),
    )
    op.create_index(
        "uq_subsidy_payout_lines_live",
        "subsidy_payout_lines",
        ["subsidy_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'returned'"),
        postgresql_where=sa.text("state <> 'returned'"),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
