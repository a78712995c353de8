"""0011 payments by providers: who collects, when the provider is asked again, what it told us, and
money that went astray. Safe while the application runs: new tables, and columns that are empty or
have a default; payments at the till are asked of nobody, as before."""

import sqlalchemy as sa
from alembic import op

revision = "0011_payments"
down_revision = "0010_budgets"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "merchants",
        sa.Column("payment_provider", sa.String(), nullable=False, server_default="at_till"),
    )
    op.add_column("campaigns", sa.Column("payment_provider", sa.String(), nullable=True))
    _widen_payments()
    _create_notices()
    _create_cases()


def _widen_payments() -> None:
    signs = sa.CheckConstraint("collected_fen >= 0", name=op.f("ck_payments_collected_sign"))
    asked = sa.CheckConstraint(
        "next_query_at IS NULL OR status IN ('pending', 'unknown')",
        name=op.f("ck_payments_asked_while_open"),
    )
    for column in (
        sa.Column("collected_fen", sa.BigInteger(), signs, nullable=True),
        sa.Column("charged_at", TIME, nullable=True),
        sa.Column("scanned", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("client", sa.JSON(), nullable=True),
        sa.Column("code_url", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_query_at", TIME, asked, nullable=True),
        sa.Column("leased_until", TIME, nullable=True),
    ):
        op.add_column("payments", column)
    asked_ones = sa.text("next_query_at IS NOT NULL")
    op.create_index(
        "ix_payments_next_query_at",
        "payments",
        ["next_query_at"],
        sqlite_where=asked_ones,
        postgresql_where=asked_ones,
    )


def _create_notices() -> None:
    op.create_table(
        "payment_notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("refund_id", sa.String(), nullable=True),
        sa.Column("refund_status", sa.String(), nullable=True),
        sa.Column("refund_amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("applied_at", TIME, nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(status IS NOT NULL) <> (refund_id IS NOT NULL)",
            name=op.f("ck_payment_notices_of_payment_or_refund"),
        ),
        sa.CheckConstraint(
            "(refund_id IS NULL) = (refund_status IS NULL)",
            name=op.f("ck_payment_notices_refund_has_a_status"),
        ),
        sa.CheckConstraint(
            "(applied_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_payment_notices_applied_with_outcome"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_notices")),
        sa.UniqueConstraint(
            "provider", "event_id", name=op.f("uq_payment_notices_provider_event_id")
        ),
    )
    op.create_index("ix_payment_notices_order_id", "payment_notices", ["order_id"])
    left_over = sa.text("applied_at IS NULL")
    op.create_index(
        "ix_payment_notices_next_try_at",
        "payment_notices",
        ["next_try_at"],
        sqlite_where=left_over,
        postgresql_where=left_over,
    )


def _create_cases() -> None:
    op.create_table(
        "payment_cases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("expected_fen", sa.BigInteger(), nullable=False),
        sa.Column("collected_fen", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.Column("refund_id", sa.String(), nullable=False),
        sa.Column("refund_status", sa.String(), nullable=False),
        sa.Column("refund_fen", sa.BigInteger(), nullable=False),
        sa.Column("refund_reference", sa.String(), nullable=True),
        sa.Column("refund_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_refund_at", TIME, nullable=True),
        sa.Column("leased_until", TIME, nullable=True),
        *_case_conditions(),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_payment_cases_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_cases")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_payment_cases_refund_id")),
    )
    op.create_index("ix_payment_cases_order_id", "payment_cases", ["order_id"])
    to_refund = sa.text("refund_status IN ('due', 'processing', 'unknown')")
    op.create_index(
        "ix_payment_cases_next_refund_at",
        "payment_cases",
        ["next_refund_at"],
        sqlite_where=to_refund,
        postgresql_where=to_refund,
    )


def _case_conditions() -> list[sa.CheckConstraint]:
    conditions = {
        "kind_known": (
            "kind IN ('wrong_amount', 'paid_after_release', 'merchant_disqualified',"
            " 'foreign_refund')"
        ),
        "state_known": "state IN ('open', 'closed')",
        "refund_status_known": (
            "refund_status IN ('none', 'due', 'processing', 'unknown', 'done', 'failed')"
        ),
        "amount_signs": "expected_fen >= 0 AND collected_fen >= 0 AND refund_fen >= 0",
        "never_above_collected": "refund_fen <= collected_fen",
        "closed_by_somebody": (
            "(state = 'closed') = (closed_at IS NOT NULL)"
            " AND (closed_at IS NULL) = (closed_by IS NULL)"
            " AND (closed_at IS NULL) = (close_reason IS NULL)"
        ),
        "closed_when_settled": "state = 'open' OR refund_status IN ('none', 'done', 'failed')",
    }
    return [
        sa.CheckConstraint(condition, name=op.f(f"ck_payment_cases_{name}"))
        for name, condition in conditions.items()
    ]


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
