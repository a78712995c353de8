"""0014 refunds: what an order has given back, each refund, the money on its way back to customers,
who undid a redemption. Safe while the application runs: new tables, columns with a default, and
every row that was allowed stays allowed."""

import sqlalchemy as sa
from alembic import op

revision = "0014_refunds"
down_revision = "0013_entries"
TIME = sa.DateTime(timezone=True)

# (table, constraint, condition before, condition now)
WIDENED = (
    (
        "orders",
        "status_known",
        "status IN ('locked', 'redeemed', 'released', 'reversed')",
        "status IN ('locked', 'redeemed', 'released', 'reversed', 'refunded')",
    ),
    (
        "payment_cases",
        "kind_known",
        (
            "kind IN ('wrong_amount', 'paid_after_release', 'merchant_disqualified',"
            " 'foreign_refund')"
        ),
        (
            "kind IN ('wrong_amount', 'paid_after_release', 'merchant_disqualified',"
            " 'foreign_refund', 'payback_unfinished')"
        ),
    ),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _widen_on_postgresql()
    else:
        _widen_on_sqlite()
    _count_in_orders()
    op.add_column("reversals", sa.Column("made_by", sa.String(), nullable=True))
    _create_refunds()
    _create_paybacks()
    _refuse_change("refunds")


def _widen_on_postgresql() -> None:
    for table, name, _, condition in WIDENED:
        constraint = f"ck_{table}_{name}"
        op.drop_constraint(op.f(constraint), table, type_="check")
        op.create_check_constraint(op.f(constraint), table, condition)


def _widen_on_sqlite() -> None:
    """SQLite changes a CHECK by its text (its documentation of ALTER TABLE, section 7)."""
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


def _count_in_orders() -> None:
    def check(name: str, condition: str) -> sa.CheckConstraint:
        return sa.CheckConstraint(condition, name=op.f(f"ck_orders_{name}"))

    for name, type_, checks in (
        (
            "refund_count",
            sa.Integer(),
            [check("refund_count_range", "refund_count BETWEEN 0 AND 50")],
        ),
        (
            "refunded_fen",
            sa.BigInteger(),
            [
                check(
                    "refunded_once_redeemed",
                    "refunded_fen = 0 OR status IN ('redeemed', 'refunded')",
                ),
                check(
                    "refunded_whole", "(status = 'refunded') = (refunded_fen = order_amount_fen)"
                ),
            ],
        ),
        (
            "customer_refunded_fen",
            sa.BigInteger(),
            [
                check(
                    "never_above_paid",
                    "customer_refunded_fen BETWEEN 0 AND payable_fen"
                    " AND refunded_fen - customer_refunded_fen BETWEEN 0 AND discount_fen",
                )
            ],
        ),
    ):
        op.add_column("orders", sa.Column(name, type_, *checks, nullable=False, server_default="0"))


def _create_refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("numbered_by", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("refund_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("customer_fen", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_fen", sa.BigInteger(), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("refunded_at", TIME, nullable=False),
        sa.Column("business_day", sa.Date(), nullable=False),
        sa.Column("transfer_id", sa.String(), nullable=True),
        sa.CheckConstraint("part BETWEEN 1 AND 50", name=op.f("ck_refunds_part_range")),
        sa.CheckConstraint(
            "refund_amount_fen > 0 AND customer_fen >= 0 AND subsidy_fen >= 0",
            name=op.f("ck_refunds_amount_signs"),
        ),
        sa.CheckConstraint(
            "refund_amount_fen = customer_fen + subsidy_fen", name=op.f("ck_refunds_split_exact")
        ),
        sa.CheckConstraint(
            "(subsidy_fen > 0) = (transfer_id IS NOT NULL)", name=op.f("ck_refunds_subsidy_moved")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["redemptions.id"], name=op.f("fk_refunds_order_id")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_refunds_merchant_id")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_refunds_campaign_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_refunds_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refunds")),
        sa.UniqueConstraint("numbered_by", "number", name=op.f("uq_refunds_numbered_by_number")),
        sa.UniqueConstraint("order_id", "part", name=op.f("uq_refunds_order_id_part")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_refunds_transfer_id")),
    )
    op.create_index("ix_refunds_merchant_day", "refunds", ["merchant_id", "business_day"])


def _create_paybacks() -> None:
    conditions = {
        "kind_known": "kind IN ('refund', 'reversal')",
        "amount_positive": "amount_fen > 0",
        "status_known": ("status IN ('due', 'processing', 'unknown', 'done', 'failed', 'by_hand')"),
        "asked_while_open": ("next_try_at IS NULL OR status IN ('due', 'processing', 'unknown')"),
        "ended_when_paid": "(status IN ('done', 'by_hand')) = (ended_at IS NOT NULL)",
        "by_hand_with_proof": (
            "(status = 'by_hand') = (hand_by IS NOT NULL)"
            " AND (hand_by IS NULL) = (hand_proof IS NULL)"
        ),
    }
    op.create_table(
        "paybacks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("accepted_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", TIME, nullable=True),
        sa.Column("leased_until", TIME, nullable=True),
        sa.Column("hand_by", sa.String(), nullable=True),
        sa.Column("hand_proof", sa.String(), nullable=True),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_paybacks_{name}"))
            for name, condition in conditions.items()
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_paybacks_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paybacks")),
    )
    op.create_index("ix_paybacks_order_id", "paybacks", ["order_id"])
    to_pay_back = sa.text("status IN ('due', 'processing', 'unknown')")
    op.create_index(
        "ix_paybacks_next_try_at",
        "paybacks",
        ["next_try_at"],
        sqlite_where=to_pay_back,
        postgresql_where=to_pay_back,
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
