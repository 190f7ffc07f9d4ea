"""Hostile predictions.toml: what no reader should be shown at all, and texts that nobody can predict by."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.courses.copies import LAB, let_measure, toy_course

LABS = Path(__file__).parents[2] / "labs"
NAME = "predictions.toml"
ID = "lab-02-eagle-on-real-vllm"
FOLDER = f"{LAB.rpartition('/')[0]}/{ID}"
REAL = LABS / "phase-08-speculative-decoding/labs" / ID
STARTER, SOLUTION = ((REAL / file).read_bytes() for file in ("starter.py", "solution.py"))
GOOD = (REAL / "examples" / NAME).read_text(encoding="utf-8")
FINAL = GOOD.replace("final = false", "final = true")
_MIB = 1024 * 1024
_HTML = '<img src=x onerror="window.owned=1">'


def predicting_course(folder: Path, *, measured: bool = False) -> Path:
    """The toy course in `folder`, with the lab whose numbers are predicted."""
    toy_course(folder)
    shutil.copytree(REAL, folder / FOLDER, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    if measured:
        let_measure(folder / FOLDER)
    return folder


def _final(old: str, new: str) -> str:
    """Final predictions that are good but for one thing."""
    assert old in FINAL, old
    return FINAL.replace(old, new, 1)


#: Refused before any of it is kept: the file, and what its student is told.
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "64 megabytes": (lambda: b"#" * (64 * _MIB), "larger than"),
    "a megabyte and a byte": (lambda: b"#" * (_MIB + 1), "larger than 1 MB"),
    "NUL": (lambda: FINAL.encode().replace(b"final", b"fi\0nal", 1), "is not a text file: byte"),
    "nothing but NUL": (lambda: b"\0" * 10_000, "byte 1 is NUL"),
    "no UTF-8": (lambda: FINAL.encode() + b"# caf\xe9\n", "is not a text file in UTF-8: line"),
    "half a character": (lambda: FINAL.encode() + b"# \xed\xa0\x80\n", "is not a text file in UTF-8: line"),
    "UTF-16": (lambda: FINAL.encode("utf-16"), "UTF-16"),
    "nothing": (lambda: b" \n", "is empty"),
    "a pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", "Git LFS pointer"),
}

#: Kept as it is, and never sealed: the text, and what its student is told.
UNREADABLE: dict[str, tuple[str, str]] = {
    "100,000 tables": ("\n".join(f"[t{number}]" for number in range(100_000)), "the file is too long"),
    "100,000 keys": ("\n".join(f"a{number}=1" for number in range(90_000)), "the file is too long"),
    "a long comment in front": ("# so\n" * 100_000 + FINAL, "the file is too long"),
    "a megabyte in a line": (f"final = true # {'x' * 1_000_000}", "the file is too long"),
    "a list of lists in a line": (f"speedup = {'[' * 5_000}{']' * 5_000}", "line 1 is too long"),
    "a list of lists": ("speedup =" + "[\n" * 5_000, "TOML|nests too deeply"),
    "tables in tables": ("speedup = " + "{ a = " * 40 + "1" + " }" * 40, "nests too deeply|found nothing"),
    "a name of names": (f"[{'.'.join('a' * 190)}]\n" * 20, "TOML|missing"),
    "a number without end": (_final("value = 2.57", f"value = {'9' * 5_000}"), "is too long"),
    "a large number": (_final("value = 2.57", f"value = {'9' * 300}"), "value must be a number from"),
    "a large number in hexadecimals": (_final("value = 2.57", f"value = 0x{'f' * 300}"), "value must be a number from"),
    "a power past all": (_final("value = 2.57", "value = 1e999"), "found inf"),
    "infinite": (_final("hi = 2.85", "hi = inf"), "found inf"),
    "below all": (_final("lo = 2.35", "lo = -inf"), "found -inf"),
    "no number": (_final("value = 2.57", "value = nan"), "found nan"),
    "no number at all three": (
        _final("value = 2.57\nlo = 2.35\nhi = 2.85", "value = nan\nlo = nan\nhi = nan"),
        "found nan",
    ),
    "from zero": (_final("lo = 2.35", "lo = 0"), "lo must be a number from"),
    "a truth for a number": (_final("value = 2.57", "value = true"), "found true"),
    "a text that is a page": (_final("value = 2.57", f"value = '{_HTML}'"), "found the text"),
    "a page": (f"<!doctype html><script>window.owned=1</script>{_HTML}\n", "this is not TOML"),
    "a table called by a page": (f"{FINAL}\n['{_HTML}']\n", "nobody asked for"),
    "controls of a terminal": (_final('reason = "', 'reason = "\x1b]0;owned\x07\x1b[2J'), "this is not TOML"),
    "half a character by its number": (_final('reason = "', 'reason = "\\ud800'), "this is not TOML"),
    "lines that end with returns": (FINAL.replace("\n", "\r"), "TOML|too long"),
    "the same twice": (f"{FINAL}\n[speedup]\nvalue = 1\n", "this is not TOML"),
    "a list of tables": (_final("[speedup]", "[[speedup]]"), "speedup must be a table"),
    "final by a word": (_final("final = true", "final = 'true'"), "final must be true or false"),
    "no reason": (FINAL.replace('reason = "', '# "'), "reason must say in one line why"),
    "an explanation of everything": (
        f"{FINAL}\n" + "\n".join(f"[post_mortem.a{number}]" for number in range(300)),
        "nobody asked for",
    ),
    "JSON": ('{"final": true}', "this is not TOML"),
    "code": ("import os; os._exit(0)", "this is not TOML"),
}
