"""0018 the audit log by subject; a fund's own amount among budget changes; corrected accounts of
returned subsidies. Safe while the application runs: a new table, an index, a column that may be
empty, and every row that was allowed stays allowed."""

import sqlalchemy as sa
from alembic import op

revision = "0018_audit_subject"
down_revision = "0017_refund_proposals"
TIME = sa.DateTime(timezone=True)

# (constraint of budget_changes, condition before, condition now)
WIDENED = (
    (
        "kind_known",
        "kind IN ('raise_quarter', 'lower_quarter', 'move', 'tiers', 'return_rest')",
        (
            "kind IN ('raise_fund', 'lower_fund', 'raise_quarter', 'lower_quarter', 'move',"
            " 'tiers', 'return_rest')"
        ),
    ),
    (
        "quarter_or_campaign",
        "campaign_id IS NOT NULL OR quarter IS NOT NULL",
        ("campaign_id IS NOT NULL OR quarter IS NOT NULL OR kind IN ('raise_fund', 'lower_fund')"),
    ),
)


def upgrade() -> None:
    op.create_index("ix_audit_entries_subject_id", "audit_entries", ["subject", "id"])
    if op.get_bind().dialect.name == "postgresql":
        for name, _, condition in WIDENED:
            constraint = op.f(f"ck_budget_changes_{name}")
            op.drop_constraint(constraint, "budget_changes", type_="check")
            op.create_check_constraint(constraint, "budget_changes", condition)
    else:
        _widen_on_sqlite()
    document = sa.CheckConstraint(
        "(kind IN ('raise_fund', 'lower_fund')) = (document_number IS NOT NULL)",
        name=op.f("ck_budget_changes_fund_has_a_document"),
    )
    op.add_column("budget_changes", sa.Column("document_number", sa.String(), document))
    _create_corrections()


def _widen_on_sqlite() -> None:
    """SQLite changes a CHECK by its text (its documentation of ALTER TABLE, section 7): copying a
    table that others refer to would break their references."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for _, before, now in WIDENED:
        changed = connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?)"
            " WHERE type = 'table' AND name = 'budget_changes' AND instr(sql, ?) > 0",
            (before, now, before),
        )
        if changed.rowcount != 1:
            raise RuntimeError(f"budget_changes has no condition {before!r}")
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version or 0) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _create_corrections() -> None:
    op.create_table(
        "account_corrections",
        sa.Column("subsidy_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column("returned_number", sa.String(), nullable=False),
        sa.Column("account_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("account_last4", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("made_at", TIME, nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_account_corrections_position_positive")),
        sa.CheckConstraint(
            "state IN ('submitted', 'confirmed', 'refused')",
            name=op.f("ck_account_corrections_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'submitted') = (decided_by IS NULL)"
            " AND (state = 'submitted') = (decided_at IS NULL)",
            name=op.f("ck_account_corrections_decision_whole"),
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (reason IS NOT NULL)",
            name=op.f("ck_account_corrections_reason_given"),
        ),
        sa.ForeignKeyConstraint(
            ["subsidy_id"], ["subsidies.id"], name=op.f("fk_account_corrections_subsidy_id")
        ),
        sa.ForeignKeyConstraint(
            ["returned_number"],
            ["subsidy_payouts.number"],
            name=op.f("fk_account_corrections_returned_number"),
        ),
        sa.PrimaryKeyConstraint("subsidy_id", "position", name=op.f("pk_account_corrections")),
        sa.UniqueConstraint(
            "subsidy_id", "request_id", name=op.f("uq_account_corrections_subsidy_id_request_id")
        ),
    )
    op.create_index(
        "uq_account_corrections_waiting",
        "account_corrections",
        ["subsidy_id"],
        unique=True,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
