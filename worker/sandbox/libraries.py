"""Which folders and modules of this interpreter's environment make up a library and what it needs, and nothing else."""

import re
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from worker.sandbox import SandboxError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@cache
def entries(names: Sequence[str]) -> tuple[Path, ...]:
    """Top-level files and folders of the distributions `names` and all they need, `numpy.libs` and metadata included.

    Raises SandboxError where one of `names` is not installed, or installed without a list of its files.
    """
    found: dict[str, metadata.Distribution] = {}
    for name in names:
        try:
            _collect(metadata.distribution(name), found)
        except metadata.PackageNotFoundError:
            raise SandboxError(
                f"{name} is not installed beside grader, so no sandbox can offer it", f"pip install {name}"
            ) from None
    return tuple(sorted({path for one in found.values() for path in _top_level(one)}))


def _collect(one: metadata.Distribution, found: dict[str, metadata.Distribution]) -> None:
    name = _normal(one.name)
    if name in found:
        return
    found[name] = one
    for requirement in one.requires or ():
        needed = _NAME.match(requirement)
        if needed is None or "extra" in requirement.partition(";")[2]:
            continue
        try:
            _collect(metadata.distribution(needed[0]), found)
        except metadata.PackageNotFoundError:
            continue  # its marker asks for another system; were it really needed, the probe would fail on the import


def _top_level(one: metadata.Distribution) -> set[Path]:
    files = one.files
    if files is None:
        raise SandboxError(
            f"{one.name} is installed without a list of its files, so it cannot be shown alone",
            f"pip install --force-reinstall {one.name}",
        )
    tops = {file.parts[0] for file in files}
    wanted = {top for top in tops if top not in ("..", "__pycache__") and not top.endswith(".pth")}
    paths = {Path(str(one.locate_file(top))) for top in wanted}
    return {path.resolve() for path in paths if path.exists()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
