"""0008 settlement: sheets, their lines, steps and holds; payout accounts, files, lines, returns.
Safe while the application runs: new tables only. Files, returns, runs, steps never change."""

import sqlalchemy as sa
from alembic import op

revision = "0008_settlement"
down_revision = "0007_money_kinds"

APPEND_ONLY = ("payout_files", "payout_returns", "settlement_runs", "settlement_steps")


def upgrade() -> None:
    _create_sheets()
    _create_lines()
    _create_accounts()
    _create_files()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in APPEND_ONLY:
        if not sqlite:
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


def _create_sheets() -> None:
    op.create_table(
        "settlement_sheets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("through_day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('drafted', 'bureau_approved', 'finance_approved', 'in_payout', 'paid',"
            " 'rejected')",
            name=op.f("ck_settlement_sheets_state_known"),
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND line_count > 0", name=op.f("ck_settlement_sheets_amount_positive")
        ),
        sa.CheckConstraint(
            "from_day <= through_day", name=op.f("ck_settlement_sheets_days_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_settlement_sheets_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_sheets")),
    )
    op.create_index(
        "ix_settlement_sheets_merchant_day",
        "settlement_sheets",
        ["merchant_id", "through_day"],
        unique=False,
    )
    op.create_index(
        "ix_settlement_sheets_state_day",
        "settlement_sheets",
        ["state", "through_day"],
        unique=False,
    )
    op.create_table(
        "settlement_steps",
        sa.Column("sheet_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "act IN ('draft', 'approve_bureau', 'approve_finance', 'reject', 'payout', 'pay',"
            " 'fail_payout')",
            name=op.f("ck_settlement_steps_act_known"),
        ),
        sa.CheckConstraint(
            "act NOT IN ('reject', 'fail_payout') OR remark IS NOT NULL",
            name=op.f("ck_settlement_steps_reason_given"),
        ),
        sa.CheckConstraint(
            "role IN ('system', 'bureau', 'finance', 'payer')",
            name=op.f("ck_settlement_steps_role_known"),
        ),
        sa.CheckConstraint("position >= 1", name=op.f("ck_settlement_steps_position_positive")),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["settlement_sheets.id"], name=op.f("fk_settlement_steps_sheet_id")
        ),
        sa.PrimaryKeyConstraint("sheet_id", "position", name=op.f("pk_settlement_steps")),
    )
    op.create_table(
        "settlement_runs",
        sa.Column("through_day", sa.Date(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sheet_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("through_day", name=op.f("pk_settlement_runs")),
    )


def _create_lines() -> None:
    op.create_table(
        "settlement_lines",
        sa.Column("sheet_id", sa.String(), nullable=False),
        sa.Column("source_kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(source_kind = 'redemption' AND amount_fen > 0)"
            " OR (source_kind IN ('refund', 'reversal') AND amount_fen < 0)",
            name=op.f("ck_settlement_lines_amount_by_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_settlement_lines_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_settlement_lines_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["settlement_sheets.id"],
            name=op.f("fk_settlement_lines_sheet_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint(
            "sheet_id", "source_kind", "source_id", name=op.f("pk_settlement_lines")
        ),
    )
    op.create_index(
        "uq_settlement_lines_source_live",
        "settlement_lines",
        ["source_kind", "source_id"],
        unique=True,
        sqlite_where=sa.text("freed_at IS NULL"),
        postgresql_where=sa.text("freed_at IS NULL"),
    )
    op.create_table(
        "settlement_holds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("redemption_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("held_by", sa.String(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL)"
            " AND (released_at IS NULL) = (release_reason IS NULL)",
            name=op.f("ck_settlement_holds_release_whole"),
        ),
        sa.CheckConstraint("released_by <> held_by", name=op.f("ck_settlement_holds_two_people")),
        sa.ForeignKeyConstraint(
            ["redemption_id"], ["redemptions.id"], name=op.f("fk_settlement_holds_redemption_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_holds")),
    )
    op.create_index(
        "uq_settlement_holds_redemption_open",
        "settlement_holds",
        ["redemption_id"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )


def _create_accounts() -> None:
    op.create_table(
        "payout_accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("bank", sa.String(), nullable=False),
        sa.Column("number_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("number_last4", sa.String(), nullable=False),
        sa.Column("number_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'active', 'replaced', 'withdrawn')",
            name=op.f("ck_payout_accounts_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('active', 'replaced') OR confirmed_by IS NOT NULL",
            name=op.f("ck_payout_accounts_confirmed"),
        ),
        sa.CheckConstraint(
            "confirmed_by <> proposed_by", name=op.f("ck_payout_accounts_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_payout_accounts_merchant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_accounts")),
    )
    op.create_index(
        "uq_payout_accounts_merchant_active",
        "payout_accounts",
        ["merchant_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_payout_accounts_merchant_proposed",
        "payout_accounts",
        ["merchant_id"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_index(
        "uq_payout_accounts_number_active",
        "payout_accounts",
        ["number_hash"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )


def _create_files() -> None:
    op.create_table(
        "payout_files",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_fen > 0 AND line_count > 0", name=op.f("ck_payout_files_amount_positive")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_payout_files")),
    )
    op.create_table(
        "payout_lines",
        sa.Column("file_number", sa.String(), nullable=False),
        sa.Column("line_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sheet_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("bank_serial", sa.String(), nullable=True),
        sa.Column("bank_day", sa.Date(), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'sent') = (answered_at IS NULL)", name=op.f("ck_payout_lines_answer_dated")
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR failure_reason IS NOT NULL",
            name=op.f("ck_payout_lines_reason_given"),
        ),
        sa.CheckConstraint(
            "state <> 'paid' OR (bank_serial IS NOT NULL AND bank_day IS NOT NULL)",
            name=op.f("ck_payout_lines_proved"),
        ),
        sa.CheckConstraint(
            "state IN ('sent', 'paid', 'failed')", name=op.f("ck_payout_lines_state_known")
        ),
        sa.CheckConstraint(
            "line_number >= 1 AND amount_fen > 0", name=op.f("ck_payout_lines_amount_positive")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["payout_accounts.id"], name=op.f("fk_payout_lines_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["file_number"], ["payout_files.number"], name=op.f("fk_payout_lines_file_number")
        ),
        sa.ForeignKeyConstraint(
            ["sheet_id"], ["settlement_sheets.id"], name=op.f("fk_payout_lines_sheet_id")
        ),
        sa.PrimaryKeyConstraint("file_number", "line_number", name=op.f("pk_payout_lines")),
        sa.UniqueConstraint("bank_serial", name=op.f("uq_payout_lines_bank_serial")),
    )
    op.create_index(
        "uq_payout_lines_sheet_unresolved",
        "payout_lines",
        ["sheet_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'failed'"),
        postgresql_where=sa.text("state <> 'failed'"),
    )
    op.create_table(
        "payout_returns",
        sa.Column("file_number", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("paid_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("failed_fen", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_number"], ["payout_files.number"], name=op.f("fk_payout_returns_file_number")
        ),
        sa.PrimaryKeyConstraint("file_number", "digest", name=op.f("pk_payout_returns")),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
