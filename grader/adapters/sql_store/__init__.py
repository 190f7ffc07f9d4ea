"""The store on SQLAlchemy: SQLite for one machine, Postgres for many, by URL alone."""

from sqlalchemy import Engine

from grader.adapters.sql_store.accounts import SqlAccounts
from grader.adapters.sql_store.courses import SqlCourses
from grader.adapters.sql_store.deliveries import SqlDeliveries
from grader.adapters.sql_store.engine import make_engine
from grader.adapters.sql_store.jobs import SqlJobs
from grader.adapters.sql_store.migrate import upgrade
from grader.adapters.sql_store.news import News
from grader.adapters.sql_store.notices import SqlNotices
from grader.adapters.sql_store.operations import SqlOperations
from grader.adapters.sql_store.publications import SqlPublications
from grader.adapters.sql_store.reruns import SqlReruns
from grader.adapters.sql_store.standings import SqlStandings
from grader.adapters.sql_store.submissions import SqlSubmissions


class SqlStore:
    """Satisfies `Store`. Call `migrate` before the first use of a database."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = make_engine(url)
        self.accounts = SqlAccounts(self._engine)
        self.courses = SqlCourses(self._engine)
        self.submissions = SqlSubmissions(self._engine)
        self.jobs = SqlJobs(self._engine)
        self.operations = SqlOperations(self._engine)
        self.deliveries = SqlDeliveries(self._engine)
        self.publications = SqlPublications(self._engine)
        self.standings = SqlStandings(self._engine)
        self.reruns = SqlReruns(self._engine)
        self.notices = SqlNotices(self._engine)
        self.news = News(self._engine)

    def migrate(self, revision: str = "head") -> None:
        """Bring the database to this revision; data is kept. Safe to call from several processes at once."""
        upgrade(self._engine, revision)

    def close(self) -> None:
        """Give its connections back."""
        self.news.stop()
        self._engine.dispose()
