"""0027 complaints: what the public hands in, and each step of an office. New tables: safe while
the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0027_complaints"
down_revision = "0026_staff_proposals"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "complaints",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("form_id", sa.String(), nullable=False),
        sa.Column("form_digest", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=True),
        sa.Column("order_number", sa.String(), nullable=True),
        sa.Column("phone_hash", sa.String(), nullable=False),
        sa.Column("phone_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("phone_last4", sa.String(), nullable=False),
        sa.Column("photo_id", sa.String(), nullable=True),
        sa.Column("photo_digest", sa.String(), nullable=True),
        sa.Column("filed_at", TIME, nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("nth_of_day", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'assigned', 'answered', 'closed')",
            name=op.f("ck_complaints_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'received') = (office IS NULL)",
            name=op.f("ck_complaints_office_once_assigned"),
        ),
        sa.CheckConstraint("nth_of_day BETWEEN 1 AND 5", name=op.f("ck_complaints_few_a_day")),
        sa.CheckConstraint(
            "(photo_id IS NULL) = (photo_digest IS NULL)", name=op.f("ck_complaints_photo_whole")
        ),
        sa.CheckConstraint("due_on > filed_on", name=op.f("ck_complaints_due_after_filing")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_complaints")),
        sa.UniqueConstraint("form_id", name=op.f("uq_complaints_form_id")),
        sa.UniqueConstraint(
            "phone_hash",
            "filed_on",
            "nth_of_day",
            name=op.f("uq_complaints_phone_hash_filed_on_nth_of_day"),
        ),
    )
    op.create_index("ix_complaints_state_due_on", "complaints", ["state", "due_on"])
    op.create_table(
        "complaint_steps",
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint(
            "act IN ('assign', 'answer', 'close')", name=op.f("ck_complaint_steps_act_known")
        ),
        sa.CheckConstraint(
            "(act = 'answer') = (reply IS NOT NULL)",
            name=op.f("ck_complaint_steps_answer_has_words"),
        ),
        sa.CheckConstraint("position >= 1", name=op.f("ck_complaint_steps_position_positive")),
        sa.ForeignKeyConstraint(
            ["number"], ["complaints.number"], name=op.f("fk_complaint_steps_number")
        ),
        sa.PrimaryKeyConstraint("number", "position", name=op.f("pk_complaint_steps")),
    )
    _refuse_change("complaint_steps")


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
