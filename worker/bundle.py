"""How code and data reach a sandbox: one bundle on standard input, unpacked by a few lines on the command line.

So a sandbox needs no file of the host, an image never goes stale, and judge and guest each get what they may see.
A process that is started ahead gets its orders later, in the same form.
"""

import json
import marshal
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path
from types import MappingProxyType
from typing import Any

#: Runs as `python -c BOOT`: unpacks the bundle into the working directory and starts `main(job)` of its module.
BOOT = """\
import importlib, json, os, sys
def boot():
    take = sys.stdin.buffer.read
    head = json.loads(take(int.from_bytes(take(8), "big")))
    for path, size in head["files"]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(take(size))
    sys.path[:0] = [os.path.abspath(place) for place in head["path"]]
    sys.dont_write_bytecode = True
    importlib.import_module(head["main"]).main(head["job"])
boot()
"""
ARGV = ("python", "-c", BOOT)
#: The flags of a code file that is found by its place alone (PEP 552).
_UNCHECKED = (0b01).to_bytes(4, "little")


def pack(main: str, job: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bundle that runs module `main` with `job`; `files` by path relative to the working directory."""
    return _framed({"main": main, "job": dict(job), "path": ["harness", "course"]}, files)


def order(job: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """What a process that was started ahead is told to do (`worker.harness.orders` reads it)."""
    return _framed({"job": dict(job)}, files)


def _framed(head: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    text = json.dumps({**head, "files": [[f"./{path}", len(data)] for path, data in files.items()]}).encode()
    return b"".join([len(text).to_bytes(8, "big"), text, *files.values()])


def under(place: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files in the folder `place`."""
    return {f"{place}/{path}": data for path, data in files.items()}


def with_code(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """`files` and, beside each module, its code: so that nobody compiles it again inside.

    An interpreter of another version than ours ignores that, and compiles.
    """
    found = dict(files)
    for path, source in files.items():
        folder, _, name = path.rpartition("/")
        if name.endswith(".py") and (code := _code(f"/work/{path}", source)):
            found[f"{folder}/__pycache__/{name[:-3]}.{sys.implementation.cache_tag}.pyc"] = code
    return found


@lru_cache(maxsize=256)
def _code(place: str, source: bytes) -> bytes:
    """What the interpreter keeps of a module at `place`, marked as not to be compared with its source; b"" for none."""
    try:
        code = compile(source, place, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return b""  # whoever imports it will say so
    return MAGIC_NUMBER + _UNCHECKED + source_hash(source) + marshal.dumps(code)


@cache
def harness_files() -> Mapping[str, bytes]:
    """Our own code that goes into the sandbox, as bundle paths. What runs there is what this process began with."""
    package = Path(__file__).parent
    sources = [package / "__init__.py", *sorted((package / "harness").glob("*.py"))]
    return MappingProxyType(
        {f"harness/worker/{file.relative_to(package).as_posix()}": file.read_bytes() for file in sources}
    )
