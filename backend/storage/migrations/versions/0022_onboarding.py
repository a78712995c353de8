"""0022 onboarding: pledges, each merchant's history and standing, terminals, lists for the partner,
placement checks. Safe while the application runs: new tables, columns with defaults, and other
names for two statuses of merchants that may not redeem under either name."""

import sqlalchemy as sa
from alembic import op

revision = "0022_onboarding"
down_revision = "0021_exports"
TIME = sa.DateTime(timezone=True)
APPEND_ONLY = (
    *("pledge_texts", "pledges", "merchant_reports", "partner_lists"),
    *("merchant_steps", "placement_checks"),
)
STATUS_BEFORE = (
    "status IN ('awaiting_superior_bank', 'vetoed_by_tax', 'passed', 'published',"
    " 'suspended', 'disqualified')"
)
CHECKS = {
    "status_known": (
        "status IN ('pledged', 'applied', 'reported', 'vetoed', 'listed', 'sent', 'passed',"
        " 'published', 'suspended', 'disqualified')"
    ),
    "applied_for_known": "applied_for IN ('pos', 'placard')",
    "screenings_known": (
        "tax_screening IN ('open', 'passed', 'vetoed')"
        " AND market_regulator_screening IN ('open', 'passed', 'vetoed')"
    ),
    "listed_when_all_agree": (
        "status IN ('pledged', 'applied', 'reported', 'vetoed', 'disqualified')"
        " OR (superior_bank_confirmed AND bureau_confirmed AND tax_screening = 'passed'"
        " AND market_regulator_screening = 'passed')"
    ),
}


def upgrade() -> None:
    _extend_merchants()
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.drop_constraint(op.f("ck_merchants_status_known"), "merchants", type_="check")
    else:
        _replace_checks_on_sqlite()
    _move_onto_the_chain()
    if on_postgresql:
        for name, condition in CHECKS.items():
            op.create_check_constraint(op.f(f"ck_merchants_{name}"), "merchants", condition)
    _create_pledges()
    _create_lists()
    _create_steps()
    _create_checks()
    _import_merchants()
    for table in APPEND_ONLY:
        _refuse_change(table)


def _extend_merchants() -> None:
    for name in ("legal_name", "licence_number", "address", "contact"):
        op.add_column("merchants", sa.Column(name, sa.String(), nullable=True))
    op.add_column("merchants", sa.Column("phone_encrypted", sa.LargeBinary(), nullable=True))
    for name in ("phone_last4", "applied_for"):
        op.add_column("merchants", sa.Column(name, sa.String(), nullable=True))
    for name in ("superior_bank_confirmed", "bureau_confirmed", "disqualification_proposed"):
        op.add_column(
            "merchants", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for name in ("tax_screening", "market_regulator_screening"):
        op.add_column(
            "merchants", sa.Column(name, sa.String(), nullable=False, server_default="open")
        )
    op.create_index("uq_merchants_licence_number", "merchants", ["licence_number"], unique=True)


def _replace_checks_on_sqlite() -> None:
    """SQLite changes a CHECK by its text (its documentation of ALTER TABLE, section 7)."""
    connection = op.get_bind()
    before = f"CONSTRAINT ck_merchants_status_known CHECK ({STATUS_BEFORE})"
    now = ", ".join(
        f"CONSTRAINT ck_merchants_{name} CHECK ({condition})" for name, condition in CHECKS.items()
    )
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?)"
        " WHERE type = 'table' AND name = 'merchants' AND instr(sql, ?) > 0",
        (before, now, before),
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"merchants has no {before!r}")
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version or 0) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _move_onto_the_chain() -> None:
    """Who had passed has every office's yes; who had not is looked at by all of them again."""
    op.execute(
        "UPDATE merchants SET superior_bank_confirmed = true, bureau_confirmed = true,"
        " tax_screening = 'passed', market_regulator_screening = 'passed'"
        " WHERE status IN ('passed', 'published', 'suspended')"
    )
    op.execute("UPDATE merchants SET status = 'reported' WHERE status = 'awaiting_superior_bank'")
    op.execute(
        "UPDATE merchants SET status = 'vetoed', tax_screening = 'vetoed'"
        " WHERE status = 'vetoed_by_tax'"
    )


def _create_pledges() -> None:
    op.create_table(
        "pledge_texts",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_pledge_texts"),
    )
    op.create_table(
        "pledges",
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("text_version", sa.Integer(), nullable=False),
        sa.Column("signed_by", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("scan_digest", sa.String(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_pledges_merchant_id"),
        sa.ForeignKeyConstraint(
            ["text_version"], ["pledge_texts.version"], name="fk_pledges_text_version"
        ),
        sa.PrimaryKeyConstraint("merchant_id", name="pk_pledges"),
    )
    op.create_table(
        "merchant_terminals",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.CheckConstraint(
            "length(number) = 8", name=op.f("ck_merchant_terminals_eight_characters")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_merchant_terminals_merchant_id"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_merchant_terminals"),
    )
    op.create_index("ix_merchant_terminals_merchant_id", "merchant_terminals", ["merchant_id"])


def _create_lists() -> None:
    op.create_table(
        "merchant_reports",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("merchant_ids", sa.String(), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("reported_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_merchant_reports"),
    )
    op.create_table(
        "partner_lists",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("sent_by", sa.String(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_partner_lists"),
    )


def _create_steps() -> None:
    op.create_table(
        "merchant_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("evidence_digest", sa.String(), nullable=True),
        sa.Column("partner_list", sa.Integer(), nullable=True),
        sa.Column("list_version", sa.Integer(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint(
            "(step = 'imported') = (office IS NULL)", name=op.f("ck_merchant_steps_office_named")
        ),
        sa.CheckConstraint(
            "reason IS NOT NULL OR step NOT IN ('tax_vetoed', 'tax_lifted',"
            " 'market_regulator_vetoed', 'market_regulator_lifted', 'partner_returned',"
            " 'suspended', 'resumed', 'disqualification_proposed', 'disqualification_withdrawn',"
            " 'disqualified')",
            name=op.f("ck_merchant_steps_reason_given"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_merchant_steps_merchant_id"
        ),
        sa.ForeignKeyConstraint(
            ["partner_list"], ["partner_lists.number"], name="fk_merchant_steps_partner_list"
        ),
        sa.ForeignKeyConstraint(
            ["list_version"],
            ["merchant_list_versions.number"],
            name="fk_merchant_steps_list_version",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_merchant_steps"),
        sa.UniqueConstraint(
            "merchant_id", "position", name="uq_merchant_steps_merchant_id_position"
        ),
    )


def _create_checks() -> None:
    op.create_table(
        "placement_checks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("material", sa.String(), nullable=False),
        sa.Column("found", sa.Boolean(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("photo_digest", sa.String(), nullable=True),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("checked_by", sa.String(), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint(
            "material IN ('placard', 'poster', 'roll_up', 'screen')",
            name=op.f("ck_placement_checks_material_known"),
        ),
        sa.CheckConstraint(
            "seen_at <= recorded_at", name=op.f("ck_placement_checks_seen_before_recorded")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_placement_checks_merchant_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_placement_checks"),
    )
    op.create_index("ix_placement_checks_merchant_id", "placement_checks", ["merchant_id"])


def _import_merchants() -> None:
    """Give every merchant that is there the first entry of its history."""
    op.execute(
        "INSERT INTO merchant_steps (merchant_id, position, step, outcome, actor, at)"
        " SELECT id, 1, 'imported', status, 'migration 0022', CURRENT_TIMESTAMP"
        " FROM merchants ORDER BY id"
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
