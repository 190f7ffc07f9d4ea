"""The lock files: every package by version and content, and in step with pyproject.toml. `make lock` makes them."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from worker.sandbox.inside import JUDGE_LIBRARIES

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVICE, BUILD, SANDBOX = (
    ROOT / path for path in ("grader/requirements.lock", "grader/build.lock", "worker/images/requirements.lock")
)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


class Pin(NamedTuple):
    """One package of a lock file, where its marker holds."""

    requirement: Requirement
    hashes: int


def _pins(lock: Path) -> Iterator[Pin]:
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            words = _HASH.sub("", line).strip()
            yield Pin(Requirement(words), len(_HASH.findall(line)))


def _versions(lock: Path) -> dict[str, str]:
    """Name -> version of what this interpreter would install."""
    here = [
        pin.requirement for pin in _pins(lock) if pin.requirement.marker is None or pin.requirement.marker.evaluate()
    ]
    assert len({canonicalize_name(one.name) for one in here}) == len(here)
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}


@pytest.mark.parametrize("lock", [SERVICE, BUILD, SANDBOX], ids=["service", "build", "sandbox"])
def test_every_line_is_one_version_with_hashes_and_names_no_place(lock: Path) -> None:
    pins = list(_pins(lock))
    assert len(pins) > 5
    for pin in pins:
        assert re.fullmatch(r"==[^,*]+", str(pin.requirement.specifier)), pin
        assert pin.hashes > 0, pin
        assert pin.requirement.url is None
    for line in lock.read_text(encoding="utf-8").splitlines():
        assert "://" not in line and not line.startswith("-"), f"{lock.name} names a place or an option: {line}"


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (
            SERVICE,
            [
                *PROJECT["project"]["dependencies"],
                *PROJECT["project"]["optional-dependencies"]["docker"],
                *PROJECT["project"]["optional-dependencies"]["postgres"],
            ],
        ),
        (BUILD, PROJECT["build-system"]["requires"]),
        (SANDBOX, JUDGE_LIBRARIES),
    ],
    ids=["service", "build", "sandbox"],
)
def test_a_lock_holds_what_the_project_asks_for(lock: Path, wanted: list[str]) -> None:
    versions = _versions(lock)
    for requirement in map(Requirement, wanted):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in {lock.relative_to(ROOT)}: make lock"
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}: make lock"


@pytest.mark.parametrize("lock", [SERVICE, SANDBOX], ids=["service", "sandbox"])
def test_a_lock_holds_what_its_packages_need(lock: Path) -> None:
    """As far as the packages installed here are the locked ones."""
    versions = _versions(lock)
    looked = 0
    for name, version in versions.items():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if found.version != version:
            continue
        looked += 1
        for needed in map(Requirement, found.requires or ()):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in versions, f"{name} needs {needed}: make lock"
    assert looked > 3


def test_judge_and_service_have_the_same_libraries() -> None:
    service = _versions(SERVICE)
    assert {name: version for name, version in _versions(SANDBOX).items() if service.get(name) != version} == {}


def test_the_images_install_by_hash_and_start_from_one_base() -> None:
    for dockerfile in (ROOT / "grader" / "Dockerfile", ROOT / "worker" / "images" / "cpu.Dockerfile"):
        text = dockerfile.read_text(encoding="utf-8")
        bases = {line.split()[1] for line in text.splitlines() if line.startswith("FROM ")}
        assert len(bases) == 1 and bases.pop().startswith("python:3.11-slim-bookworm")
        commands = re.findall(r"pip install .*?(?=&&|\n)", text.replace("\\\n", " "))
        assert commands
        for command in commands:
            assert "--require-hashes" in command or "--no-index" in command, command
