"""The toy course in a folder of its own, with as many labs as a test wants."""

import shutil
from pathlib import Path

HERE = Path(__file__).parent
KIT = HERE.parents[1] / "labs/labkit"
LAB = "basics/labs/toy-1"
#: What an answer may be worth, and what it looks like; the comment makes each submission another one.
ANSWERS = {
    10: "# {note}\ndef double(x): return 2.0 * x\ndef total(items): return float(sum(items))\n",
    6: "# {note}\ndef double(x): return 2.0 * x\ndef total(items): return 0.5\n",
    4: "# {note}\ndef double(x): return x + 100.0\ndef total(items): return float(sum(items))\n",
    0: "# {note}\ndef double(x): return x + 100.0\ndef total(items): return 0.5\n",
}


def toy_course(folder: Path, labs: int = 1) -> Path:
    """Make it in `folder` with labs toy-1, toy-2, …: the same lab again and again."""
    shutil.copytree(HERE / "toy", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(KIT, folder / "labkit", ignore=shutil.ignore_patterns("__pycache__"))
    first = folder / LAB
    for number in range(2, labs + 1):
        other = first.with_name(f"toy-{number}")
        shutil.copytree(first, other)
        manifest = (other / "lab.toml").read_text(encoding="utf-8")
        (other / "lab.toml").write_text(manifest.replace('"toy-1"', f'"toy-{number}"'), encoding="utf-8")
    return folder


def let_measure(lab: Path) -> None:
    """The lab in this folder asks an engine from now on."""
    manifest = lab / "lab.toml"
    text = manifest.read_text(encoding="utf-8")
    assert text.count("measured = false") == 1
    manifest.write_text(text.replace("measured = false", "measured = true"), encoding="utf-8")


def answer(points: int, note: str) -> bytes:
    """A submission that is worth so much; `note` makes it unlike every other."""
    return ANSWERS[points].format(note=note).encode()
