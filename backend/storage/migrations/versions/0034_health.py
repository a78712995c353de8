"""0034 health: each job's last run, and what the daily checks found. New tables: safe while the
application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0034_health"
down_revision = "0033_revoked_sign_ins"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("length_ms", sa.Integer(), nullable=False),
        sa.Column("handled", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("succeeded_at", TIME, nullable=True),
        sa.CheckConstraint(
            "length_ms >= 0 AND failures >= 0", name=op.f("ck_job_runs_counts_sign")
        ),
        sa.CheckConstraint(
            "(error IS NULL) = (failures = 0)", name=op.f("ck_job_runs_failed_with_an_error")
        ),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "check_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("first_fault", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('ledger', 'audit')", name=op.f("ck_check_runs_kind_known")),
        sa.CheckConstraint(
            "looked_at >= 0 AND faults >= 0", name=op.f("ck_check_runs_counts_sign")
        ),
        sa.CheckConstraint(
            "(faults = 0) = (first_fault IS NULL)", name=op.f("ck_check_runs_a_fault_is_named")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_runs")),
    )
    op.create_index("ix_check_runs_kind_at", "check_runs", ["kind", "at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER check_runs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            " ON check_runs EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER check_runs_no_{act.lower()} BEFORE {act} ON check_runs"
            f" BEGIN SELECT RAISE(ABORT, 'check_runs rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
