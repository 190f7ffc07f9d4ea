"""What is timed against each other: the floor, pytest at home, and each service."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.course import Answer, Lab, MeasuredCourse
from benchmarks.services import IGNORED
from grader.adapters.lab_folder import CourseFolder

FLOOR = Path(__file__).with_name("floor.py")
#: A student installs numpy and pytest alone; the plug-ins of our own tests take seconds to load.
STUDENTS_OWN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Floor:
    """A warm process per lab."""

    def __init__(self, course: MeasuredCourse, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._course, self._folder = course, folder
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def __call__(self, lab: Lab, answer: Answer) -> float:
        """Seconds of the tests themselves."""
        process = self._processes.get(lab.id) or self._start(lab)
        file = self._folder / "answer.py"
        file.write_bytes(answer.data)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"file": str(file), "seed": answer.seed}) + "\n")
        process.stdin.flush()
        told = process.stdout.readline()
        if not told:
            del self._processes[lab.id]
            raise RuntimeError(f"the floor of {lab.id} ended: {process.communicate()[1][-800:]}")
        return float(told)

    def stop(self) -> None:
        """End its processes."""
        for process in self._processes.values():
            process.communicate()

    def _start(self, lab: Lab) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        self._processes[lab.id] = subprocess.Popen(
            [sys.executable, str(FLOOR), lab.path], cwd=self._course.folder, env={**os.environ, **STUDENTS_OWN},
            stdin=pipe, stdout=pipe, stderr=pipe, text=True,
        )  # fmt: skip
        return self._processes[lab.id]


class AtHome:
    """`LAB_IMPL=starter python -m pytest LAB -q` in a new process, in a student's copy of the course."""

    def __init__(self, course: MeasuredCourse, folder: Path) -> None:
        self._folder = folder
        for path, data in CourseFolder(course.folder).students_copy().items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        (folder / ".gitignore").write_text(IGNORED, encoding="ascii")

    def __call__(self, lab: Lab, answer: Answer) -> float:
        """Seconds of the whole command."""
        (self._folder / lab.file).write_bytes(answer.data)
        settings = {**os.environ, **STUDENTS_OWN, "LAB_IMPL": "starter", "LAB_SEED": str(answer.seed)}
        return timed([sys.executable, "-m", "pytest", lab.path, "-q"], self._folder, settings)


def timed(command: list[str], folder: Path, settings: Mapping[str, str] | None = None) -> float:
    """Seconds of a command that must work."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … failed: {(done.stdout + done.stderr)[-2000:]}")
    return took
