"""A desk where people hand in, over a store with a course of one lab, for tests of jobs."""

from grader.adapters.sql_store import SqlStore
from grader.domain.course import Handin
from grader.domain.job import Job, JobRules, JobState, Lane, Outcome
from grader.domain.submission import Submission

RULES = JobRules(lease_s=10, offer_s=5, max_attempts=3, retry_s=2)
NOW = 1_000_000.0
MANIFEST = """\
id = "toy"
title = "Toy"
order = 1
submission = ["starter.py"]
max_score = 1

[functions]
answer = "() -> int"

[[tests]]
name = "test_answer"
points = 1
claim = "it answers"
"""
GRADED = Outcome(JobState.GRADED, b'{"tests": []}', 1, 1, (("test_answer", 1),), sandbox="fake", duration_s=0.5)


class Desk:
    """Hands in for people and keeps count."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.superseded: list[str] = []
        self._made = 0

    def hand_in(
        self, login: str = "amy", *, at: float = NOW, text: str = "", lab: str = "toy", lane: Lane = Lane.INTERACTIVE,
        queue: str = "cpu", max_attempts: int = 3,
    ) -> tuple[Handin, Job]:  # fmt: skip
        """Hand something in; new each time unless `text` is given."""
        self._made += 1
        owner = self.store.accounts.person(login)
        assert owner is not None
        files = Submission({"starter.py": (text or f"x = {self._made}").encode()})
        handin = Handin(f"s{self._made:03}", "c", lab, owner.id, 0, files.digest, "api", at)
        job = Job(
            f"j{self._made:03}", handin.id, "c", lab, owner.id, "1" * 64, queue, lane, 2**63 - 1, max_attempts, at
        )
        added = self.store.submissions.add(handin, files, job)
        self.superseded += added.superseded
        kept = added.handin
        return kept, self.store.jobs.of_submission(kept.id)[0]

    def running(self, login: str = "amy", *, at: float = NOW, **how: object) -> Job:
        """A job that a worker owns, with the token `t`."""
        _, job = self.hand_in(login, at=at, **how)  # type: ignore[arg-type]
        claimed = self.store.jobs.claim(job.id, "w", "t" * 64, at, RULES)
        assert claimed is not None
        return claimed

    def kinds(self, job: Job) -> list[str]:
        """What was told of a job."""
        return [event.kind for event in self.store.jobs.events(job.id)]
