"""One job's seat at a bench: a judge that has begun with it, and guests for it."""

import secrets
import time
from collections.abc import Callable, Sequence

from grader.domain.run import Assignment, Event
from worker import roles
from worker.guests import Guest
from worker.warm import sizing
from worker.warm.bench import Bench
from worker.warm.judge import Judge

Later = Callable[[Callable[[], None]], None]
"""Do something in the background, soon."""


class Seat:
    """Use it with `begin` first; `leave` when the job is over, told whether its judge gave a report.

    `sockets`: where its guests knock, one for each stream that the job's tests run in.
    """

    def __init__(self, bench: Bench, judge: Judge, assignment: Assignment, later: Later) -> None:
        self.judge = judge
        self.sockets = judge.sockets[: bench.streams(assignment)]
        self._bench = bench
        self._assignment = assignment
        self._later = later

    def begin(self, first_guests: Sequence[Callable[[str], None]]) -> bool:
        """Hand the job to the judge, and start the first guest of each stream meanwhile; whether it has begun.

        Where it has not, nothing of the job has happened. Raises SandboxError.
        """
        tokens = [secrets.token_hex(16) for _ in first_guests]
        self.judge.give({**roles.judge_job(self._assignment), "tokens": tokens, "took": self._bench.took()})
        for start, token in zip(first_guests, tokens, strict=True):
            start(token)
        return self.judge.has_begun()

    def heard(self, event: Event) -> None:
        """What the judge tells of this job."""
        if event["event"] == "test" and event.get("outcome") == "passed":
            self._bench.learn(str(event["test"]), float(event["duration_s"]))

    def take_guest(self, stream: int) -> Guest:
        """A guest for a stream that has seen nobody; in the background but for the first. Raises SandboxError."""
        return self._bench.take_guest(background=stream > 0)

    def drop_guest(self, guest: Guest) -> None:
        """It is used: end it, off the job's path."""

        def end() -> None:
            time.sleep(sizing.REST_SECONDS)  # the job has a result to report first
            guest.running.close()

        self._bench.leave_core(guest)
        self._later(end)

    def leave(self, *, reported: bool) -> None:
        """The job is over."""
        bench, judge = self._bench, self.judge
        self._later((lambda: bench.put_back(judge)) if reported else (lambda: bench.dismiss(judge)))
