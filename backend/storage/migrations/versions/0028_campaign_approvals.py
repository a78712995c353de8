"""0028 campaign approvals: campaigns are sent for approval by one and decided by another. New
tables alone: safe while the application runs; the release before still approves by one."""

import sqlalchemy as sa
from alembic import op

revision = "0028_campaign_approvals"
down_revision = "0027_complaints"

TABLES = ("campaign_submissions", "campaign_decisions")
CONDITIONS = {
    "decision_known": "decision IN ('approved', 'sent_back')",
    "two_people": "decided_by <> submitted_by",
    "sent_back_says_why": "(decision = 'sent_back') = (reason IS NOT NULL)",
}


def upgrade() -> None:
    op.create_table(
        "campaign_submissions",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_campaign_submissions_number_positive")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_submissions_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_submissions")),
        sa.UniqueConstraint(
            "campaign_id",
            "number",
            "submitted_by",
            name=op.f("uq_campaign_submissions_campaign_id_number_submitted_by"),
        ),
    )
    op.create_table(
        "campaign_decisions",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_campaign_decisions_{name}"))
            for name, condition in CONDITIONS.items()
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "number", "submitted_by"],
            [
                "campaign_submissions.campaign_id",
                "campaign_submissions.number",
                "campaign_submissions.submitted_by",
            ],
            name=op.f("fk_campaign_decisions_campaign_id_number_submitted_by"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_decisions")),
    )
    for table in TABLES:
        _forbid_changes(table)


def _forbid_changes(table: str) -> None:
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
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
