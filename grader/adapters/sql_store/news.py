"""Tells the other processes of this service at once what has changed, where the database can: PostgreSQL's NOTIFY.

Whoever does not hear of it finds out by looking: nothing depends on this but how soon a page or a push shows it.
"""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

CHANNEL = "grader_changed"
#: How often a listener looks whether it is to end, and how long it waits for a database that went away. Seconds.
LOOK_S, AGAIN_S = 1.0, 1.0
log = logging.getLogger(__name__)


class News:
    """Passes names of jobs on between the processes over one database; on SQLite it does nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._works = engine.dialect.name == "postgresql"
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, job_id: str) -> None:
        """A job has changed. Never raises: what it tells of is written down already."""
        if not self._works:
            return
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(select(func.pg_notify(CHANNEL, job_id)))
        except SQLAlchemyError as error:
            log.warning("other processes hear later of a change: %s", error)

    def listen(self, heard: Callable[[str], None]) -> None:
        """From now on call `heard`, in a thread of its own, with each job that any process tells of, this one too."""
        if self._works and self._thread is None:
            self._thread = threading.Thread(target=self._listen, args=[heard], name="news", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._ended.set()
        if self._thread is not None:
            self.tell("")  # wakes it up
            self._thread.join()

    def _listen(self, heard: Callable[[str], None]) -> None:
        while not self._ended.is_set():
            try:
                self._hear(heard)
            except (DBAPIError, OSError) as error:
                log.warning("no news of other processes for a moment: %s", error)
                self._ended.wait(AGAIN_S)

    def _hear(self, heard: Callable[[str], None]) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            driver = connection.connection.driver_connection
            assert driver is not None, "it is connected"
            try:
                while not self._ended.is_set():
                    for told in driver.notifies(timeout=LOOK_S, stop_after=1):
                        heard(told.payload)
            except self._engine.dialect.loaded_dbapi.Error as error:
                raise OSError(str(error)) from error
            finally:
                connection.invalidate()  # a connection that listens is of no use to anybody else
