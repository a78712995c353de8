"""0026 staff proposals: new accounts and other roles wait for a second administrator. One new
table: safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0026_staff_proposals"
down_revision = "0025_public_notices"

OPEN = sa.text("decided_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "staff_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("login_name", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("office", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('account', 'role')", name="kind_known"),
        sa.CheckConstraint(
            "(kind = 'account') = (display_name IS NOT NULL)"
            " AND (kind = 'account') = (office IS NOT NULL)",
            name="a_new_account_is_named",
        ),
        sa.CheckConstraint(
            "role IN ('bureau_operator', 'bureau_approver', 'finance', 'market_regulator', 'tax',"
            " 'tourism', 'media', 'bank', 'superior_bank', 'partner', 'auditor', 'administrator')",
            name="role_known",
        ),
        sa.CheckConstraint("decision IN ('confirmed', 'refused')", name="decision_known"),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL)"
            " AND (decision IS NULL) = (decided_by IS NULL)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint(
            "decision <> 'confirmed' OR decided_by <> requested_by",
            name="two_people",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_proposals"),
    )
    op.create_index(
        "uq_staff_proposals_open",
        "staff_proposals",
        ["login_name"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
