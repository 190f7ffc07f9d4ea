"""What is handed in at the same moment cannot pass a cap together."""

import threading
from concurrent.futures import ThreadPoolExecutor

from grader.domain.course import Handin
from grader.domain.job import Job, Lane
from grader.domain.policy import Cap, CapReached
from grader.domain.submission import Submission
from tests.contract.grading import NOW, OLD, RULES, Class

CAP = Cap(submissions=2, window_s=3600.0)
AT_ONCE = 6


def hand_in(school: Class, number: int, at: float, login: str = "amy") -> bool:
    """Whether it was taken."""
    files = Submission({"starter.py": b"x = %d" % number})
    handin = Handin(f"s-{login}-{number}", "c", "toy", school.ids[login], 0, files.digest, "api", at)
    job = Job(f"j-{login}-{number}", handin.id, "c", "toy", handin.person_id, OLD, "cpu", Lane.INTERACTIVE, 1, 3, at)
    try:
        school.store.submissions.add(handin, files, job, CAP)
    except CapReached:
        return False
    return True


def test_uploads_of_one_moment_share_the_cap(school: Class) -> None:
    ready = threading.Barrier(AT_ONCE)

    def upload(number: int) -> None:
        ready.wait()
        # taken up at once, so that the next one does not take its place at no cost
        if hand_in(school, number, NOW + number * 0.001):
            school.store.jobs.claim(f"j-amy-{number}", "w", f"{number:>064}", NOW + 1, RULES)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(upload, range(AT_ONCE)))
    taken = school.store.standings.taken_up("c", "toy", school.ids["amy"], NOW - 1)
    assert 1 <= len(taken) <= CAP.submissions


def test_what_was_run_is_taken_up_by_whoever_comes_first(school: Class) -> None:
    for number in range(CAP.submissions):
        assert hand_in(school, number, NOW + 10)
        school.claim(f"j-amy-{number}", NOW + 10)
    assert not hand_in(school, 7, NOW + 5), "it arrived before them and is written down after them"
    assert not hand_in(school, 8, NOW + 3600)
    assert hand_in(school, 9, NOW + 10, "bob"), "somebody else's are not counted"
    assert hand_in(school, 10, NOW + 3611)
