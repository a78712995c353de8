"""0020 messages of WeChat that were acted on, and what users said of messages. New tables alone:
safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0020_wechat_pushes"
down_revision = "0019_staff"
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "wechat_pushes",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("wechat_user_id", sa.Integer(), nullable=False),
        sa.Column("happened_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["wechat_user_id"], ["wechat_users.id"], name="fk_wechat_pushes_wechat_user_id"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_wechat_pushes"),
    )
    op.create_table(
        "message_permissions",
        sa.Column("wechat_user_id", sa.Integer(), nullable=False),
        sa.Column("template_id", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("told_at", TIME, nullable=False),
        sa.CheckConstraint(
            "answer IN ('accept', 'reject')", name=op.f("ck_message_permissions_answer_known")
        ),
        sa.ForeignKeyConstraint(
            ["wechat_user_id"], ["wechat_users.id"], name="fk_message_permissions_wechat_user_id"
        ),
        sa.PrimaryKeyConstraint("wechat_user_id", "template_id", name="pk_message_permissions"),
    )
    _add_triggers("wechat_pushes")


def _add_triggers(table: str) -> None:
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
