"""0030 the public's voice: a programme's hotline and days for an answer, notices that are sent for
release, complaints and photos of placement checks that are cleared in time. Safe while the
application runs: new columns have defaults, every row that was allowed stays allowed. A draft of a
notice that waits to be released is sent for release once more."""

import sqlalchemy as sa
from alembic import op

revision = "0030_public_voice"
down_revision = "0029_money_lists"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "programmes",
        sa.Column("hotline", sa.String(), nullable=False, server_default="12345"),
    )
    op.add_column(
        "programmes",
        sa.Column(
            "complaint_answer_days",
            sa.Integer(),
            sa.CheckConstraint(
                "complaint_answer_days > 0",
                name=op.f("ck_programmes_complaint_answer_days_positive"),
            ),
            nullable=False,
            server_default="5",
        ),
    )
    _let_notices_be_submitted()
    op.add_column("complaint_steps", sa.Column("note", sa.String(), nullable=True))
    op.add_column(
        "complaints",
        sa.Column(
            "cleared_at",
            TIME,
            sa.CheckConstraint(
                "cleared_at IS NULL OR (state = 'closed' AND photo_id IS NULL"
                " AND phone_last4 = '' AND length(phone_encrypted) = 0)",
                name=op.f("ck_complaints_cleared_whole"),
            ),
            nullable=True,
        ),
    )
    op.create_table(
        "placement_clearings",
        sa.Column("check_id", sa.String(), nullable=False),
        sa.Column("cleared_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["check_id"], ["placement_checks.id"], name=op.f("fk_placement_clearings_check_id")
        ),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_placement_clearings")),
    )
    _refuse_change("placement_clearings")


def _let_notices_be_submitted() -> None:
    """Nothing refers to this table, so SQLite may copy it."""
    with op.batch_alter_table("public_notices") as batch:
        batch.add_column(sa.Column("edition", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("submitted_at", TIME, nullable=True))
        for name in ("state_known", "published_whole"):
            batch.drop_constraint(op.f(f"ck_public_notices_{name}"), type_="check")
        batch.create_check_constraint(
            op.f("ck_public_notices_state_known"),
            "state IN ('draft', 'submitted', 'published', 'withdrawn')",
        )
        batch.create_check_constraint(
            op.f("ck_public_notices_published_whole"),
            "(published_by IS NULL) = (published_at IS NULL)"
            " AND (state <> 'published' OR published_at IS NOT NULL)"
            " AND (state NOT IN ('draft', 'submitted') OR published_at IS NULL)",
        )
        batch.create_check_constraint(
            op.f("ck_public_notices_submitted_once_sent"),
            "state <> 'submitted' OR submitted_at IS NOT NULL",
        )


def _refuse_change(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {table} EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
