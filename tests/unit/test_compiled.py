"""A submission is compiled by the first test that can, and by each for itself where that says anything."""

import os
import sys
from pathlib import Path
from types import CodeType

import pytest
from labkit.faults import Unloadable

from worker.harness.child import Child
from worker.harness.compiled import Compiled, compiled, loaded

WARNS = 'x = "\\d"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "starter.py"
    file.write_text("def one():\n    return 1\n")
    return file


def handed_on(known: Compiled) -> bytes | None:
    while known.pipe is not None:
        known.take()
    return known.code


def test_code_is_handed_on_and_asked_for_no_more(file: Path) -> None:
    known = Compiled()
    own = compiled(file, known.ask())
    code = handed_on(known)
    assert isinstance(own, CodeType)
    assert code is not None
    assert loaded(code) == own
    assert known.ask() is None


@pytest.mark.parametrize("source", ["def one(:\n", WARNS, "\0"], ids=["wrong", "warns", "no text"])
def test_what_compiling_says_each_test_says_for_itself(file: Path, source: str) -> None:
    file.write_text(source)
    known = Compiled()
    assert compiled(file, known.ask()) == source.encode()
    assert handed_on(known) is None
    assert known.ask() is not None  # of the next test


def test_the_pipe_is_closed_before_anything_of_it_runs(file: Path) -> None:
    known = Compiled()
    onward = known.ask()
    assert onward is not None
    compiled(file, onward)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(onward)
    handed_on(known)


@pytest.mark.parametrize("source", ["def one(:\n", "raise OSError\n"], ids=["wrong", "breaks"])
def test_a_file_that_does_not_import_says_so_as_often_as_it_is_asked(
    file: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(source)
    known = Compiled()
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])
    child = Child(file, None, known.ask())
    for _ in range(2):
        with pytest.raises(Unloadable):
            child._load()
    handed_on(known)


def test_half_of_it_is_nothing() -> None:
    known = Compiled()
    onward = known.ask()
    assert onward is not None
    os.write(onward, (100).to_bytes(8, "big") + b"half")  # and then the process died
    os.close(onward)
    assert handed_on(known) is None
