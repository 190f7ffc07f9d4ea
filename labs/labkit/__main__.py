"""`python -m labkit hint|plot|reveal|odds LAB …`, from the course folder."""

import argparse
import os
import sys
from pathlib import Path
from types import ModuleType

from labkit.contract import Implementation, InProcess, load_file
from labkit.faults import StudentFault
from labkit.hints import hint_text
from labkit.manifest import Manifest, find_lab, read_manifest
from labkit.plugin import DEFAULT_SEED


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labkit", description="Help, pictures and predictions of a lab.")
    commands = parser.add_subparsers(dest="command", required=True)
    hint = commands.add_parser("hint", help="a hint for one function, three levels deep")
    hint.add_argument("lab")
    hint.add_argument("function")
    hint.add_argument("--level", type=int, default=1, choices=(1, 2, 3))
    plot = commands.add_parser("plot", help="draw the lab's pictures from an implementation (needs matplotlib)")
    plot.add_argument("lab")
    plot.add_argument("--out", type=Path, default=Path("plots"))
    reveal = commands.add_parser("reveal", help="the README's predictions, answered by your own implementation")
    reveal.add_argument("lab")
    odds = commands.add_parser("odds", help="what the usual check of this lab is worth, and ours beside it")
    odds.add_argument("lab")
    odds.add_argument("--markdown", action="store_true", help="as rows of the README's table")
    for command in (plot, reveal):
        command.add_argument("--impl", default=os.environ.get("LAB_IMPL", "starter"))
    options = parser.parse_args(argv)
    try:
        manifest = read_manifest(find_lab(Path.cwd(), options.lab))
        return {"hint": _hint, "plot": _plot, "reveal": _reveal, "odds": _odds}[options.command](manifest, options)
    except (ValueError, StudentFault) as error:
        print(error, file=sys.stderr)
        return 2


def _hint(manifest: Manifest, options: argparse.Namespace) -> int:
    print(hint_text(manifest, options.function, options.level))
    return 0


def _plot(manifest: Manifest, options: argparse.Namespace) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    for file in _tool(manifest, "plots.py").draw(_implementation(manifest, options.impl), options.out):
        print(file)
    return 0


def _reveal(manifest: Manifest, options: argparse.Namespace) -> int:
    implementation = _implementation(manifest, options.impl)
    for number, (question, measure) in enumerate(_tool(manifest, "predictions.py").PREDICTIONS, start=1):
        print(f"{number}. {question}")
        try:
            print(f"   {measure(implementation)}")
        except StudentFault as fault:
            print(f"   your implementation does not say yet: {fault.sentence}")
    return 0


def _odds(manifest: Manifest, options: argparse.Namespace) -> int:
    if not (manifest.folder / "odds.py").is_file():
        raise ValueError(f"{manifest.short} has no test of random answers: every check of it is exact")
    for question, answer in _tool(manifest, "odds.py").answers(manifest):
        plain = f"{question}\n    {answer.replace('**', '')}"
        print(f"| {question} | {answer} |" if options.markdown else plain)
    return 0


def _implementation(manifest: Manifest, name: str) -> Implementation:
    file = Path(name) if name.endswith(".py") else manifest.folder / f"{name}.py"
    return Implementation(manifest, InProcess(lambda: load_file(file), DEFAULT_SEED))


def _tool(manifest: Manifest, name: str) -> ModuleType:
    return load_file(manifest.folder / name)


if __name__ == "__main__":
    sys.exit(main())
