"""The documents say what is so."""

import re
import tomllib
from pathlib import Path

import pytest

from grader.__main__ import COMMANDS
from grader.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = [  # ours: what tools and environments put into hidden folders is theirs
    file
    for file in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") or part == "node_modules" for part in file.relative_to(ROOT).parts)
]


def test_readmes_two_commands_stand_at_the_top_and_exist() -> None:
    top = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:12]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert any(line.strip().startswith(f"make {target}") for line in top)
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_command_and_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"grader {name}" not in readme and f"make {name}" not in readme] == []
    assert [f for f in Settings.model_fields if f"GRADER_{f.upper()}" not in readme] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / target).exists(), target


def test_every_lab_folder_has_its_papers() -> None:
    for manifest in ROOT.glob("labs/*/labs/*/lab.toml"):
        here = {file.name for file in manifest.parent.iterdir()}
        wanted = {"README.md", "INSTRUCTOR.md", "starter.py", "solution.py", "test_lab.py", "hints.toml", "mutants.py"}
        assert wanted <= here, manifest.parent.name
        data = tomllib.loads(manifest.read_text(encoding="utf-8"))
        phase = (manifest.parents[2] / "README.md").read_text(encoding="utf-8")
        assert f"labs/{data['id']}/README.md" in phase
