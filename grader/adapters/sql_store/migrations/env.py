"""Alembic's entry: runs inside the connection and the transaction that `migrate.upgrade` has opened."""

from alembic import context

from grader.adapters.sql_store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
)
context.run_migrations()
