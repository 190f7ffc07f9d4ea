"""The image containers start from: an interpreter and libraries, named by the digest of what it is made from."""

import hashlib
import tarfile
from io import BytesIO
from pathlib import Path

import docker

from worker.sandbox import SandboxError
from worker.sandbox.engine import blamed

DOCKERFILE = Path(__file__).parents[1] / "images" / "cpu.Dockerfile"
#: The libraries, by version and content.
LOCK = DOCKERFILE.parent / "requirements.lock"
_KEPT_LINES = 15


def tag() -> str:
    """`grader-cpu:<12 hex digits>`: from edited files comes another image, so a stale one is never used by mistake."""
    return f"grader-cpu:{hashlib.sha256(DOCKERFILE.read_bytes() + LOCK.read_bytes()).hexdigest()[:12]}"


def build(api: docker.APIClient, name: str) -> None:
    """Build it under `name`, with the Dockerfile and the lock file as the whole context.

    Raises SandboxError with the build's last lines.
    """
    lines: list[str] = []
    options = {"dockerfile": DOCKERFILE.name, "network_mode": "host", "rm": True, "forcerm": True, "decode": True}
    with blamed("the image could not be built"), _context() as context:
        for event in api.build(fileobj=context, custom_context=True, tag=name, **options):
            lines.append(str(event.get("stream") or event.get("error") or "").rstrip())
            if "error" in event:
                raise SandboxError(
                    "the image could not be built: " + "\n".join(line for line in lines[-_KEPT_LINES:] if line),
                    "the engine must reach the registry and the package index; see the lines above",
                )


def _context() -> BytesIO:
    """A tar archive of the two files."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in (DOCKERFILE, LOCK):
            archive.add(file, file.name)
    packed.seek(0)
    return packed
