"""0010 budget changes, spending of before the start, frozen fund reports, and the schema's own
guard of the ceilings. Safe while the application runs, unless a campaign is approved meanwhile: the
old release does not count what an approval commits (`flask ledger check` would name it)."""

import sqlalchemy as sa
from alembic import op

revision = "0010_budgets"
down_revision = "0009_reconciliation"

APPEND_ONLY = (
    "budget_changes",
    "budget_decisions",
    "count_changes",
    "spending_imports",
    "spending_records",
    "spending_decisions",
    "fund_reports",
)


def upgrade() -> None:
    _add_guards()
    _fill_guards()
    _create_budget_changes()
    _create_spending()
    _create_fund_reports()
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in APPEND_ONLY:
        if postgresql:
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


def _add_guards() -> None:
    for table, column, kind, constraint, condition in (
        ("funds", "in_quarters_fen", sa.BigInteger(), "in_quarters_sign", "in_quarters_fen >= 0"),
        (
            "funds",
            "year_committed_fen",
            sa.BigInteger(),
            "never_over_its_amount",
            "year_committed_fen >= 0 AND in_quarters_fen + year_committed_fen <= amount_fen",
        ),
        (
            "fund_quarters",
            "committed_fen",
            sa.BigInteger(),
            "never_over_its_ceiling",
            "committed_fen >= 0 AND committed_fen <= ceiling_fen",
        ),
        (
            "campaigns",
            "returned_fen",
            sa.BigInteger(),
            "returned_in_amount",
            "returned_fen BETWEEN 0 AND amount_fen",
        ),
        ("tiers", "count_number", sa.Integer(), "count_number_sign", "count_number >= 0"),
    ):
        check = sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{constraint}"))
        op.add_column(table, sa.Column(column, kind, check, nullable=False, server_default="0"))


def _fill_guards() -> None:
    op.execute(
        "UPDATE fund_quarters SET committed_fen = (SELECT COALESCE(SUM(c.amount_fen), 0)"
        " FROM campaigns c WHERE c.fund_id = fund_quarters.fund_id"
        " AND c.quarter = fund_quarters.quarter AND c.state <> 'draft')"
    )
    op.execute(
        "UPDATE funds SET in_quarters_fen = (SELECT COALESCE(SUM(q.ceiling_fen), 0)"
        " FROM fund_quarters q WHERE q.fund_id = funds.id),"
        " year_committed_fen = (SELECT COALESCE(SUM(c.amount_fen), 0) FROM campaigns c"
        " WHERE c.fund_id = funds.id AND c.quarter IS NULL AND c.state <> 'draft')"
    )


def _create_budget_changes() -> None:
    op.create_table(
        "budget_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fund_id", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=True),
        sa.Column("to_quarter", sa.String(), nullable=True),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("expected_fen", sa.BigInteger(), nullable=False),
        sa.Column("new_fen", sa.BigInteger(), nullable=False),
        sa.Column("expected_to_fen", sa.BigInteger(), nullable=True),
        sa.Column("expected_counts", sa.JSON(), nullable=True),
        sa.Column("new_counts", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('raise_quarter', 'lower_quarter', 'move', 'tiers', 'return_rest')",
            name=op.f("ck_budget_changes_kind_known"),
        ),
        sa.CheckConstraint(
            "expected_fen >= 0 AND new_fen >= 0", name=op.f("ck_budget_changes_amount_signs")
        ),
        sa.CheckConstraint(
            "(kind IN ('tiers', 'return_rest')) = (campaign_id IS NOT NULL)",
            name=op.f("ck_budget_changes_campaign_of_its_kind"),
        ),
        sa.CheckConstraint(
            "campaign_id IS NOT NULL OR quarter IS NOT NULL",
            name=op.f("ck_budget_changes_quarter_or_campaign"),
        ),
        sa.CheckConstraint(
            "(kind = 'move') = (to_quarter IS NOT NULL AND expected_to_fen IS NOT NULL)",
            name=op.f("ck_budget_changes_move_has_a_target"),
        ),
        sa.CheckConstraint(
            "(kind = 'tiers') = (new_counts IS NOT NULL)",
            name=op.f("ck_budget_changes_tiers_have_counts"),
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name="fk_budget_changes_fund_id"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_budget_changes_campaign_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_budget_changes"),
        sa.UniqueConstraint("id", "proposed_by", name="uq_budget_changes_id_proposed_by"),
    )
    _create_decisions("budget_decisions", "change_id", "budget_changes")
    op.create_table(
        "count_changes",
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_count_changes_number_positive")),
        sa.CheckConstraint("units <> 0", name=op.f("ck_count_changes_units_not_zero")),
        sa.ForeignKeyConstraint(["tier_id"], ["tiers.id"], name="fk_count_changes_tier_id"),
        sa.ForeignKeyConstraint(
            ["change_id"], ["budget_changes.id"], name="fk_count_changes_change_id"
        ),
        sa.PrimaryKeyConstraint("tier_id", "number", name="pk_count_changes"),
        sa.UniqueConstraint("change_id", "tier_id", name="uq_count_changes_change_id_tier_id"),
    )


def _create_spending() -> None:
    op.create_table(
        "spending_imports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("fund_id", sa.String(), nullable=False),
        sa.Column("quarter", sa.String(), nullable=True),
        sa.Column("campaign_id", sa.String(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_digest", sa.String(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("total_fen > 0", name=op.f("ck_spending_imports_total_positive")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name="fk_spending_imports_fund_id"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_spending_imports_campaign_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_spending_imports"),
        sa.UniqueConstraint("id", "proposed_by", name="uq_spending_imports_id_proposed_by"),
    )
    op.create_table(
        "spending_records",
        sa.Column("import_id", sa.String(), nullable=False),
        sa.Column("record_number", sa.String(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_spending_records_amount_positive")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["spending_imports.id"], name="fk_spending_records_import_id"
        ),
        sa.PrimaryKeyConstraint("import_id", "record_number", name="pk_spending_records"),
    )
    _create_decisions("spending_decisions", "import_id", "spending_imports")


def _create_decisions(table: str, key: str, of: str) -> None:
    """One decision of each proposal, by somebody else than who made it."""
    op.create_table(
        table,
        sa.Column(key, sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "decision IN ('confirmed', 'refused')", name=op.f(f"ck_{table}_decision_known")
        ),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f(f"ck_{table}_two_people")),
        sa.ForeignKeyConstraint(
            [key, "proposed_by"],
            [f"{of}.id", f"{of}.proposed_by"],
            name=f"fk_{table}_{key}_proposed_by",
        ),
        sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
    )


def _create_fund_reports() -> None:
    op.create_table(
        "fund_reports",
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("figures", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_fund_reports_edition_positive")),
        sa.CheckConstraint(
            "(edition = 1) = (reason IS NULL)", name=op.f("ck_fund_reports_later_editions_say_why")
        ),
        sa.PrimaryKeyConstraint("as_of", "edition", name="pk_fund_reports"),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
