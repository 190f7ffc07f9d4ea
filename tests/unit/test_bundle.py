"""What goes into a sandbox: files, orders, and code that nobody has to compile again."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from worker.bundle import order, with_code
from worker.harness.orders import Order, receive
from worker.stages import Stages


def unpacked(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def imported(folder: Path, module: str) -> str:
    program = f"import {module}; print({module}.x)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(folder)!r}]; {program}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_code_goes_along_and_is_what_runs(tmp_path: Path) -> None:
    files = with_code({"place/one.py": b"x = 1\n", "place/notes.txt": b"x"})
    assert len(files) == 3
    unpacked(tmp_path, files)
    assert imported(tmp_path / "place", "one") == "1"
    (tmp_path / "place/one.py").write_bytes(b"x = 2\n")
    assert imported(tmp_path / "place", "one") == "1"  # so nothing was compiled
    next((tmp_path / "place/__pycache__").iterdir()).rename(tmp_path / "of-another-version.pyc")
    assert imported(tmp_path / "place", "one") == "2"


@pytest.mark.parametrize("broken", [b"x = (", b"\x00", b"(" * 10_000, b"\xff"])
def test_a_module_that_does_not_compile_goes_as_it_is(broken: bytes) -> None:
    assert with_code({"a/b.py": broken}) == {"a/b.py": broken}


def test_an_order_arrives_as_it_was_given() -> None:
    files = {"starter.py": b"x" * 100_000, "data/empty.bin": b""}
    stream = io.BytesIO(order({"seed": 1}, files) + order({"seed": 2}, {}))
    assert receive(stream) == Order({"seed": 1}, files)
    assert receive(stream) == Order({"seed": 2}, {})
    assert receive(stream) is None


def test_half_an_order_is_none() -> None:
    whole = order({"seed": 1}, {"a": b"123"})
    assert [receive(io.BytesIO(whole[:size])) for size in range(len(whole))] == [None] * len(whole)


def test_stages_add_up_and_leave_out_what_never_came() -> None:
    stages = Stages()
    assert list(stages.seconds()) == ["report"]
    for event in ("collected", "answered", "test", "guest", "answered", "test"):
        stages.heard(event)
    found = stages.seconds()
    assert list(found) == ["start", "guest", "tests", "report"]
    assert all(seconds >= 0 for seconds in found.values())
    without = Stages()
    without.heard("collected")
    without.heard("test")  # a test that called nothing
    assert list(without.seconds()) == ["start", "tests", "report"]
