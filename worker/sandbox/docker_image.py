"""The image containers start from: an interpreter and libraries, named by the digest of its Dockerfile."""

import hashlib
from io import BytesIO
from pathlib import Path

import docker

from worker.sandbox import SandboxError
from worker.sandbox.engine import blamed

DOCKERFILE = Path(__file__).parents[1] / "images" / "cpu.Dockerfile"
_KEPT_LINES = 15


def tag() -> str:
    """`grader-cpu:<12 hex digits>`: an edited Dockerfile is another image, so a stale one is never used by mistake."""
    return f"grader-cpu:{hashlib.sha256(DOCKERFILE.read_bytes()).hexdigest()[:12]}"


def build(api: docker.APIClient, name: str) -> None:
    """Build it under `name`, with the Dockerfile as the whole context.

    Raises SandboxError with the build's last lines.
    """
    lines: list[str] = []
    with blamed("the image could not be built"), BytesIO(DOCKERFILE.read_bytes()) as dockerfile:
        for event in api.build(fileobj=dockerfile, tag=name, network_mode="host", rm=True, forcerm=True, decode=True):
            lines.append(str(event.get("stream") or event.get("error") or "").rstrip())
            if "error" in event:
                raise SandboxError(
                    "the image could not be built: " + "\n".join(line for line in lines[-_KEPT_LINES:] if line),
                    "the engine must reach the registry and the package index; see the lines above",
                )
