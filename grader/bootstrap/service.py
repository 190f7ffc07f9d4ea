"""The grader's steps over its database, without a server: what `grader course` needs, and the site is built on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.adapters.git_repositories import GitRepositories
from grader.adapters.lab_folder import CourseFolder
from grader.adapters.sql_store import SqlStore
from grader.adapters.sql_store.news import News
from grader.adapters.submission_files import SubmissionFiles
from grader.domain.job import JobRules
from grader.settings import Settings
from grader.steps.service import Service
from grader.web.watching import Watchers

#: Who the first link is for, until a roster says otherwise.
FIRST_PERSON = "instructor"


def build_service(settings: Settings, watchers: Watchers | None = None, woken: Any = None) -> Service:
    """The grader's steps over the database of `settings`, brought up to date first. Raises StoreDown."""
    store = SqlStore(settings.database_url)
    if settings.database is None:
        settings.home.mkdir(parents=True, exist_ok=True)
    store.migrate()
    for course in store.standings.stale():
        store.standings.rebuild(course)
    rules = JobRules(lease_s=settings.lease_s, offer_s=settings.offer_s, max_attempts=settings.max_attempts)
    hooks: dict[str, Any] = {} if watchers is None else {"changed": _everywhere(watchers, store.news), "woken": woken}
    return Service(
        store=store,
        clock=time.time,
        key=settings.secret(),
        snapshots=SubmissionFiles,
        shelf=lambda folder: CourseFolder(Path(folder)),
        rules=rules,
        **hooks,
    )


def build_repositories(settings: Settings) -> GitRepositories:
    """Students' repositories, and what their courses give out."""
    return GitRepositories(settings.home.resolve() / "repositories")


def _everywhere(watchers: Watchers, news: News) -> Callable[[str], None]:
    """Tell of a job here, and in the other processes of this service."""

    def changed(job_id: str) -> None:
        watchers.changed(job_id)
        news.tell(job_id)

    news.listen(watchers.changed)
    return changed
