"""0036 list keys: an order's campaign beside it, and indexes by which staff's lists find and order
at once. Safe while the application runs: a trigger writes the campaign, whichever release makes the
order; on PostgreSQL orders are filled in parts and indexes built beside the work."""

import sqlalchemy as sa
from alembic import op

revision = "0036_list_keys"
down_revision = "0035_health"
REFUNDED = sa.text("refunded_fen > 0")
INDEXES = (
    ("ix_orders_merchant_created", "orders", ["merchant_id", "created_at", "id"], None),
    ("ix_orders_campaign_created", "orders", ["campaign_id", "created_at", "id"], None),
    ("ix_orders_amount_created", "orders", ["order_amount_fen", "created_at", "id"], None),
    ("ix_orders_refunded_created", "orders", ["created_at", "id"], REFUNDED),
    ("ix_redemptions_merchant_at", "redemptions", ["merchant_id", "redeemed_at", "id"], None),
    ("ix_redemptions_amount_at", "redemptions", ["order_amount_fen", "redeemed_at", "id"], None),
    ("ix_payments_provider", "payments", ["provider"], None),
)
COLUMN = "campaign_id VARCHAR CONSTRAINT fk_orders_campaign_id REFERENCES campaigns (id)"
TRIGGER_ON_SQLITE = """
    CREATE TRIGGER orders_campaign AFTER INSERT ON orders BEGIN
        UPDATE orders SET campaign_id =
            (SELECT campaign_id FROM vouchers WHERE vouchers.id = NEW.voucher_id)
        WHERE id = NEW.id;
    END
"""
TRIGGER_ON_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION order_campaign() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.campaign_id := (SELECT campaign_id FROM vouchers WHERE vouchers.id = NEW.voucher_id);
        RETURN NEW;
    END $$
    """,
    """
    CREATE OR REPLACE TRIGGER orders_campaign BEFORE INSERT ON orders
    FOR EACH ROW EXECUTE FUNCTION order_campaign()
    """,
)
PART = """
    SELECT max(id) FROM (SELECT id FROM orders WHERE id > :last ORDER BY id LIMIT 10000) AS part
"""
FILL = """
    UPDATE orders SET campaign_id =
        (SELECT campaign_id FROM vouchers WHERE vouchers.id = orders.voucher_id)
    WHERE id > :last AND id <= :part AND campaign_id IS NULL
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # No transaction around it: an interrupted run is run again.
        with op.get_context().autocommit_block():
            _on_postgresql()
        return
    op.execute(f"ALTER TABLE orders ADD COLUMN {COLUMN}")
    op.execute(TRIGGER_ON_SQLITE)
    fill()
    for name, table, columns, condition in INDEXES:
        op.create_index(name, table, columns, sqlite_where=condition)


def _on_postgresql() -> None:
    op.execute(f"ALTER TABLE orders ADD COLUMN IF NOT EXISTS {COLUMN}")
    for statement in TRIGGER_ON_POSTGRESQL:
        op.execute(statement)
    fill()
    for name, table, columns, condition in INDEXES:
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name, table, columns, postgresql_where=condition, postgresql_concurrently=True
        )


def fill() -> None:
    """Give the orders that there are their campaign, in parts that lock few of them at a time."""
    last, connection = "", op.get_bind()
    while (part := connection.scalar(sa.text(PART), {"last": last})) is not None:
        connection.execute(sa.text(FILL), {"last": last, "part": part})
        last = part


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
