"""0003 claim rules: the hour of a daily release, claim windows and an area on campaigns. Safe while
the application runs: it only adds columns that may be empty."""

import sqlalchemy as sa
from alembic import op

revision = "0003_claim_rules"
down_revision = "0002_append_only"


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("release_minute", sa.Integer(), nullable=True))
    for name in ("claim_windows", "claim_area"):
        op.add_column("campaigns", sa.Column(name, sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
