"""Run migrations on the application's own engine; `flask db upgrade` comes here."""

from alembic import context
from flask import current_app

from backend.extensions import db

LOCK_TIMEOUT_MS = 4_000  # a migration that cannot have its lock gives way to the running city


def run() -> None:
    """Upgrade or compare the schema, each migration in a transaction of its own."""
    engine = db.engine
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            transactional_ddl=True,  # SQLite's too: sql.py says BEGIN itself
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
