"""0033 revoked sign-ins: an index that finds at once what was revoked of late. Safe while the
application runs: on PostgreSQL it is built beside the work."""

import sqlalchemy as sa
from alembic import op

revision = "0033_revoked_sign_ins"
down_revision = "0032_files_again"
NAME = "ix_sign_ins_revoked"
REVOKED = sa.text("revoked_at IS NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(NAME, "sign_ins", ["revoked_at"], sqlite_where=REVOKED)
        return
    # No transaction around it; what an interrupted run left half built is built anew.
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "sign_ins", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME,
            "sign_ins",
            ["revoked_at"],
            postgresql_where=REVOKED,
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
