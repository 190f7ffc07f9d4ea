"""The import table and the house rules, enforced."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STDLIB_FORBIDDEN_IN_DOMAIN = {"os", "io", "time", "random", "subprocess", "socket", "pathlib", "shutil", "tempfile"}
VAGUE = {"utils", "util", "common", "core", "base", "misc", "helpers"}

# who -> what of ours it may import; the longest matching prefix decides
MAY_IMPORT = {
    "grader.domain": {"grader.domain"},
    "grader.ports": {"grader.domain", "grader.ports"},
    "grader.steps": {"grader.domain", "grader.ports", "grader.steps"},
    "grader.adapters": {"grader.domain", "grader.ports", "grader.adapters"},
    "grader.settings": set(),
    "grader.garbage": set(),
    "grader.rounds": {"grader.domain"},
    "grader.dispatcher": {"grader.domain", "grader.ports", "grader.steps", "grader.rounds"},
    "grader.publisher": {"grader.domain", "grader.ports", "grader.steps", "grader.rounds"},
    "grader.web": {"grader.domain", "grader.ports", "grader.steps", "grader.web", "grader.dispatcher"},
    "grader.bootstrap": {"grader", "worker"},
    "grader.client": {"grader.domain", "grader.adapters", "grader.client"},
    "grader.commands": {"grader"},
    "grader.__main__": {"grader"},
    "worker": {"grader.domain", "worker"},
    "worker.sandbox": {"worker.limits", "worker.sandbox"},
    "worker.harness": {"worker.harness", "labkit"},
    "worker.engine": {"worker.engine"},
    "labkit": {"labkit"},
}
OUTSIDE = {
    "grader.domain": set(),
    "grader.ports": set(),
    "grader.steps": set(),
    "grader.adapters": set(),
    "grader.adapters.sql_store": {"sqlalchemy", "alembic"},
    "grader.adapters.celery_queue": {"celery", "kombu"},
    "grader.adapters.logs": {"structlog"},
    "grader.adapters.forges": {"httpx"},
    "grader.client": {"httpx"},
    "grader.rounds": set(),
    "grader.dispatcher": set(),
    "grader.publisher": set(),
    "grader.web": {"fastapi", "starlette", "pydantic", "jinja2", "markupsafe"},
    "grader.web.health": {"fastapi", "prometheus_client"},
    "worker.harness": {"pytest", "pytest_jsonreport", "numpy"},
    "worker.engine": {"vllm", "torch", "transformers", "tokenizers", "safetensors"},
    "worker": {"docker", "celery", "kombu", "httpx", "pydantic", "pydantic_settings", "structlog"},
    "labkit": {"numpy", "pytest"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for top, where in (("grader", ROOT), ("worker", ROOT), ("labkit", ROOT / "labs")):
        for file in sorted((where / top).rglob("*.py")):
            parts = list(file.relative_to(where).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""


def longest(table: dict[str, set[str]], module: str) -> set[str] | None:
    owners = [owner for owner in table if module == owner or module.startswith(f"{owner}.")]
    return table[max(owners, key=len)] if owners else None


def is_within(name: str, allowed: set[str]) -> bool:
    return any(name == a or name.startswith(f"{a}.") for a in allowed)


@pytest.mark.parametrize(("module", "file"), list(modules()), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_follow_the_table(module: str, file: Path) -> None:
    ours = longest(MAY_IMPORT, module)
    outside = longest(OUTSIDE, module)
    for name in imports(file):
        top = name.partition(".")[0]
        if top in ("grader", "worker", "labkit"):
            # a package may name its own parent's constants: `from worker.sandbox import …` inside worker.sandbox
            assert ours is None or is_within(name, ours), f"{module} imports {name}"
        elif outside is not None and top not in sys.stdlib_module_names:
            assert top in outside, f"{module} imports {name}"
        if module.startswith("grader.domain"):
            assert top not in STDLIB_FORBIDDEN_IN_DOMAIN, f"{module} is pure but imports {name}"


def test_no_module_has_a_vague_name() -> None:
    assert [m for m, _ in modules() if m.rpartition(".")[2] in VAGUE] == []


def test_nothing_is_imported_inside_a_function() -> None:
    late = []
    for module, file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                late += [module for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert late == []


def test_there_is_no_import_cycle() -> None:
    known = dict(modules())
    graph = {m: {i for i in imports(f) if i in known and i != m} for m, f in known.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path[path.index(module) :], module))
        if module not in done:
            for other in graph[module]:
                visit(other, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_files_stay_rooms_not_halls() -> None:
    large = {m: n for m, f in modules() if (n := len(f.read_text(encoding="utf-8").splitlines())) > 300}
    assert large == {}


def test_every_module_says_what_it_is() -> None:
    silent = [m for m, f in modules() if not ast.get_docstring(ast.parse(f.read_text(encoding="utf-8")))]
    assert silent == []


BROAD = {
    "labkit.contract": 3,  # strangers' code: a call, a module's top level, an exception's text
    "grader.rounds": 1,  # whatever went wrong in one round, what waits needs the next
    "worker.attempt": 1,  # a job's top level: whatever breaks there, the job must end
    "worker.harness.arguments": 1,  # the spec's callable, called by strangers with anything
}


def test_broad_excepts_stand_only_where_strangers_code_runs() -> None:
    found: dict[str, int] = {}
    for module, file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"BaseException"}
                )
                if names & {"Exception", "BaseException"}:
                    found[module] = found.get(module, 0) + 1
    assert found == BROAD
