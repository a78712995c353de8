"""0007 money that comes back, money spent without a voucher: new kinds of transfer, new states of
orders and payments, a voucher's uses counted. Safe while the application runs: every row that was
allowed stays allowed, and new columns have a default."""

import sqlalchemy as sa
from alembic import op

revision = "0007_money_kinds"
down_revision = "0006_claim_marks"

# (table, constraint, condition before, condition now)
WIDENED = (
    (
        "transfers",
        "kind_known",
        "kind IN ('appropriation', 'commitment', 'claim', 'redemption', 'expiry')",
        (
            "kind IN ('appropriation', 'withdrawal', 'commitment', 'return', 'claim',"
            " 'redemption', 'expiry', 'refund', 'reversal', 'restoration', 'spending')"
        ),
    ),
    (
        "orders",
        "entry_known",
        "entry IN ('placard', 'payment_code')",
        "entry IN ('placard', 'payment_code', 'amount_code', 'bank_till')",
    ),
    (
        "orders",
        "status_known",
        "status IN ('locked', 'redeemed', 'released')",
        "status IN ('locked', 'redeemed', 'released', 'reversed')",
    ),
    (
        "payments",
        "status_known",
        "status IN ('pending', 'paid', 'closed')",
        "status IN ('pending', 'unknown', 'paid', 'closed', 'failed')",
    ),
    (
        "vouchers",
        "status_known",
        "status IN ('unused', 'locked', 'used', 'expired')",
        "status IN ('unused', 'locked', 'used', 'expired', 'returned')",
    ),
)


def upgrade() -> None:
    op.add_column(
        "vouchers",
        sa.Column(
            "restored_count",
            sa.Integer(),
            sa.CheckConstraint("restored_count >= 0", name=op.f("ck_vouchers_restored_count_sign")),
            nullable=False,
            server_default="0",
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        _widen_on_postgresql()
    else:
        _widen_on_sqlite()
    _open_redemptions()


def _widen_on_postgresql() -> None:
    for table, name, _, condition in WIDENED:
        constraint = f"ck_{table}_{name}"
        op.drop_constraint(op.f(constraint), table, type_="check")
        op.create_check_constraint(op.f(constraint), table, condition)


def _widen_on_sqlite() -> None:
    """SQLite changes a CHECK by its text (its documentation of ALTER TABLE, section 7): copying a
    table that others refer to would break their references."""
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for table, _, before, now in WIDENED:
        changed = connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?)"
            " WHERE type = 'table' AND name = ? AND instr(sql, ?) > 0",
            (before, now, table, before),
        )
        if changed.rowcount != 1:
            raise RuntimeError(f"{table} has no condition {before!r}")
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version or 0) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _open_redemptions() -> None:
    """A voucher may be used again after its redemption was undone, and a phone pays without a
    clerk. Nothing refers to this table, so SQLite may copy it; its triggers are made anew."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for act in ("update", "delete"):
            op.execute(f"DROP TRIGGER redemptions_no_{act}")
    with op.batch_alter_table("redemptions") as batch:
        batch.add_column(sa.Column("use_number", sa.Integer(), nullable=False, server_default="1"))
        batch.alter_column("clerk_id", existing_type=sa.Integer(), nullable=True)
        batch.drop_constraint("uq_redemptions_voucher_id", type_="unique")
        batch.create_unique_constraint(
            "uq_redemptions_voucher_id_use_number", ["voucher_id", "use_number"]
        )
        batch.create_check_constraint(op.f("ck_redemptions_use_number_positive"), "use_number >= 1")
    if sqlite:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER redemptions_no_{act.lower()} BEFORE {act} ON redemptions"
                " BEGIN SELECT RAISE(ABORT, 'redemptions rows are never changed'); END"
            )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
