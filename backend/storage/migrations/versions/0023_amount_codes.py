"""0023 amount codes, and which of them an order came from. Safe while the application runs: a new
table, and a column that may be empty."""

import sqlalchemy as sa
from alembic import op

revision = "0023_amount_codes"
down_revision = "0022_onboarding"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "amount_codes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("order_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.CheckConstraint(
            "order_amount_fen BETWEEN 1 AND 100000000", name=op.f("ck_amount_codes_amount_range")
        ),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_amount_codes_expires_later")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_amount_codes_merchant_id")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name=op.f("fk_amount_codes_clerk_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_amount_codes")),
        sa.UniqueConstraint(
            "clerk_id", "request_id", name=op.f("uq_amount_codes_clerk_id_request_id")
        ),
    )
    _refuse_change("amount_codes")
    # Written out: SQLite takes the constraints of a new column only together with it.
    op.execute(
        "ALTER TABLE orders ADD COLUMN amount_code INTEGER"
        " CONSTRAINT fk_orders_amount_code REFERENCES amount_codes (number)"
        " CONSTRAINT ck_orders_entry_by_amount_code"
        " CHECK ((entry = 'amount_code') = (amount_code IS NOT NULL))"
    )
    op.create_index("uq_orders_amount_code", "orders", ["amount_code"], unique=True)


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
    raise NotImplementedError("rows are never dropped; write a new migration forward")
