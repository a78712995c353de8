"""0029 money lists: indexes by which staff's lists of orders and redemptions answer at once.
Safe while the application runs: on PostgreSQL they are built beside the work."""

from alembic import op

revision = "0029_money_lists"
down_revision = "0028_campaign_approvals"
INDEXES = (
    ("ix_orders_created", "orders", ["created_at", "id"]),
    ("ix_orders_status_created", "orders", ["status", "created_at", "id"]),
    ("ix_redemptions_at", "redemptions", ["redeemed_at", "id"]),
    ("ix_redemptions_campaign_at", "redemptions", ["campaign_id", "redeemed_at", "id"]),
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        for name, table, columns in INDEXES:
            op.create_index(name, table, columns)
        return
    # No transaction around it; what an interrupted run left half built is built anew.
    with op.get_context().autocommit_block():
        for name, table, columns in INDEXES:
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True)


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
