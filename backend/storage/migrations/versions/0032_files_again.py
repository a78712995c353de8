"""0032 files again: bytes of an outside file that were superseded may come in force again. One
constraint less, which the index of what is in force covers: safe while the application runs."""

from alembic import op

revision = "0032_files_again"
down_revision = "0031_staff_hand_overs"


def upgrade() -> None:
    with op.batch_alter_table("outside_files") as batch:
        batch.drop_constraint("uq_outside_files_kind_party_day_digest", type_="unique")


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
