"""Where the time of jobs went: kept with each result, and added up by queue, sandbox and stage."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from grader.domain.errors import Fault
from grader.domain.timing import BUCKETS, bucket
from tests.contract.grading import NOW, RULES, Class, earning

TOLD = {"claimed": 0.25, "tests": 1.5, "scoring": 0.125}


def test_the_stages_of_a_result_begin_with_its_acceptance(school: Class) -> None:
    job = school.hand_in(at=NOW)
    assert school.store.jobs.offer({"cpu": 1}, NOW + 2) == [(job.id, "cpu")]
    attempt = school.claim(job.id, NOW + 2.5).attempt
    assert school.store.jobs.stages(job.id) == {}
    result = replace(earning(10), sandbox="bubblewrap", stages=TOLD)
    assert school.store.jobs.finish(job.id, attempt, result, NOW + 5)
    assert school.store.jobs.stages(job.id) == {"waiting": 2.0, "offered": 0.5, "returning": 0.625, **TOLD}
    figures = school.store.operations.figures(NOW + 5).stages
    assert set(figures) == {("cpu", "bubblewrap", stage) for stage in ("waiting", "offered", "returning", *TOLD)}
    tests = figures["cpu", "bubblewrap", "tests"]
    assert (sum(tests.counts), tests.counts[bucket(1.5)], tests.total_s) == (1, 1, 1.5)


def test_an_attempt_that_was_given_back_does_not_count(school: Class) -> None:
    job = school.hand_in(at=NOW)
    school.claim(job.id, NOW + 1)
    school.store.jobs.give_back(job.id, 1, Fault.US, "it broke", NOW + 2, RULES)
    assert school.store.jobs.stages(job.id) == {}
    assert school.store.operations.figures(NOW + 2).stages == {}
    attempt = school.claim(job.id, NOW + 10).attempt
    assert school.store.jobs.finish(job.id, attempt, earning(10), NOW + 11)
    assert school.store.jobs.stages(job.id)["waiting"] == 10 - 2 - RULES.retry_s  # from when it could have run again


def test_results_of_one_moment_are_all_counted(school: Class) -> None:
    jobs = [school.hand_in(login, lab) for login in ("amy", "bob", "cat") for lab in ("toy", "two", "three")]
    for job in jobs:
        school.claim(job.id)
    with ThreadPoolExecutor(len(jobs)) as pool:
        done = pool.map(
            lambda job: school.store.jobs.finish(job.id, 1, replace(earning(4), stages=TOLD), NOW + 9), jobs
        )
        assert all(done)
    figures = school.store.operations.figures(NOW + 9).stages
    assert {stage: sum(one.counts) for (_, _, stage), one in figures.items()} == dict.fromkeys(
        ("waiting", "offered", "returning", *TOLD), len(jobs)
    )
    assert figures["cpu", "", "tests"].total_s == pytest.approx(1.5 * len(jobs))


def test_a_stage_longer_than_every_bucket_falls_into_the_last() -> None:
    assert [bucket(seconds) for seconds in (0, 0.005, 0.0051, 300, 301)] == [0, 0, 1, len(BUCKETS) - 1, len(BUCKETS)]
