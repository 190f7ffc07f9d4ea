"""Processes over one PostgreSQL hear of each other's changes at once, also after the connection was lost."""

import queue
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from grader.adapters.sql_store import SqlStore

SOON = 20.0
_END_LISTENERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN grader_changed'"


@pytest.fixture
def stores(url: str) -> Iterator[tuple[SqlStore, SqlStore]]:
    """Two processes' stores over one database."""
    both = SqlStore(url), SqlStore(url)
    both[0].migrate()
    yield both
    for store in both:
        store.close()


def tell_until_heard(store: SqlStore, job: str, heard: "queue.SimpleQueue[str]") -> None:
    """A listener takes a moment until it is connected."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        store.news.tell(job)
        try:
            while heard.get(timeout=0.2) != job:
                pass
        except queue.Empty:
            continue
        return
    pytest.fail("nobody heard of it")


def test_another_process_hears_of_a_change(stores: tuple[SqlStore, SqlStore], url: str) -> None:
    here, there = stores
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    here.news.listen(heard.put)
    if url.startswith("sqlite"):
        there.news.tell("job-1")  # one process is the whole service: nobody else is there to hear
        assert heard.empty()
        return
    tell_until_heard(there, "job-1", heard)
    while not heard.empty():
        heard.get()
    there.news.tell("job-2")
    assert heard.get(timeout=SOON) == "job-2"
    engine = create_engine(url)
    with engine.begin() as db:
        assert db.execute(text(_END_LISTENERS)).all()
    engine.dispose()
    tell_until_heard(there, "job-3", heard)
