"""0034 partner calls: when a key was last believed, and the files of partners that were refused. A
nullable column and a new table: safe while the application runs."""

import sqlalchemy as sa
from alembic import op

revision = "0034_partner_calls"
down_revision = "0033_revoked_sign_ins"
TABLE = "partner_file_refusals"


def upgrade() -> None:
    op.add_column(
        "partner_keys", sa.Column("last_call_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partners.id"], name=op.f(f"fk_{TABLE}_partner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint(
            *("partner_id", "name", "digest", "code"),
            name=op.f(f"uq_{TABLE}_partner_id_name_digest_code"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
            f" ON {TABLE} EXECUTE FUNCTION refuse_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE}"
            f" BEGIN SELECT RAISE(ABORT, '{TABLE} rows are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("rows are never dropped; write a new migration forward")
