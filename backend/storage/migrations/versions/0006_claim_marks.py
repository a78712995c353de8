"""0006 marks of claims and of phones, and recyclings that are never changed. Safe while the
application runs: columns that are empty or have a default, an index of no row yet (building it
reads all vouchers once; claims wait in their stream meanwhile), and triggers."""

import sqlalchemy as sa
from alembic import op

revision = "0006_claim_marks"
down_revision = "0005_resident_blocks"
IN_A_RANGE = sa.text("claim_range IS NOT NULL")


def upgrade() -> None:
    op.add_column("vouchers", sa.Column("marks", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("vouchers", sa.Column("claim_range", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_vouchers_claim_range",
        "vouchers",
        ["campaign_id", "claim_range"],
        sqlite_where=IN_A_RANGE,
        postgresql_where=IN_A_RANGE,
    )
    op.add_column(
        "resident_identities",
        sa.Column("virtual_operator", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER recyclings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON recyclings EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER recyclings_no_{act.lower()} BEFORE {act} ON recyclings"
            " BEGIN SELECT RAISE(ABORT, 'recyclings rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
