"""Other graders from PyPI, each in an environment of its own, and the toy lab as they read it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

#: Outside of the repository, so that nothing which looks through that meets what is installed here.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grader-benchmarks"
CHECKS = Path(__file__).with_name("toy") / "peers" / "checks.py"
OTTER_DOCKERFILE = Path(__file__).with_name("otter.Dockerfile")
NAMES = re.findall(r"^def check_(\w+)", CHECKS.read_text(encoding="utf-8"), re.MULTILINE)
#: What is installed for each.
PINS = {
    "otter": ("otter-grader==7.0.0", "ipykernel==7.4.0", "numpy==2.4.6"),
    "check50": ("check50==3.5.0", "numpy==2.4.6"),
    "nbgrader": ("nbgrader==0.9.6", "numpy==2.4.6"),
}


class Missing(Exception):
    """A peer cannot be measured here; the message says why."""


def environment(name: str) -> Path:
    """The folder of programs of a peer's own environment, made at first use. Raises Missing."""
    CACHE.mkdir(parents=True, exist_ok=True)
    place = CACHE / name
    ready = place / "installed.json"
    if not ready.exists() or json.loads(ready.read_text("utf-8")) != list(PINS[name]):
        run(sys.executable, "-m", "venv", str(place))
        run(str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *PINS[name])
        ready.write_text(json.dumps(PINS[name]), encoding="utf-8")
    return place / "bin"


def otter_image(source: Path) -> str:
    """The image that Otter's containers start from, with an autograder of the toy lab. Raises Missing."""
    context = source.with_name("context")
    shutil.copytree(source, context / "source", ignore=shutil.ignore_patterns("run_autograder", "setup.sh"))
    shutil.copy(OTTER_DOCKERFILE, context / "Dockerfile")
    start = "#!/bin/bash\npython /autograder/source/run_otter.py\n"
    (context / "run_autograder").write_text(start, encoding="ascii")
    run("docker", "build", "--quiet", "--network", "host", "-t", "grader-bench-otter", str(context))
    return "grader-bench-otter"


def otter_tests(folder: Path) -> Path:
    """One test file of twelve cases in Otter's exception-based format."""
    folder.mkdir(parents=True)
    cases = "".join(
        f"\n\n@test_case(points=1)\ndef test_{name}(env):\n    check_{name}(Given(**env))\n" for name in NAMES
    )
    head = "from types import SimpleNamespace as Given\nfrom otter.test_files import test_case\n"
    text = f'OK_FORMAT = False\nname = "toy"\npoints = {len(NAMES)}\n{head}{_checks()}{cases}'
    (folder / "toy.py").write_text(text, encoding="utf-8")
    return folder


def check50_checks(folder: Path) -> Path:
    """A check50 package of twelve checks."""
    folder.mkdir(parents=True)
    (folder / ".cs50.yaml").write_text('check50:\n  files:\n    - !require "starter.py"\n', encoding="ascii")
    cases = "".join(
        f'\n\n@check50.check()\ndef {name}():\n    """{name}"""\n    check_{name}(check50.py.import_("starter.py"))\n'
        for name in NAMES
    )
    text = f"import check50\nimport check50.py\n{_checks()}{cases}"
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    return folder


def pytest_file(folder: Path) -> Path:
    """The checks as a plain pytest file beside the student's."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = "".join(f"\n\ndef test_{name}():\n    check_{name}(starter)\n" for name in NAMES)
    file = folder / "test_toy.py"
    file.write_text(f"import starter\n{_checks()}{cases}", encoding="utf-8")
    return file


def notebook(solution: str) -> str:
    """The lab as a notebook for nbgrader: a cell that holds the answer, and twelve that grade it."""
    cells = [_cell("answer", solution, grade=False, solution=True)]
    cells += [_cell("checks", _checks(), grade=False, solution=False)]
    cells += [
        _cell(f"test_{name}", f"import sys\ncheck_{name}(sys.modules['__main__'])", grade=True, solution=False)
        for name in NAMES
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def _cell(name: str, text: str, *, grade: bool, solution: bool) -> dict[str, object]:
    graded: dict[str, object] = {
        "schema_version": 3, "grade": grade, "solution": solution, "locked": not solution, "task": False,
        "grade_id": name, "cell_type": "code", **({"points": 1} if grade else {}),
    }  # fmt: skip
    return {
        "cell_type": "code", "id": name.replace("_", "-"), "metadata": {"nbgrader": graded}, "source": text,
        "execution_count": None, "outputs": [],
    }  # fmt: skip


def _checks() -> str:
    return CHECKS.read_text(encoding="utf-8").partition('"""\n')[2]


def run(*command: str, cwd: Path | None = None, settings: dict[str, str] | None = None) -> str:
    """What a command of a peer said. Raises Missing with its last words where it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, env=settings, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Missing(f"{' '.join(command[:3])} …: {' / '.join(last)[-400:]}")
    return done.stdout
