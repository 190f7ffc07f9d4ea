"""Other graders on the toy lab's twelve checks: one submission in, its points out, and many at once."""

import json
import os
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from benchmarks.course import Lab
from benchmarks.peer_tools import (
    NAMES,
    Missing,
    check50_checks,
    environment,
    notebook,
    otter_image,
    otter_tests,
    pytest_file,
    run,
)
from benchmarks.rounds import TOOK, Figures, Way, answer_of
from worker.sandbox.docker_image import tag

#: Grades these answers, so many at once.
Batch = Callable[[list[bytes], int], None]


class Peer:
    """A grader that is given one answer at a time, as a command."""

    name = ""

    def __init__(self, folder: Path) -> None:
        """Prepare it in a new folder. Raises Missing."""
        self.folder = folder / type(self).__name__
        self.folder.mkdir(parents=True)
        self._numbers = count()
        self.prepare()

    def prepare(self) -> None:
        """Everything that is done once. Raises Missing."""
        raise NotImplementedError

    def grade(self, data: bytes, place: Path) -> None:
        """Grade an answer; `place` is a folder of its own. Raises Missing."""
        raise NotImplementedError

    def points(self, place: Path) -> float:
        """What it got. Raises Missing."""
        raise NotImplementedError

    def one(self, data: bytes) -> float:
        """Grade a right answer; seconds until its points are written. Raises RuntimeError."""
        place = self.folder / f"run-{next(self._numbers)}"
        place.mkdir()
        place.chmod(0o755)
        began = time.perf_counter()
        try:
            self.grade(data, place)
            took = time.perf_counter() - began
            points = self.points(place)
        except Missing as error:
            raise RuntimeError(str(error)) from None
        if points != len(NAMES):
            raise RuntimeError(f"{self.name} gave {points} of {len(NAMES)} points")
        return took

    def many(self, answers: list[bytes], at_once: int) -> None:
        """Grade them all."""
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(self.one, answers))


class DockerRun(Peer):
    """pytest and pytest-json-report in one hardened container, as a plain grader has it."""

    name = "docker run pytest"

    def prepare(self) -> None:
        """See `Peer`."""
        run("docker", "image", "inspect", tag())

    def grade(self, data: bytes, place: Path) -> None:
        """See `Peer`."""
        work, out = place / "work", place / "out"
        pytest_file(work)
        (work / "starter.py").write_bytes(data)
        out.mkdir()
        out.chmod(0o777)
        hard = "--rm --network none --cap-drop ALL --security-opt no-new-privileges --memory 512m --pids-limit 64"
        mounts = ["-v", f"{work}:/work:ro", "-v", f"{out}:/out", "-w", "/work", "--read-only", "--tmpfs", "/tmp"]
        words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--json-report", "--json-report-file=/out/report.json"]
        run("docker", "run", *hard.split(), *mounts, tag(), "python", *words)

    def points(self, place: Path) -> float:
        """See `Peer`."""
        return float(json.loads((place / "out" / "report.json").read_text("utf-8"))["summary"]["passed"])


class OtterRun(Peer):
    """`otter run`, without a container."""

    name = "otter run"

    def prepare(self) -> None:
        """See `Peer`."""
        self.programs = environment("otter")
        # Otter looks for programs by name
        self.settings = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"}
        tests = otter_tests(self.folder / "tests")
        none = ["--no-config", "--no-requirements", "--no-environment"]
        self.otter("generate", "-t", str(tests), "-o", str(self.zipped), *none)

    @property
    def zipped(self) -> Path:
        """The autograder."""
        return self.folder / "autograder.zip"

    def otter(self, *words: str) -> str:
        """What it said."""
        return run(str(self.programs / "otter"), *words, cwd=self.folder, settings=self.settings)

    def grade(self, data: bytes, place: Path) -> None:
        """See `Peer`."""
        file = place / "starter.py"
        file.write_bytes(data)
        self.otter("run", "-a", str(self.zipped), "-o", str(place), "--no-logo", str(file))

    def points(self, place: Path) -> float:
        """See `Peer`."""
        tests = json.loads((place / "results.json").read_text("utf-8"))["tests"]
        return float(sum(test["score"] for test in tests if "score" in test))


class OtterGrade(OtterRun):
    """Otter's container path: its own `launch_containers`, over an image made here."""

    name = "otter grade (container)"

    def prepare(self) -> None:
        """See `Peer`."""
        super().prepare()
        with zipfile.ZipFile(self.zipped) as file:
            file.extractall(self.folder / "source")
        self._image = otter_image(self.folder / "source")

    def grade(self, data: bytes, place: Path) -> None:
        """See `Peer`."""
        (place / "starter.py").write_bytes(data)
        (place / "points").write_text(str(self._launched([place / "starter.py"], 1)[0]), encoding="ascii")

    def points(self, place: Path) -> float:
        """See `Peer`."""
        return float((place / "points").read_text("ascii"))

    def many(self, answers: list[bytes], at_once: int) -> None:
        """All in one call, as its command does."""
        files = [self.folder / f"many-{next(self._numbers)}.py" for _ in answers]
        for file, data in zip(files, answers, strict=True):
            file.write_bytes(data)
        assert self._launched(files, at_once) == [len(NAMES)] * len(files)

    def _launched(self, files: list[Path], at_once: int) -> list[float]:
        script = str(Path(__file__).with_name("otter_containers.py"))
        words = [str(self.zipped), self._image, str(at_once), *map(str, files)]
        said = run(str(self.programs / "python"), script, *words, cwd=self.folder, settings=self.settings)
        return [float(line) for line in said.split()]


class Check50(Peer):
    """`check50 --dev`, without its container service."""

    name = "check50"

    def prepare(self) -> None:
        """See `Peer`."""
        self._programs = environment("check50")
        self._checks = check50_checks(self.folder / "checks")

    def grade(self, data: bytes, place: Path) -> None:
        """See `Peer`."""
        (place / "starter.py").write_bytes(data)
        options = ["--dev", "-o", "json", "--output-file", "result.json", "--log-level", "warning"]
        run(str(self._programs / "check50"), *options, str(self._checks), cwd=place)

    def points(self, place: Path) -> float:
        """See `Peer`."""
        found = json.loads((place / "result.json").read_text("utf-8"))
        return float(sum(bool(one["passed"]) for one in found["results"]))


class NbGrader(Peer):
    """`nbgrader autograde` of one student's notebook, without a container."""

    name = "nbgrader autograde"

    def prepare(self) -> None:
        """See `Peer`."""
        self._programs = environment("nbgrader")
        self.settings = {**os.environ, "PATH": f"{self._programs}:{os.environ['PATH']}", "HOME": str(self.folder)}
        source = self.folder / "source" / "ps1"
        source.mkdir(parents=True)
        (source / "toy.ipynb").write_text(notebook("raise NotImplementedError"), encoding="utf-8")
        (self.folder / "nbgrader_config.py").write_text("c = get_config()\n", encoding="ascii")
        self._nbgrader("generate_assignment", "ps1", "--force", "--create")

    def grade(self, data: bytes, place: Path) -> None:
        """See `Peer`."""
        student = place.name
        handed_in = self.folder / "submitted" / student / "ps1"
        handed_in.mkdir(parents=True)
        (handed_in / "toy.ipynb").write_text(notebook(data.decode()), encoding="utf-8")
        self._nbgrader("autograde", "ps1", "--student", student, "--create")

    def points(self, place: Path) -> float:
        """See `Peer`."""
        code = (
            "import sys; from nbgrader.api import Gradebook\n"
            "with Gradebook('sqlite:///gradebook.db') as book:\n"
            "    print(book.find_submission('ps1', sys.argv[1]).score)"
        )
        return float(run(str(self._programs / "python"), "-W", "ignore", "-c", code, place.name, cwd=self.folder))

    def _nbgrader(self, *words: str) -> None:
        run(str(self._programs / "nbgrader"), *words, cwd=self.folder, settings=self.settings)


KINDS: tuple[type[Peer], ...] = (DockerRun, OtterGrade, OtterRun, Check50, NbGrader)


def prepared(
    folder: Path, told: Callable[[str], None], kinds: Sequence[type[Peer]] = KINDS
) -> tuple[dict[str, Peer], dict[str, str]]:
    """Those that can be had here, and why the others cannot."""
    found: dict[str, Peer] = {}
    skipped: dict[str, str] = {}
    for kind in kinds:
        try:
            found[kind.name] = kind(folder)
        except Missing as error:
            skipped[kind.name] = str(error)
            told(f"  {kind.name} is skipped: {error}")
    return found, skipped


def ways(peers: Mapping[str, Peer]) -> dict[str, Way]:
    """Each as something to be timed."""

    def way(peer: Peer) -> Way:
        def measure(lab: Lab, number: int) -> Figures:
            return {TOOK: peer.one(answer_of(lab, number).data)}

        return measure

    return {name: way(peer) for name, peer in peers.items()}
