"""What a model's folder holds, to the byte."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from worker.engine.errors import EngineError

#: What `sha256sum` writes, beside the files: the operator's word for what they ought to be.
SUMS = "SHA256SUMS"
_WEIGHTS = (".safetensors", ".bin")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of weights or settings, by name. Raises EngineError where that cannot be read."""
    found = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".json", *_WEIGHTS):
                with path.open("rb") as file:
                    found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(f"the model in {folder} cannot be read: {error.strerror}") from None
    if not any(name.endswith(_WEIGHTS) for name in found):
        raise EngineError(f"the folder {folder} holds no model: there are no weights in it")
    return found


def short(found: Mapping[str, str]) -> str:
    """Twelve hex digits that name a model's weights: those of the file, or of the list of several."""
    weights = {name: digest for name, digest in found.items() if name.endswith(_WEIGHTS)}
    if len(weights) == 1:
        return next(iter(weights.values()))[:12]
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(weights.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def check(folder: Path, found: Mapping[str, str]) -> None:
    """Hold what was found against the folder's SHA256SUMS. Raises EngineError, which says what differs."""
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeError):
        raise EngineError(
            f"{folder} has no {SUMS}: make it where the model comes from, with `sha256sum *.json *.safetensors *.bin`"
        ) from None
    wanted = {name.lstrip(" *"): digest for digest, _, name in (line.partition(" ") for line in lines)}
    wrong = [name for name, digest in found.items() if wanted.get(name) != digest]
    wrong += [name for name in wanted if name.endswith(_WEIGHTS) and name not in found]
    if wrong:
        raise EngineError(f"the model in {folder} is not what its {SUMS} says: {', '.join(sorted(set(wrong)))}")
