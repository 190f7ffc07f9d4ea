"""The command line as its users meet it: what it prints, and its exit codes."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "labs"
LAB = COURSE / "phase-08-speculative-decoding/labs/lab-04-speedup-model"
VERDICT = {"test", "verdict", "points", "max_points", "duration_s", "diagnosis", "checks"}
CHECK = {"name", "observed", "allowed", "n", "false_fail_rate", "detectable", "sigmas", "conclusive",
         "bars", "kind", "statistic", "effect", "power", "seed", "needed", "trace"}  # fmt: skip
RESULT = {"lab", "score", "max_score", "verdicts", "sandbox", "isolation", "seed", "spec_digest", "submission_digest",
          "duration_s"}  # fmt: skip
graded = pytest.mark.bubblewrap


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def grader(home: Path, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "GRADER_LABS": str(COURSE), "GRADER_HOME": str(home), "COLUMNS": "100", **env}
    command = [sys.executable, "-m", "grader", *map(str, words)]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)


def result(run: subprocess.CompletedProcess[str]) -> dict:
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def verdicts(outcome: dict) -> dict[str, str]:
    return {v["test"]: v["verdict"] for v in outcome["verdicts"]}


def changed(tmp_path: Path, name: str, extra: str) -> Path:
    file = tmp_path / name
    file.write_text((LAB / "solution.py").read_text(encoding="utf-8") + extra, encoding="utf-8")
    return file


@graded
def test_json_is_one_object_of_the_promised_shape(home: Path) -> None:
    outcome = result(grader(home, "grade", "lab-04", LAB / "examples/half_right.py", "--json"))
    assert set(outcome) == RESULT
    assert 0 < outcome["score"] < outcome["max_score"] == 100
    assert outcome["isolation"] == "split"
    for verdict in outcome["verdicts"]:
        assert set(verdict) == VERDICT
        assert (verdict["diagnosis"] is None) == (verdict["verdict"] == "passed")
        assert verdict["diagnosis"] is None or set(verdict["diagnosis"]) == {"cause", "hint", "message"}
        assert all(set(check) == CHECK for check in verdict["checks"])
    assert any(check["false_fail_rate"] for v in outcome["verdicts"] for check in v["checks"])


@graded
def test_a_person_reads_points_diagnosis_total_and_replay(home: Path) -> None:
    run = grader(home, "grade", "lab-04", LAB / "examples/half_right.py")
    assert run.returncode == 0
    for word in (
        "✓",
        "✗",
        "Looks like: you pay c for k + 1 tokens",
        "of 100 points",
        "replay: grader grade",
        "LAB_SEED=",
    ):
        assert word in run.stdout


@graded
def test_the_same_code_gets_the_same_seed_and_verdicts_whatever_its_comments(home: Path, tmp_path: Path) -> None:
    first = result(grader(home, "grade", "lab-04", LAB / "examples/half_right.py", "--json"))
    again = result(grader(home, "grade", "lab-04", LAB / "examples/half_right.py", "--json"))
    assert (first["seed"], verdicts(first)) == (again["seed"], verdicts(again))
    commented = tmp_path / "answer.py"
    text = (LAB / "examples/half_right.py").read_text(encoding="utf-8")
    commented.write_text(text.replace("\n\n\n", "\n\n\n# a thought\n\n"), encoding="utf-8")
    other = result(grader(home, "grade", "lab-04", commented, "--json"))
    assert other["seed"] == first["seed"]
    assert other["submission_digest"] != first["submission_digest"]
    commented.write_text(text.replace("total, reached = 1.0, 1.0", "total, reached = 1, 1"), encoding="utf-8")
    assert result(grader(home, "grade", "lab-04", commented, "--json"))["seed"] != first["seed"]


@graded
def test_one_test_can_be_graded_alone_with_a_seed(home: Path) -> None:
    words = ("grade", "lab-04", LAB / "solution.py", "--json", "--test", "speedup_by_hand", "--seed", "7")
    outcome = result(grader(home, *words))
    assert verdicts(outcome) == {"test_speedup_by_hand": "passed"}
    assert (outcome["score"], outcome["max_score"], outcome["seed"]) == (6, 6, 7)


@graded
def test_replay_says_whether_the_verdicts_repeat(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "result.json"
    kept.write_text(grader(home, "grade", "lab-04", LAB / "examples/half_right.py", "--json").stdout, encoding="utf-8")
    same = grader(home, "replay", kept, LAB / "examples/half_right.py")
    assert (same.returncode, "0 verdicts changed" in same.stdout) == (0, True)
    other = grader(home, "replay", kept, LAB / "solution.py")
    assert other.returncode == 1
    assert "failed → passed" in other.stdout
    assert grader(home, "replay", LAB / "lab.toml", LAB / "solution.py").returncode == 2


@graded
@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("\ndef speedup(alpha, k, c:\n", "is not valid Python"),
        ("\ndel implied_cost\n", "has no function implied_cost"),
        ("\ndef speedup(alpha):\n    return 1.0\n", "cannot be called as the contract says"),
        ("\ndef optimal_k(alpha, c, k_max):\n    return 'two'\n", "the contract says int"),
        ("\nimport a_module_nobody_has\n", "No module named"),
        ("\n1 / 0\n", "importing starter.py failed"),
    ],
)
def test_a_broken_answer_is_graded_with_a_sentence(home: Path, tmp_path: Path, extra: str, sentence: str) -> None:
    outcome = result(grader(home, "grade", "lab-04", changed(tmp_path, "mine.py", extra), "--json"))
    assert outcome["score"] < 100
    told = " ".join(" ".join(v["diagnosis"]["message"].split()) for v in outcome["verdicts"] if v["diagnosis"])
    assert sentence in told
    assert {"errored", "missing"} & set(verdicts(outcome).values()) == set()


def unreadable(tmp_path: Path) -> dict[str, Path]:
    binary, huge, link, empty, nothing = (tmp_path / n for n in ("a.py", "b.py", "c.py", "d.zip", "e.py"))
    binary.write_bytes(b"\x7fELF\0\0\0")
    with huge.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    folder = tmp_path / "linked"
    folder.mkdir()
    link = folder / "starter.py"
    link.symlink_to("/etc/passwd")
    with zipfile.ZipFile(empty, "w"):
        pass
    return {"binary": binary, "huge": huge, "link": folder, "empty archive": empty, "missing": nothing}


@pytest.mark.parametrize("kind", ["binary", "huge", "link", "empty archive", "missing"])
def test_what_cannot_be_graded_is_refused_with_a_sentence(home: Path, tmp_path: Path, kind: str) -> None:
    run = grader(home, "grade", "lab-04", unreadable(tmp_path)[kind])
    assert run.returncode == 2
    assert run.stderr.startswith("error: ")
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) <= 4


@pytest.mark.parametrize(
    "words",
    [
        ("lab-99", "x.py"),
        ("lab-0", "x.py"),
        ("lab-04", "x.py", "--sandbox", "none"),
        ("lab-04",),
        ("lab-04", "x.py", "--no"),
    ],
)
def test_bad_usage_exits_with_2(home: Path, words: tuple[str, ...]) -> None:
    assert grader(home, "grade", *words).returncode == 2


def test_an_unknown_test_lists_the_known_ones(home: Path) -> None:
    run = grader(home, "grade", "lab-04", LAB / "solution.py", "--test", "nothing")
    assert run.returncode == 2
    assert "test_speedup_by_hand" in run.stderr


@pytest.mark.parametrize("queues", ["cpu", "cpu,gpu"])
def test_doctor_says_which_labs_wait_for_another_worker(home: Path, queues: str) -> None:
    run = grader(home, "doctor", GRADER_QUEUES=queues)
    assert run.returncode == 0
    waiting = "lab-02-eagle-on-real-vllm waits for another: grader worker --queues gpu"
    assert (waiting in " ".join(run.stdout.split())) == (queues == "cpu")


def test_doctor_says_what_an_engine_lacks(home: Path) -> None:
    run = grader(home, "doctor", GRADER_ENGINE="tiny-cpu", GRADER_ENGINE_PYTHON="/no/python")
    told = " ".join(run.stdout.split())
    assert run.returncode == 3
    assert "✗ engine: vLLM: there is no /no/python fix: set GRADER_ENGINE_PYTHON" in told
    assert "✓ engine: models: target" in told
    for engine, python, says in (("gpt", "/no/python", "inflated-cpu"), ("tiny-cpu", "", "GRADER_ENGINE_PYTHON")):
        wrong = grader(home, "doctor", GRADER_ENGINE=engine, **({"GRADER_ENGINE_PYTHON": python} if python else {}))
        assert wrong.returncode == 2
        assert says in wrong.stderr


def test_without_any_sandbox_nothing_is_scored_and_the_fix_is_told(home: Path) -> None:
    bare = {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    run = grader(home, "grade", "lab-04", LAB / "solution.py", **bare)
    assert run.returncode == 3
    assert run.stdout == ""
    assert "fix:" in run.stderr and "Nothing was scored" in run.stderr
    doctor = grader(home, "doctor", **bare)
    assert doctor.returncode == 3
    assert "fix:" in doctor.stdout


def course(tmp_path: Path, lab_toml: str, **files: str) -> Path:
    folder = tmp_path / "course"
    lab = folder / "phase-1/labs/lab-01-sums"
    lab.mkdir(parents=True)
    (folder / "pytest.ini").write_text((COURSE / "pytest.ini").read_text(encoding="utf-8"), encoding="utf-8")
    for file in (COURSE / "labkit").glob("*.py"):
        (folder / "labkit").mkdir(exist_ok=True)
        (folder / "labkit" / file.name).write_bytes(file.read_bytes())
    (lab / "lab.toml").write_text(lab_toml, encoding="utf-8")
    for name, text in files.items():
        (lab / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


SUMS = """
id = "lab-01-sums"
title = "Sums"
order = 1
submission = ["starter.py"]
max_score = 10
[functions]
add = "(a, b) -> int"
[[tests]]
name = "test_add"
points = 10
function = "add"
claim = "two and three are five"
"""
SPEC = "def test_add(expect):\n    expect.call('add', 2, 3).equals(5)\n"
RIGHT = "def add(a, b):\n    return a + b\n"
OPEN = "def add(a, b):\n    raise NotImplementedError\n"
MUTANT = """from labkit.mutation import mutant
@mutant("{id}", "add", says="s", caught_by="test_add")
def add_wrong(a, b):
    return {value}
"""


def test_a_broken_manifest_names_file_and_key(home: Path, tmp_path: Path) -> None:
    labs = course(tmp_path, SUMS.replace("max_score = 10", "max_scor = 10"), test_lab=SPEC)
    run = grader(home, "grade", "lab-01", LAB / "solution.py", GRADER_LABS=str(labs))
    assert run.returncode == 3
    assert "lab.toml" in run.stderr and "max_scor" in run.stderr


@graded
def test_a_spec_that_does_not_import_is_its_authors_fault(home: Path, tmp_path: Path) -> None:
    labs = course(tmp_path, SUMS, test_lab="import nothing_of_that_name\n" + SPEC, starter=OPEN)
    answer = tmp_path / "answer.py"
    answer.write_text(RIGHT, encoding="utf-8")
    run = grader(home, "grade", "lab-01", answer, GRADER_LABS=str(labs))
    assert run.returncode == 3
    assert "lab's author" in run.stderr and "nothing_of_that_name" in run.stderr


@graded
@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"solution": "def add(a, b):\n    return 6\n", "starter": OPEN}, "the solution fails test_add"),
        ({"solution": RIGHT, "starter": RIGHT}, "the starter passes test_add"),
        ({"solution": RIGHT, "starter": OPEN, "mutants": MUTANT.format(id="m", value="5")}, "gets full points"),
        ({"solution": RIGHT, "starter": OPEN}, "there is no mutants.py"),
    ],
)
def test_check_lab_finds_what_keeps_a_lab_from_opening(
    home: Path, tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    labs = course(tmp_path, SUMS, test_lab=SPEC, **files)
    run = grader(home, "check-lab", "lab-01", "--seeds", "3", GRADER_LABS=str(labs))
    assert run.returncode == 1
    assert problem in " ".join(run.stdout.split())


@graded
def test_a_sound_lab_may_open(home: Path, tmp_path: Path) -> None:
    labs = course(
        tmp_path, SUMS, test_lab=SPEC, solution=RIGHT, starter=OPEN, mutants=MUTANT.format(id="m", value="a - b")
    )
    run = grader(home, "check-lab", "lab-01", "--seeds", "3", GRADER_LABS=str(labs))
    assert run.returncode == 0, run.stdout + run.stderr


FOREIGN = """
import pytest
from starter import add

class TestAdd:
    def test_small(self):
        assert add(2, 3) == 5

@pytest.mark.parametrize("n", [1, 2, 3])
def test_many(n):
    assert add(n, n) == 2 * n
"""
JOINED = """
id = "lab-01-sums"
title = "Sums"
order = 1
isolation = "joined"
submission = ["starter.py"]
max_score = 10
[[tests]]
name = "TestAdd::test_small"
points = 4
claim = "two and three are five"
[[tests]]
name = "test_many"
points = 6
claim = "doubling"
"""


@graded
def test_a_foreign_suite_runs_joined_and_is_marked_so(home: Path, tmp_path: Path) -> None:
    labs = course(tmp_path, JOINED, test_lab=FOREIGN)
    answer = tmp_path / "answer.py"
    answer.write_text("def add(a, b):\n    return a + b if a != 3 else 0\n", encoding="utf-8")
    outcome = result(grader(home, "grade", "lab-01", answer, "--json", GRADER_LABS=str(labs)))
    assert outcome["isolation"] == "joined"
    assert outcome["score"] == 4
    shown = grader(home, "grade", "lab-01", answer, GRADER_LABS=str(labs))
    assert "one process" in shown.stdout


@graded
def test_a_joined_answer_that_does_not_import_is_told_why(home: Path, tmp_path: Path) -> None:
    labs = course(tmp_path, JOINED, test_lab=FOREIGN)
    answer = tmp_path / "answer.py"
    answer.write_text("def add(a, b:\n", encoding="utf-8")
    outcome = result(grader(home, "grade", "lab-01", answer, "--json", GRADER_LABS=str(labs)))
    assert outcome["score"] == 0
    assert all("SyntaxError" in v["diagnosis"]["message"] for v in outcome["verdicts"])


@graded
def test_a_forged_joined_report_stays_within_the_labs_points(home: Path, tmp_path: Path) -> None:
    labs = course(tmp_path, JOINED, test_lab=FOREIGN)
    tests = [{"nodeid": "x::y", "outcome": "passed"}] * 50
    event = json.dumps({"event": "report", "report": {"tests": tests}})
    answer = tmp_path / "answer.py"
    forged = f"{event}\n".encode()
    lines = [
        "import os",
        "for fd in range(3, 20):",
        "    try:",
        f"        os.write(fd, {forged!r})",
        "    except OSError:",
        "        pass",
        "os._exit(0)",
    ]
    answer.write_text("\n".join(lines), encoding="utf-8")
    outcome = result(grader(home, "grade", "lab-01", answer, "--json", GRADER_LABS=str(labs)))
    assert outcome["score"] == 0
    assert set(verdicts(outcome).values()) == {"missing"}


def test_an_archive_of_a_course_checkout_is_understood(home: Path, tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("labs/phase-08-speculative-decoding/labs/lab-04-speedup-model/readme.txt", "no answer here")
    (tmp_path / "work.zip").write_bytes(data.getvalue())
    run = grader(home, "grade", "lab-04", tmp_path / "work.zip")
    assert run.returncode == 2
    assert "starter.py" in run.stderr
