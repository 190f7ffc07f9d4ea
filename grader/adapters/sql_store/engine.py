"""Connections. SQLite needs care: by default it silently loses updates (two readers, then two writers)."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError

from grader.adapters.sql_store.folding import prepare
from grader.domain.errors import StoreDown

BUSY_SECONDS = 15
#: A connection that worked so lately works.
FRESH_S = 1.0
_USED = "used"
_PASSING = "passing"
_PRAGMAS = (
    "synchronous=full",  # an acknowledged submission survives the loss of power
    "foreign_keys=on",
    f"busy_timeout={BUSY_SECONDS * 1000}",
)


def make_engine(url: str) -> Engine:
    """An engine for `url`. Every transaction on SQLite takes the write lock when it begins."""
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(url, pool_size=10, max_overflow=20, connect_args={"connect_timeout": 5})
        _ping_what_was_idle(engine)
        return engine
    # kept open: opening one, and the checkpoint when the last is closed, would cost more than most transactions
    engine = create_engine(url, pool_size=5, max_overflow=60, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _ping_what_was_idle(engine: Engine) -> None:
    """Find out whether a connection that was idle still works; asking each time would double small reads."""

    def ping(connection: Any, record: Any, proxy: object) -> None:
        used = record.info.get(_USED)  # None on a connection that was just made
        if used is None or time.monotonic() - used < FRESH_S:
            return
        dialect = engine.dialect
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("it was closed") from error  # the pool opens others instead

    def note(connection: object, record: Any) -> None:
        record.info[_USED] = time.monotonic()

    event.listen(engine, "checkout", ping)
    event.listen(engine, "checkin", note)


def _prepare(connection: Any, record: object) -> None:
    connection.isolation_level = None  # sqlite3 must not begin transactions of its own
    prepare(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"pragma {pragma}")
    _keep_a_log(connection)


def _keep_a_log(connection: Any) -> None:
    """Readers and one writer at once (WAL). Of processes that turn a new database to it together, SQLite refuses all
    but one, without the wait that `busy_timeout` asks for everywhere else."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)  # no event tells when the other is done
        else:
            return


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("read_only"):
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql("PRAGMA synchronous=normal" if options.get(_PASSING) else "PRAGMA synchronous=full")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Transactions:
    """What the parts of the store share: one engine, one transaction per call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # each statement sees what is committed when it begins, in a transaction of PostgreSQL or without: two round
        # trips fewer
        alone = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._reading = engine.execution_options(read_only=True, **alone)
        self._passing = engine.execution_options(**{_PASSING: True})

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """A transaction that may write. Raises StoreDown where the database cannot be reached or written."""
        with _told(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _note(self) -> Iterator[Connection]:
        """As `_write`, for what may be forgotten when the machine loses its power: it is not waited for the disk.

        It survives the end of every process, and a later `_write` takes it along: the two never contradict each other.
        """
        with _told(), self._passing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A transaction that only reads, and on SQLite waits for no writer."""
        with _told(), self._reading.connect() as connection:
            yield connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, Exception) and type(error.orig).__name__ in _DOWN:
            raise StoreDown(f"the database does not answer: {str(error.orig)[:200]}") from error
        raise
    except SQLAlchemyError as error:
        if type(error).__name__ == "TimeoutError":  # the pool's: every connection is in use
            raise StoreDown("the database does not answer: no connection is free") from error
        raise


#: What drivers raise for a lost connection, a full or read-only disk and a lock that is never free.
_DOWN = (
    "OperationalError",
    "InterfaceError",
    "AdminShutdown",
    "CrashShutdown",
    "CannotConnectNow",
    "ConnectionTimeout",
    "DiskFull",
    "ReadOnlySqlTransaction",
    "TooManyConnections",
)
