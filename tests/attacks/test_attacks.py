"""Hostile submissions, each over every sandbox: no point is bought, no test is left without a verdict."""

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader.adapters.lab_folder import CourseFolder
from grader.bootstrap.grading import SandboxRunner
from grader.domain.report import Verdict
from grader.domain.submission import Submission
from grader.steps.grading import Graded, grade
from tests.attacks.corpus import (
    FORBIDDEN,
    GPU_TARGET,
    GRACE,
    HERE,
    KINDS,
    LABS,
    SEED,
    TARGET,
    Attack,
    attacks,
    beside_an_engine,
    dirt,
    lab_of,
    read,
    target_course,
    told,
    verdicts,
)
from tests.attacks.engine import Asked, furnish, settings, within_reach
from worker.sandbox import Sandbox

CORPUS = attacks()
#: The lines of the promises that starters can be written for.
PROMISES = {"I1", "I2", "I3", "I4", "I6", "I7", "C1", "C2", "C3", "C5"}

#: What the attacks on the measured lab find where nothing keeps them from it.
FOUND = {
    "network/accelerators": "ACCELERATOR",
    "network/engine_ports": "ENGINE 127.0.0.1",
    "tampering/asks_the_engine": "ANSWER",
    "theft/engine_libraries": "LIBRARY",
    "theft/engine_settings": "SETTING",
    "theft/model_files": "MODEL",
}
#: What the spec of the measured lab asks of the engine.
QUESTIONS = [{"what": "baseline", "number": number} for number in (1, 2)]
#: What passes from one test of a run to its next where gVisor's kernel, which hears no filter of ours, lets it.
SPARED = {f"persistence/{name}": ("bubblewrap", "docker") for name in ("process_one", "system_v_memory")}


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> CourseFolder:
    """The course that is there to be attacked."""
    return target_course(tmp_path_factory.mktemp("hostile") / "course")


@pytest.fixture
def affordable(sandbox: Sandbox) -> Sandbox:
    """gVisor starts slowly: its walls are tried in tests/contract, these attacks on request."""
    if "runsc" in sandbox.name and not os.environ.get("GRADER_TEST_RUNSC"):
        pytest.skip("docker+runsc: attacked where GRADER_TEST_RUNSC is set")
    return sandbox


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """This process is a worker with an engine."""
    for name, value in settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    with within_reach(tmp_path):
        yield Asked()


def attacked(attack: Attack, sandbox: Sandbox, target: CourseFolder, engine: Asked) -> Graded:
    folder = lab_of(attack, target)
    return grade(folder, attack.submission(), SEED, SandboxRunner(sandbox, engine), tests=attack.tests)


def graded(source: str, sandbox: Sandbox) -> Graded:
    folder = CourseFolder(LABS).find("lab-04")
    return grade(folder, Submission({"starter.py": source.encode()}), SEED, SandboxRunner(sandbox))


@pytest.mark.parametrize("attack", [*CORPUS, *beside_an_engine(CORPUS)], ids=lambda attack: attack.title)
def test_an_attack_buys_nothing(attack: Attack, affordable: Sandbox, target: CourseFolder, engine: Asked) -> None:
    if affordable.name not in attack.sandboxes:
        pytest.skip(f"{affordable.name}: does not promise to withstand it")
    outcome = attacked(attack, affordable, target, engine)
    got = verdicts(outcome)
    assert outcome.score.points == attack.earns, got
    assert set(got) == set(attack.tests or (test.name for test in lab_of(attack, target).lab.tests))
    assert not (FORBIDDEN - {Verdict.PASSED} if attack.earns else FORBIDDEN) & set(got.values()), got
    assert attack.verdict is None or set(got.values()) == {attack.verdict}, got
    assert outcome.report.unknown == ()
    words = told(outcome)
    assert "CAUGHT-" not in words and "SEED-FOUND" not in words, words[words.find("CAUGHT-") :][:300]
    assert dirt(words) == set()
    assert len(words) < 2_000_000
    assert outcome.duration_s <= outcome.lab.limits.run_seconds + GRACE
    assert bool(engine.questions) == (attack.lab == GPU_TARGET)
    assert all(asked in QUESTIONS for asked in engine.questions), "somebody else asked than the spec"


def test_the_corpus_covers_the_promises(target: CourseFolder) -> None:
    for attack in CORPUS:
        assert set(attack.tests or ()) <= {test.name for test in lab_of(attack, target).lab.tests}, attack.name
    assert len(CORPUS) >= 150
    assert sum(attack.lab == GPU_TARGET for attack in CORPUS) == len(FOUND)
    assert {attack.promise for attack in CORPUS} == PROMISES
    kinds = Counter(attack.path.parent.name for attack in CORPUS)
    assert min(kinds.values()) >= 10, kinds
    assert len({attack.what for attack in CORPUS}) == len(CORPUS)
    assert {attack.name: attack.sandboxes for attack in CORPUS if attack.sandboxes != KINDS} == SPARED


def test_a_head_that_says_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "attack.py"
    file.write_text('"""Something.\n\nPromise: I1\nEarn: 3\n"""\n')
    with pytest.raises(ValueError, match="Earn"):
        read(file)


@pytest.mark.parametrize(("name", "questions"), [(TARGET, []), (GPU_TARGET, QUESTIONS)])
def test_the_honest_answer_to_a_target_gets_everything(
    name: str, questions: list[object], affordable: Sandbox, target: CourseFolder, engine: Asked
) -> None:
    folder = target.find(name)
    honest = (folder.root / folder.path / "solution.py").read_bytes()
    outcome = grade(folder, Submission({"starter.py": honest}), SEED, SandboxRunner(affordable, engine))
    assert (outcome.score.points, set(verdicts(outcome).values())) == (10, {Verdict.PASSED})
    assert engine.questions == questions


@pytest.mark.parametrize("name", FOUND)
def test_what_looks_for_an_engine_finds_one_where_there_is_no_sandbox(name: str, tmp_path: Path) -> None:
    furnish(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as held:
        ours, theirs = map(held.enter_context, socket.socketpair())
        ours.sendall(b'{"measured": {}}\n')
        parts = [(HERE / part).read_text(encoding="utf-8") for part in ("prelude.py", f"starters/{name}.py")]
        place = f"ROOT, PORTS = {str(tmp_path) + '/'!r}, [{server.getsockname()[1]}]"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", "\n\n".join([*parts, place, "evil()"])], capture_output=True, text=True,
            timeout=60, check=False, cwd=tmp_path, env=settings(tmp_path), pass_fds=[theirs.fileno()],
        )  # fmt: skip
    assert f"CAUGHT-{FOUND[name]}" in done.stderr


def test_a_crash_costs_its_own_test_only(affordable: Sandbox) -> None:
    """One function that ends the process, in an otherwise right answer."""
    folder = CourseFolder(LABS).find("lab-04")
    solution = (LABS / folder.path / "solution.py").read_text(encoding="utf-8")
    outcome = graded(f"{solution}\n\nimport os\ndef implied_cost(*args):\n    os._exit(0)\n", affordable)
    lost = [result.name for result in outcome.report.tests if result.verdict is not Verdict.PASSED]
    concerned = [test.name for test in folder.lab.tests if test.function == "implied_cost"]
    assert set(concerned) <= set(lost)
    assert all(outcome.report.of(name).verdict is Verdict.CRASHED for name in concerned)
    assert outcome.score.points >= 60


def test_a_hang_costs_its_own_test_only(affordable: Sandbox) -> None:
    """One function that never returns, in an otherwise right answer."""
    folder = CourseFolder(LABS).find("lab-04")
    solution = (LABS / folder.path / "solution.py").read_text(encoding="utf-8")
    hang = "def expected_tokens_positional(rates):\n    while True:\n        pass\n"
    outcome = graded(f"{solution}\n\n{hang}", affordable)
    lost = {result.name for result in outcome.report.tests if result.verdict is Verdict.TIMED_OUT}
    assert lost
    assert lost == {result.name for result in outcome.report.tests if result.verdict is not Verdict.PASSED}


def test_a_run_out_of_memory_in_every_process_leaves_the_rest_alone(affordable: Sandbox) -> None:
    """The guest may be taken down with it; the judge asks for another one and goes on."""
    folder = CourseFolder(LABS).find("lab-04")
    solution = (LABS / folder.path / "solution.py").read_text(encoding="utf-8")
    bomb = (Path(__file__).parent / "starters/resources/memory_bomb_forked.py").read_text(encoding="utf-8")
    outcome = graded(f"{solution}\n\n{bomb}\n\nimplied_cost = evil\n", affordable)
    assert outcome.score.points >= 60
