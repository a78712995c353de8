"""0002 what was written stays: transfers, redemptions, publications and the audit log refuse
UPDATE and DELETE in the database itself. Safe while the application runs: it does neither."""

from alembic import op

revision = "0002_append_only"
down_revision = "0001_initial"

TABLES = (
    "transfers",
    "redemptions",
    "merchant_list_versions",
    "merchant_list_entries",
    "audit_entries",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION '% rows are never changed', TG_TABLE_NAME; END $$"
        )
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE"
                f" ON {table} EXECUTE FUNCTION refuse_change()"
            )
        return
    for table in TABLES:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} rows are never changed'); END"
            )


def downgrade() -> None:
    raise NotImplementedError("money rows are never dropped; write a new migration forward")
