"""Every lab keeps its word: to its author, to the student at home, and to the service."""

import ast
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from labkit.contract import Implementation, InProcess, load_file
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import load_mutants

from grader.adapters.lab_folder import CourseFolder
from grader.bootstrap.grading import SandboxRunner
from grader.domain.submission import Submission
from grader.steps.calibrated import calibration_of
from grader.steps.courses import spec_of
from grader.steps.grading import grade
from tests.at_home import pytest_at_home
from worker.sandbox import Sandbox
from worker.sandbox.bubblewrap import Bubblewrap

COURSE = Path(__file__).parents[2] / "labs"
PHASE = "phase-08-speculative-decoding"
LABS = [read_manifest(file.parent) for file in sorted(COURSE.glob("*/labs/*/lab.toml"))]
HERE = Path(__file__).parent
UNUSUAL = [(lab, file) for lab in LABS for file in sorted((HERE / "unusual" / lab.id).glob("*.py"))]
WRONG = [(lab, file) for lab in LABS for file in sorted((HERE / "wrong" / lab.id).glob("*.py"))]
MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

each_lab = pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.id)


def name(value: object) -> str:
    return value.id if isinstance(value, Manifest) else value.stem if isinstance(value, Path) else str(value)


def beside(lab: Manifest) -> dict[str, bytes]:
    """What a submission holds beside its first file: the course's own, from examples/."""
    return {name: (lab.folder / "examples" / name).read_bytes() for name in lab.submission[1:]}


def handed_in(lab: Manifest, file: Path) -> Submission:
    """A submission of that answer."""
    return Submission({lab.submission[0]: file.read_bytes(), **beside(lab)})


def at_home(lab: Manifest, file: Path, folder: Path) -> str:
    """The same submission in a folder of its own; its first file, for LAB_IMPL."""
    for name, data in {file.name: file.read_bytes(), **beside(lab)}.items():
        (folder / name).write_bytes(data)
    return str(folder / file.name)


def run_spec(
    lab: Manifest, impl: str, *seeds: int, course: Path = COURSE
) -> dict[int, subprocess.CompletedProcess[str]]:
    """The spec as a student runs it at home, once per seed."""
    where = lab.folder.relative_to(COURSE).as_posix()
    return {seed: pytest_at_home(course, where, "-q", LAB_IMPL=impl, LAB_SEED=str(seed)) for seed in seeds}


def points(run: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"^\s*(\d+) of \d+ points$", run.stdout, re.MULTILINE)
    assert found, run.stdout[-3000:] + run.stderr[-2000:]
    return int(found[1])


def test_the_course_commands_work_to_the_letter(tmp_path: Path) -> None:
    run = pytest_at_home(COURSE, f"{PHASE}/labs", "-m", "not gpu")
    assert run.returncode == 0, run.stdout[-3000:]
    lab = next(lab for lab in LABS if lab.id.startswith("lab-01"))
    starter = run_spec(lab, "starter", 8)[8]
    assert starter.returncode == 1
    assert points(starter) == 0


@each_lab
def test_the_students_copy_runs_without_solution_and_mutants(lab: Manifest, tmp_path: Path) -> None:
    course = tmp_path / "labs"
    shutil.copytree(
        COURSE, course, ignore=shutil.ignore_patterns("solution.py", "mutants.py", "examples", "__pycache__", ".*")
    )
    run = run_spec(lab, "starter", 8, course=course)[8]
    assert points(run) == 0
    assert "error" not in run.stdout.splitlines()[-1]
    for name, data in handed_in(lab, lab.folder / "solution.py").files.items():
        (course / lab.folder.relative_to(COURSE) / name).write_bytes(data)
    assert points(run_spec(lab, "starter", 8, course=course)[8]) == lab.max_score


@each_lab
def test_starter_and_solution_have_the_contracts_functions_and_the_same_signatures(lab: Manifest) -> None:
    def signatures(file: str) -> dict[str, list[str]]:
        tree = ast.parse((lab.folder / file).read_text(encoding="utf-8"))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        return {f.name: [a.arg for a in f.args.args] + [ast.unparse(d) for d in f.args.defaults] for f in functions}

    starter, solution = signatures("starter.py"), signatures("solution.py")
    assert set(starter) == set(lab.functions)
    for function, signature in lab.functions.items():
        written = ast.parse(f"def f{signature.text}: ...").body[0]
        assert isinstance(written, ast.FunctionDef)
        declared = [a.arg for a in written.args.args] + [ast.unparse(d) for d in written.args.defaults]
        assert starter[function] == solution[function] == declared


@each_lab
def test_starter_bodies_name_their_stage_and_readme_section(lab: Manifest) -> None:
    text = (lab.folder / "starter.py").read_text(encoding="utf-8")
    readme = (lab.folder / "README.md").read_text(encoding="utf-8")
    for function in lab.functions:
        assert re.search(rf'NotImplementedError\(\s*"{lab.short} stage \d: {function} - README section \d"', text), (
            function
        )
        assert function in readme
    first = "\n".join(readme.splitlines()[:12])
    assert f"LAB_IMPL=starter pytest {PHASE}/labs/{lab.id}" in first
    assert "red" in first


@each_lab
def test_hints_have_three_levels_for_every_function(lab: Manifest) -> None:
    assert set(lab.hints) == set(lab.functions)
    assert all(len(levels) == 3 and all(level.strip() for level in levels) for levels in lab.hints.values())


@each_lab
def test_every_mutant_says_what_it_looks_like_and_who_catches_it(lab: Manifest) -> None:
    mutants = load_mutants(lab.folder)
    assert len(mutants) >= 14
    assert len({m.id for m in mutants}) == len(mutants)
    for wrong in mutants:
        assert wrong.says and wrong.caught_by in lab.tests and wrong.function in lab.functions, wrong.id


@each_lab
def test_predictions_are_answered_by_an_implementation(lab: Manifest) -> None:
    impl = Implementation(lab, InProcess(lambda: load_file(lab.folder / "solution.py"), 8))
    predictions = load_file(lab.folder / "predictions.py").PREDICTIONS
    assert len(predictions) == 5
    for question, measure in predictions:
        assert question.strip() and measure(impl).strip()


@each_lab
@pytest.mark.skipif(not MATPLOTLIB, reason="matplotlib is not installed (pip install 'grader[plots]')")
@pytest.mark.filterwarnings("ignore")  # matplotlib's own
def test_plots_are_drawn_from_an_implementation(lab: Manifest, tmp_path: Path) -> None:
    impl = Implementation(lab, InProcess(lambda: load_file(lab.folder / "solution.py"), 8))
    files = load_file(lab.folder / "plots.py").draw(impl, tmp_path)
    assert files and all(file.stat().st_size > 5_000 for file in files)


@each_lab
@pytest.mark.bubblewrap
def test_the_lab_may_open(lab: Manifest) -> None:
    """The rehearsal over a few seeds; `make check-labs` does two hundred."""
    folder = CourseFolder(COURSE).find(lab.id)
    runner = SandboxRunner(Bubblewrap())
    found = runner.rehearse(folder, folder.rehearsal(), list(range(31_000, 31_020)), lambda event: None)
    assert found["problems"] == []


@each_lab
def test_the_calibration_record_speaks_of_the_lab_as_it_is(lab: Manifest) -> None:
    """`make check-labs` looks at its contents; here, that nobody changed spec or labkit without measuring again."""
    folder = CourseFolder(COURSE).find(lab.id)
    assert calibration_of(spec_of(folder), folder.calibration()).doubts == ()


@pytest.mark.parametrize(("lab", "file"), UNUSUAL, ids=name)
def test_an_unusual_but_right_answer_gets_every_point(lab: Manifest, file: Path, tmp_path: Path) -> None:
    for seed, run in run_spec(lab, at_home(lab, file, tmp_path), 101, 102).items():
        assert points(run) == lab.max_score, f"seed {seed}\n{run.stdout[-4000:]}"


@pytest.mark.parametrize(("lab", "file"), WRONG, ids=name)
def test_a_wrong_answer_loses_points(lab: Manifest, file: Path, tmp_path: Path) -> None:
    for seed, run in run_spec(lab, at_home(lab, file, tmp_path), 103).items():
        assert points(run) < lab.max_score, f"seed {seed}"


@pytest.mark.parametrize(("lab", "file"), UNUSUAL, ids=name)
@pytest.mark.bubblewrap
def test_the_service_agrees_with_the_run_at_home(lab: Manifest, file: Path) -> None:
    folder = CourseFolder(COURSE).find(lab.id)
    outcome = grade(folder, handed_in(lab, file), 104, SandboxRunner(Bubblewrap()))
    assert outcome.score.points == lab.max_score, [f.message for f in outcome.findings]


@each_lab
def test_the_same_failure_text_at_home_and_from_the_service(
    lab: Manifest, sandbox: Sandbox, tmp_path: Path
) -> None:  # fmt: skip
    wrong = next(file for lab_, file in WRONG if lab_.id == lab.id)
    folder = CourseFolder(COURSE).find(lab.id)
    outcome = grade(folder, handed_in(lab, wrong), 105, SandboxRunner(sandbox))
    told = run_spec(lab, at_home(lab, wrong, tmp_path), 105)[105].stdout
    assert outcome.findings
    for finding in outcome.findings:
        for line in finding.message.splitlines():
            assert line in told.replace(wrong.name, "starter.py"), line
