"""0021 exports: tables that a job writes as Excel files. Safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0021_exports"
down_revision = "0020_wechat_pushes"
TIME = sa.DateTime(timezone=True)
OPEN = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("table_name", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("query_digest", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", TIME, nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'forgotten')",
            name=op.f("ck_exports_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'running') = (leased_until IS NOT NULL)",
            name=op.f("ck_exports_running_leased"),
        ),
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (finished_at IS NULL)",
            name=op.f("ck_exports_open_or_finished"),
        ),
        sa.CheckConstraint(
            "rows_done >= 0 AND attempts >= 0", name=op.f("ck_exports_counts_signs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(
        "uq_exports_open",
        "exports",
        ["asked_by", "table_name", "query_digest"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_exports_asked", "exports", ["asked_by", "asked_at"])


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
