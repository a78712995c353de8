"""0024 desks of shops: owners among clerks, one-time numbers, browsers. Safe while the application
runs: every clerk there is stays a clerk until somebody makes him the owner."""

import sqlalchemy as sa
from alembic import op

revision = "0024_desk"
down_revision = "0023_amount_codes"
TIME = sa.DateTime(timezone=True)
OWNS = sa.text("state = 'active' AND role = 'owner'")


def upgrade() -> None:
    with op.batch_alter_table("clerks") as batch:
        batch.add_column(sa.Column("role", sa.String(), server_default="clerk", nullable=False))
        batch.create_check_constraint(op.f("ck_clerks_role_known"), "role IN ('owner', 'clerk')")
    op.create_index(
        "uq_clerks_owner_active",
        "clerks",
        ["merchant_id"],
        unique=True,
        sqlite_where=OWNS,
        postgresql_where=OWNS,
    )
    op.create_table(
        "desk_codes",
        sa.Column("clerk_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerks.id"], name=op.f("fk_desk_codes_clerk_id")),
        sa.PrimaryKeyConstraint("clerk_id", name=op.f("pk_desk_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_desk_codes_code_hash")),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("clerk_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_by IS NULL)",
            name=op.f("ck_desk_sessions_ended_by_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["clerk_id"], ["clerks.id"], name=op.f("fk_desk_sessions_clerk_id")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["clerks.id"], name=op.f("fk_desk_sessions_ended_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_desk_sessions_token_hash")),
    )
    op.create_index("ix_desk_sessions_clerk_id", "desk_sessions", ["clerk_id"])


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
