"""How code and data reach a sandbox: one bundle on standard input, unpacked by a few lines on the command line.

So a sandbox needs no file of the host, an image never goes stale, and judge and guest each get what they may see.
"""

import json
from collections.abc import Mapping
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


def pack(main: str, job: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """The bundle that runs module `main` with `job`; `files` by path relative to the working directory."""
    head = {
        "main": main,
        "job": dict(job),
        "path": ["harness", "course"],
        "files": [[f"./{path}", len(data)] for path, data in files.items()],
    }
    text = json.dumps(head).encode()
    return b"".join([len(text).to_bytes(8, "big"), text, *files.values()])
