"""Warm judges and guests for real: the same reports as cold ones, and nothing of one job in the next."""

import json
import os
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.domain.run import Assignment, RunResult
from grader.domain.submission import Submission
from tests.awaiting import until
from tests.contract.sandboxed import left_by
from tests.fake_grader import assignment
from worker import supervisor
from worker.attempt import read_assignment
from worker.sandbox import Sandbox
from worker.sandbox.bubblewrap import Bubblewrap
from worker.warm.pool import Warm

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
CASES = sorted(file.parent for file in (ROOT / "tests" / "golden").glob("*/expected.json"))


@pytest.fixture
def warm(sandbox: Sandbox) -> Iterator[Warm]:
    if "runsc" in sandbox.name and not os.environ.get("GRADER_TEST_RUNSC"):
        pytest.skip("docker+runsc: kept warm where GRADER_TEST_RUNSC is set")
    with Warm(sandbox, slots=1) as pool:
        yield pool
    assert left_by(os.getpid()) == []


def run(sandbox: Sandbox, work: Assignment) -> RunResult:
    result = supervisor.run(work, sandbox, lambda event: None)
    assert (result.fault, result.problem) == (None, "")
    return result


def ready(warm: Warm, work: Assignment) -> None:
    warm.prepare(work)
    until(lambda: min(warm.waiting(work)) >= 1, 60)


def warmly(warm: Warm, work: Assignment) -> RunResult:
    """Run it by what waits; a judge of its own would take longer to begin than this allows."""
    ready(warm, work)
    result = run(warm, work)
    assert result.stages["start"] < 0.2 * sum(result.stages.values()) + 0.2
    return result


def timeless(report: Any) -> Any:
    """A report without what no two runs share: times, and the process's addresses in texts."""
    if isinstance(report, dict):
        return {key: timeless(value) for key, value in report.items() if key not in ("created", "duration", "used_s")}
    return [timeless(part) for part in report] if isinstance(report, list) else report


def report_of(result: RunResult) -> Any:
    return timeless(json.loads(result.report or b"null"))


def tiny(spec: str, starter: str = "def one():\n    return 1\n", seed: int = 7) -> Assignment:
    """The tiny lab with labkit's fixtures."""
    told = assignment(textwrap.dedent(spec), starter=starter)
    work = read_assignment(told)
    more = {"pytest.ini": (LABS / "pytest.ini").read_bytes(), "tiny/lab.toml": told["manifest"].encode()}
    return replace(work, bundle={**work.bundle, **more}, seed=seed)


def properties(result: RunResult) -> dict[str, Any]:
    (test,) = json.loads(result.report or b"")["tests"]
    assert test["outcome"] == "passed", test
    return {name: value for one in test["user_properties"] for name, value in one.items() if name != "used_s"}


@pytest.mark.bubblewrap
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_warm_report_is_the_cold_one(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    folder = CourseFolder(LABS).find(expected["lab"])
    submission = Submission({"starter.py": (case / "starter.py").read_bytes()})
    work = Assignment(folder.lab, folder.bundle(), folder.path, submission, expected["seed"])
    with Warm(Bubblewrap(), slots=1) as pool:
        warm = warmly(pool, work)
    assert report_of(warm) == report_of(run(Bubblewrap(), work))


def test_in_every_sandbox_and_for_chosen_tests_too(sandbox: Sandbox, warm: Warm) -> None:
    folder = CourseFolder(LABS).find("lab-04")
    submission = Submission({"starter.py": (LABS / folder.path / "examples/half_right.py").read_bytes()})
    names = tuple(test.name for test in folder.lab.tests)
    work = Assignment(folder.lab, folder.bundle(), folder.path, submission, 5)
    for chosen in (None, (names[4], names[1])):
        some = replace(work, tests=chosen)
        ready(warm, some)
        assert report_of(warmly(warm, some)) == report_of(run(sandbox, some))


LOOK_AND_LEAVE = """
    import os, random, socket, subprocess, sys, threading
    from pathlib import Path
    import numpy as np

    STATE = []
    PLACES = ("/work", "/work/course", "/work/harness", "/work/course/labkit")

    def files():
        return sorted(f"{path} {path.lstat().st_mode}" for path in Path("/work").rglob("*"))

    def descriptors():
        places = [Path("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
        found = [str(place.readlink()) for place in places if place.is_symlink()]
        return sorted(name.partition("[")[0] for name in found if not name.startswith("/proc"))

    def test_one(impl, record_property, pytestconfig, tmp_path_factory):
        record_property("state", [list(STATE), hasattr(np, "marked"), hasattr(pytestconfig, "marked")])
        record_property("random", [random.random(), float(np.random.random())])
        record_property("environment", sorted(f"{k}={v}" for k, v in os.environ.items()))
        record_property("files", files())
        record_property("descriptors", descriptors())
        record_property("modules", sorted(sys.modules))
        record_property("path", list(sys.path))
        record_property("place", [os.getcwd(), os.umask(0), os.getpriority(os.PRIO_PROCESS, 0)])
        record_property("threads", threading.active_count())
        record_property("processes", len([pid for pid in os.listdir("/proc") if pid.isdigit()]))
        parent = Path(f"/proc/{os.getppid()}/stat")
        record_property("parent", parent.read_text().rpartition(")")[2].split()[19] if parent.exists() else "none")
        assert impl.one() == 1
        STATE.append(1)
        np.marked = pytestconfig.marked = True
        random.seed(1)
        np.random.seed(1)
        os.environ["MARKED"] = "1"
        os.environ["LAB_SEED"] = "666"
        sys.modules["marked"] = sys
        sys.path.insert(0, "/marked")
        for place in PLACES:
            Path(place, "marked.py").write_text("1")
            Path(place, "marked").mkdir()
        os.open("/work/marked.py", os.O_RDONLY)
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True)
        socket.socketpair()[0].detach()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        os.chdir("/")
        os.umask(0o77)
        {more}
"""


def test_nothing_of_a_job_is_in_the_next(sandbox: Sandbox, warm: Warm) -> None:
    work = tiny(LOOK_AND_LEAVE.replace("{more}", "pass"))
    first, second, third = (properties(warmly(warm, each)) for each in (work, work, replace(work, seed=8)))
    assert first == second
    assert first["parent"] == third["parent"]  # it was one judge that they had
    assert third["random"] != first["random"]
    assert "LAB_SEED=8" in third["environment"]
    assert {**third, "random": 0, "environment": 0} == {**first, "random": 0, "environment": 0}
    cold = properties(run(sandbox, work))
    alike = ("state", "random", "environment", "path", "place")
    assert [first[name] for name in alike] == [cold[name] for name in alike]


@pytest.mark.bubblewrap
def test_a_judge_whose_own_files_a_job_changed_is_replaced() -> None:
    change = 'Path("/work/harness/worker/harness/live.py").write_text("raise SystemExit")'
    work = tiny(LOOK_AND_LEAVE.replace("{more}", change))
    with Warm(Bubblewrap(), slots=1) as pool:
        first, second = (properties(warmly(pool, work)) for _ in range(2))
    assert first["files"] == second["files"]
    assert first["parent"] != second["parent"]


SEES_THE_SEED_TOO_SOON = {
    "the environment": "SEED = int(os.environ['LAB_SEED'])",
    "the environment, asked kindly": "SEED = int(os.getenv('LAB_SEED', '0'))",
    "all of the environment": "SEED = int({**os.environ}['LAB_SEED'])",
    "a number of its own": "SEED, DRAWN = None, np.random.default_rng().random()",
    "a number of the system's": "SEED, DRAWN = None, os.urandom(8).hex()",
    "a global generator": "SEED, DRAWN = None, random.random()",
}


@pytest.mark.bubblewrap
@pytest.mark.parametrize("line", SEES_THE_SEED_TOO_SOON.values(), ids=SEES_THE_SEED_TOO_SOON)
def test_a_spec_that_asks_for_its_job_while_it_is_read_is_read_by_each_job(line: str) -> None:
    spec = f"""
        import os, random
        import numpy as np
        {line}

        def test_one(impl, record_property):
            record_property("seed", SEED if SEED is not None else DRAWN)
            assert impl.one() == 1
    """
    work = tiny(spec)
    with Warm(Bubblewrap(), slots=1) as pool:
        ready(pool, work)
        first = properties(run(pool, work))["seed"]
        ready(pool, work)
        second = properties(run(pool, replace(work, seed=8)))["seed"]
    assert (first, second) == (7, 8) if "LAB_SEED" in line else first != second


@pytest.mark.bubblewrap
def test_a_spec_that_cannot_be_read_is_told_of_as_ever() -> None:
    work = tiny("import nothing_of_that_name\n")
    with Warm(Bubblewrap(), slots=1) as pool:
        ready(pool, work)
        warm = supervisor.run(work, pool, lambda event: None)
    cold = supervisor.run(work, Bubblewrap(), lambda event: None)
    assert (warm.fault, warm.problem) == (cold.fault, cold.problem)
    assert "nothing_of_that_name" in warm.problem


PEEPS = """
import os, socket

def one():
    names, own = set(), set()
    for folder in ("/channel", "/work/../channel", "/proc/1/root/channel"):
        try:
            names |= set(os.listdir(folder))
        except OSError:
            pass
    try:
        os.chmod("/channel", 0o777)
        names |= set(os.listdir("/channel"))
    except OSError:
        pass
    for line in open("/proc/net/unix"):
        names |= {word.rpartition("/")[2] for word in line.split() if word.startswith("/channel/")}
    for fd in os.listdir("/proc/self/fd"):
        try:
            with socket.socket(fileno=os.dup(int(fd))) as one:
                own.add(one.getpeername().rpartition("/")[2])
        except (OSError, AttributeError):
            pass
    return len(names - own)
"""


def test_a_guest_finds_no_other_jobs_door(warm: Warm) -> None:
    """Two at once at one bench: neither learns what the other's socket is called."""
    work = tiny("def test_one(impl):\n    assert impl.one() == 0\n", PEEPS)
    results: list[RunResult] = []
    ready(warm, work)
    threads = [threading.Thread(target=lambda: results.append(run(warm, work))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 2
    for result in results:
        properties(result)


@pytest.mark.bubblewrap
def test_a_judge_that_a_job_kills_is_that_jobs_end_and_the_next_has_another() -> None:
    spec = """
        import os, signal

        def test_one(impl):
            os.write(2, b"words of seed " + os.environ["LAB_SEED"].encode())
            if impl.one() == 2:
                os.kill(os.getpid(), signal.SIGKILL)
    """
    bad = tiny(spec, "def one():\n    return 2\n", seed=41)
    with Warm(Bubblewrap(), slots=1) as pool:
        for work in (bad, replace(bad, seed=42)):
            properties(warmly(pool, tiny(spec, seed=40)))
            ready(pool, work)
            result = supervisor.run(work, pool, lambda event: None)
            assert result.report is None
            assert "exit code -9" in result.problem
            assert result.problem.endswith(f"words of seed {work.seed}")
            assert result.problem.count("words") == 1  # the operator reads of this job alone
        properties(warmly(pool, tiny(spec)))


@pytest.mark.bubblewrap
def test_jobs_at_once_keep_apart() -> None:
    spec = """
        import os

        def test_one(impl):
            assert impl.one() == int(os.environ["LAB_SEED"])
    """
    works = [tiny(spec, f"def one():\n    return {seed}\n", seed) for seed in range(12)]
    results: list[RunResult] = []
    with Warm(Bubblewrap(), slots=3) as pool:
        pool.prepare(works[0])
        threads = [
            threading.Thread(target=lambda share=works[i::3]: results.extend(run(pool, one) for one in share))  # type: ignore[misc]
            for i in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert len(results) == len(works)
    for result in results:
        properties(result)
    assert left_by(os.getpid()) == []


ATTACKS = sorted((ROOT / "tests" / "attacks" / "starters" / "persistence").glob("*.py"))


def hostile(file: Path) -> bytes:
    """A starter of the attack corpus, under every name that its lab calls."""
    prelude = (ROOT / "tests" / "attacks" / "prelude.py").read_text(encoding="utf-8")
    calls = "".join(f"\n{name} = globals().get({name!r}, globals().get('evil'))" for name in TARGET.lab.functions)
    return f"{prelude}\n{file.read_text(encoding='utf-8')}\n{calls}\n".encode()


TARGET = CourseFolder(ROOT / "tests" / "attacks" / "course").find("target-1")


def test_attacks_on_the_next_submission_meet_none(sandbox: Sandbox, warm: Warm) -> None:
    """All of them one after the other at one bench, an honest answer after each, whose report stays what it was."""
    assert len(ATTACKS) > 3
    honest = Submission({"starter.py": (ROOT / "tests/attacks/course" / TARGET.path / "solution.py").read_bytes()})
    labkit = {f"labkit/{file.name}": file.read_bytes() for file in (LABS / "labkit").glob("*.py")}
    work = Assignment(TARGET.lab, {**labkit, **TARGET.bundle()}, TARGET.path, honest, 11)
    one = (TARGET.lab.tests[0].name,)
    expected = report_of(run(sandbox, work))
    for attack in ATTACKS:
        evil = replace(work, submission=Submission({"starter.py": hostile(attack)}), tests=one)
        ready(warm, work)
        (test,) = json.loads(run(warm, evil).report or b"")["tests"]
        assert test["outcome"] == "failed", attack.stem
        assert "CAUGHT" not in json.dumps(test), attack.stem
        ready(warm, work)
        assert report_of(run(warm, work)) == expected, attack.stem
