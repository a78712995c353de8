"""0017 refund proposals: staff refund by two people. A new table alone: safe while the application
runs; commands of the release before still refund by one."""

import sqlalchemy as sa
from alembic import op

revision = "0017_refund_proposals"
down_revision = "0016_partners"

CONDITIONS = {
    "amount_positive": "refund_amount_fen > 0",
    "state_known": "state IN ('proposed', 'made', 'withdrawn')",
    "decided_by_somebody": (
        "(state = 'proposed') = (decided_by IS NULL)"
        " AND (decided_by IS NULL) = (decided_at IS NULL)"
    ),
    "two_people": "state <> 'made' OR decided_by <> proposed_by",
}


def upgrade() -> None:
    op.create_table(
        "refund_proposals",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("refund_amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_refund_proposals_{name}"))
            for name, condition in CONDITIONS.items()
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["redemptions.id"], name=op.f("fk_refund_proposals_order_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_refund_proposals")),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
