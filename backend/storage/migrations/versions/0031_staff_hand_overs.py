"""0031 staff hand-overs: the first half of a one-time password waits for who asked for it. One new
table: safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0031_staff_hand_overs"
down_revision = "0030_public_voice"


def upgrade() -> None:
    op.create_table(
        "staff_hand_overs",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("half_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("held_for", sa.String(), nullable=False),
        sa.CheckConstraint("held_for = lower(held_for)", name="folded"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["staff_accounts.id"],
            name="fk_staff_hand_overs_account_id_staff_accounts",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_staff_hand_overs"),
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
