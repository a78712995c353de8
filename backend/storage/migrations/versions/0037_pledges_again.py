"""0037 pledges again: a merchant signs each version of the pledge, so its key names the version.
Safe while the application runs: what stands there stays, and the old release adds first ones."""

from alembic import op

revision = "0037_pledges_again"
down_revision = "0036_list_keys"


def upgrade() -> None:
    """Nothing refers to this table, so SQLite may copy it; its triggers are made anew."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for act in ("update", "delete"):
            op.execute(f"DROP TRIGGER pledges_no_{act}")
    with op.batch_alter_table("pledges") as batch:
        batch.drop_constraint("pk_pledges", type_="primary")
        batch.create_primary_key("pk_pledges", ["merchant_id", "text_version"])
    if sqlite:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER pledges_no_{act.lower()} BEFORE {act} ON pledges"
                " BEGIN SELECT RAISE(ABORT, 'pledges rows are never changed'); END"
            )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
