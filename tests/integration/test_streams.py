"""A job's tests in several processes of its judge at once: as one after the other, only sooner."""

import json
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.domain.errors import Fault
from grader.domain.run import Assignment, Event, RunResult
from tests.awaiting import until
from tests.contract.sandboxed import left_by
from tests.fake_grader import assignment
from worker import supervisor
from worker.attempt import read_assignment
from worker.sandbox.bubblewrap import Bubblewrap
from worker.warm.pool import Warm

LABS = Path(__file__).parents[2] / "labs"
NAMES = [f"test_{number:02}" for number in range(24)]
pytestmark = pytest.mark.bubblewrap


@pytest.fixture
def warm() -> Iterator[Warm]:
    with Warm(Bubblewrap(), slots=1, cores=(0, 1)) as pool:
        yield pool
    assert left_by(os.getpid()) == []


def suite(body: str, starter: str = "def one():\n    return 1\n", *, independent: bool = True) -> Assignment:
    """A lab of tests that all have this body; it knows its `number`."""
    head = "import os, random, signal\nimport numpy as np\nimport pytest\n"
    head += "FIRST, MET = os.getpid(), []\nHEAR, TELL = os.pipe()\n"
    inner = textwrap.indent(textwrap.dedent(body), "    ")
    tests = "".join(
        f"\ndef {name}(impl, record_property):\n    number = {i}\n{inner}\n" for i, name in enumerate(NAMES)
    )
    told = assignment(head + tests, starter=starter)
    listed = "".join(f'\n[[tests]]\nname = "{name}"\npoints = 1\nclaim = "one"\n' for name in NAMES)
    head = told["manifest"].partition("[[tests]]")[0].replace("max_score = 1", f"max_score = {len(NAMES)}")
    manifest = f"independent = {str(independent).lower()}\n{head}{listed}"
    work = read_assignment({**told, "manifest": manifest})
    more = {"pytest.ini": (LABS / "pytest.ini").read_bytes(), "tiny/lab.toml": manifest.encode()}
    return replace(work, bundle={**work.bundle, **more})


def ready(warm: Warm, work: Assignment) -> None:
    """One judge, and a guest for each core where the tests may be shared."""
    warm.prepare(work)
    until(lambda: warm.waiting(work) == (1, 1 + work.lab.independent), 60)


def played(warm: Warm, work: Assignment) -> tuple[RunResult, list[Event]]:
    ready(warm, work)
    events: list[Event] = []
    return supervisor.run(work, warm, events.append), events


def reported(result: RunResult) -> list[dict[str, Any]]:
    assert (result.fault, result.problem) == (None, "")
    report = json.loads(result.report or b"")
    tests: list[dict[str, Any]] = report["tests"]
    assert [test["nodeid"].partition("::")[2] for test in tests] == NAMES  # each once, in the spec's order
    assert report["summary"]["total"] == report["summary"]["collected"] == len(NAMES)
    return tests


def told(tests: list[dict[str, Any]], name: str) -> list[Any]:
    return [value for test in tests for one in test["user_properties"] for key, value in one.items() if key == name]


WHO = 'assert impl.one() == 1\nrecord_property("who", os.getpid())\n'
#: The first process goes on once the other has a test: however late its guest is, there is one left for it.
MEET = """
if not MET:
    MET.append(os.read(HEAR, 1) if os.getppid() == FIRST else os.write(TELL, b"!"))
"""


def test_idle_cores_share_the_tests(warm: Warm) -> None:
    result, events = played(warm, suite(MEET + WHO))
    assert len(set(told(reported(result), "who"))) == 2
    assert [event["tests"] for event in events if event["event"] == "collected"] == [NAMES]
    assert sorted(event["test"] for event in events if event["event"] == "test") == NAMES


def test_what_took_long_last_time_is_begun_first(warm: Warm) -> None:
    body = """
        import time
        record_property("at", time.monotonic())
        assert impl.one() == 1
        if number == 20:
            time.sleep(0.2)
    """
    work = suite(body)
    result, events = played(warm, work)
    assert "test_20" not in in_order(told(reported(result), "at"))[:4]
    took = {event["test"]: event["duration_s"] for event in events if event["event"] == "test"}
    longest = max(took, key=took.__getitem__)  # test_20, unless the machine is so busy that another took longer
    result, _ = played(warm, work)
    assert longest in in_order(told(reported(result), "at"))[:8]  # others overtake it where its core is busy


def in_order(times: list[float]) -> list[str]:
    return [NAMES[place] for place in sorted(range(len(times)), key=times.__getitem__)]


def test_tests_that_may_depend_on_each_other_stay_in_one_process(warm: Warm) -> None:
    result, _ = played(warm, suite(WHO, independent=False))
    assert len(set(told(reported(result), "who"))) == 1


def test_a_busy_core_is_not_shared(warm: Warm) -> None:
    work = suite(WHO)
    ready(warm, work)
    warm.cores.enter()  # somebody else's guest
    result, _ = played(warm, work)
    assert len(set(told(reported(result), "who"))) == 1


def test_a_guest_that_dies_is_the_loss_of_its_test_alone(warm: Warm) -> None:
    starter = "import os\ndef one():\n    return os.getpid() and 1\n\ndef die():\n    os.kill(1, 9)\n    os._exit(3)\n"
    work = suite("assert (impl.die() if number in (5, 6, 17) else impl.one()) == 1", starter)
    manifest = work.bundle["tiny/lab.toml"].decode().replace("[functions]", '[functions]\ndie = "() -> int"')
    result, _ = played(warm, replace(work, bundle={**work.bundle, "tiny/lab.toml": manifest.encode()}))
    outcomes = [test["outcome"] for test in reported(result)]
    assert [i for i, outcome in enumerate(outcomes) if outcome != "passed"] == [5, 6, 17]


def test_what_ran_out_of_time_in_the_background_is_run_again_where_it_has_a_core(warm: Warm) -> None:
    starter = f"""
        def one():
            nice = int(open("/proc/self/stat").read().rpartition(")")[2].split()[16])
            while nice > {os.nice(0)}:  # ours, and that of whoever is not in the background
                pass
            return 1
    """
    work = suite(MEET + WHO, textwrap.dedent(starter))
    manifest = work.bundle["tiny/lab.toml"].decode().replace("test_seconds = 60", "test_seconds = 1")
    result, events = played(warm, replace(work, bundle={**work.bundle, "tiny/lab.toml": manifest.encode()}))
    tests = reported(result)
    assert {test["outcome"] for test in tests} == {"passed"}
    assert len(set(told(tests, "who"))) == 1
    assert sorted(event["test"] for event in events if event["event"] == "test") == NAMES


def test_long_lines_of_all_processes_stay_whole(warm: Warm) -> None:
    body = 'assert impl.one() == 1\nrecord_property("diagnosis", {"message": str(number) * 200_000})\n'
    result, events = played(warm, suite(body))
    reported(result)
    messages = {event["test"]: event["diagnosis"]["message"] for event in events if event["event"] == "test"}
    assert messages == {name: str(i) * 200_000 for i, name in enumerate(NAMES)}


def test_global_generators_do_not_tell_who_ran_before(warm: Warm) -> None:
    body = 'assert impl.one() == 1\nrecord_property("drawn", [random.random(), float(np.random.random())])\n'
    alone, _ = played(warm, suite(body, independent=False))
    shared, _ = played(warm, suite(MEET + body))
    drawn = told(reported(alone), "drawn")
    assert drawn == told(reported(shared), "drawn")
    assert len({tuple(pair) for pair in drawn}) == len(NAMES)


@pytest.mark.parametrize("which", ["==", "!="])
def test_a_process_of_the_judge_that_dies_is_our_fault_and_no_verdict(warm: Warm, which: str) -> None:
    """FIRST is who read the spec; its child has the job, and that one's child is the second stream."""
    body = f"if os.getppid() {which} FIRST:\n    os.kill(os.getpid(), signal.SIGKILL)\nassert impl.one() == 1\n"
    result, _ = played(warm, suite(MEET + body))
    assert (result.report, result.fault) == (None, Fault.US)
    assert "the judge ended without a report" in result.problem
