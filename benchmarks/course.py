"""The course that is measured: the labs of this repository and the toy lab that peers are compared on."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from grader.adapters.lab_folder import CourseFolder
from grader.domain.submission import Submission, derive_seed

ROOT = Path(__file__).resolve().parents[1]
LABS = ROOT / "labs"
TOY = Path(__file__).with_name("toy")
#: Every service is given this key, so that the same answer gets the same inputs everywhere, the floor included.
KEY = "5e" * 32


@dataclass(frozen=True)
class Answer:
    """A right answer that nobody has handed in before, and the seed that a service gives it."""

    data: bytes
    seed: int


@dataclass(frozen=True)
class Lab:
    """A lab as it is measured. `path` is its folder and `file` what is handed in, from the course folder."""

    id: str
    path: str
    file: str
    tests: int
    most: int
    spec_digest: str
    solution: bytes

    def answer(self, mark: int) -> Answer:
        """The solution, made into another program by one number."""
        data = self.solution + f"\n_MARK = {mark}\n".encode()
        name = Path(self.file).name
        return Answer(data, derive_seed(bytes.fromhex(KEY), Submission({name: data}), self.spec_digest))


class MeasuredCourse:
    """A copy in `folder`, with `toy` among its labs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        unwanted = shutil.ignore_patterns("__pycache__", ".results", ".pytest_cache", "peers")
        shutil.copytree(LABS, folder, ignore=unwanted)
        [self.id] = {path.parents[2].name for path in LABS.glob("*/labs/*/lab.toml")}
        shutil.copytree(TOY, folder / self.id / "labs" / "toy", ignore=unwanted)

    def lab(self, prefix: str) -> Lab:
        """The lab whose id begins like this."""
        found = CourseFolder(self.folder).find(prefix)
        path = found.path
        return Lab(
            id=found.lab.id,
            path=path,
            file=f"{path}/{found.lab.submission[0]}",
            tests=len(found.lab.tests),
            most=found.lab.max_score,
            spec_digest=found.spec_digest(),
            solution=(self.folder / path / "solution.py").read_bytes(),
        )
