"""Brings a database to the schema this release needs, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

#: Any number, as long as everybody takes the same: only one process may migrate a Postgres database at a time.
_LOCK = 0x67726164


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply what is missing up to `revision`, all or nothing."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
