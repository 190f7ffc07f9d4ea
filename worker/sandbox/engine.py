"""Reaching a Docker engine, or saying why not."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import docker
import docker.errors

from worker.sandbox import SandboxError

_DEFAULT = "unix:///var/run/docker.sock"
_JOIN_GROUP = "sudo usermod -aG docker $USER and log in again (that group is as good as root), or use rootless Docker"
_START = "start it (systemctl start docker), or point DOCKER_HOST at it"


def connect() -> docker.APIClient:
    """A client of the engine at DOCKER_HOST, or of the local one. Raises SandboxError."""
    where = urlsplit(os.environ.get("DOCKER_HOST") or _DEFAULT)
    if where.scheme == "unix":
        _try(where.path)
    elif where.scheme != "tcp" or os.environ.get("DOCKER_TLS_VERIFY"):
        raise SandboxError(
            f"attaching to containers over {where.scheme} or TLS is not supported",
            "run the worker beside the engine and use its Unix socket",
        )
    try:
        return docker.from_env().api
    except docker.errors.DockerException as error:
        raise SandboxError(f"no Docker engine answers at {where.geturl()}: {error}", _START) from error


@contextmanager
def blamed(action: str) -> Iterator[None]:
    """What the client raises inside becomes a SandboxError that says which `action` failed."""
    try:
        yield
    except (docker.errors.DockerException, OSError) as error:
        raise SandboxError(f"{action}: {error}", "check `docker info`, then `grader doctor`") from error


def _try(path: str) -> None:
    """The client loses its socket where this fails, and words it less well."""
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(path)
    except PermissionError as error:
        raise SandboxError(f"this user may not talk to the Docker engine at {path}", _JOIN_GROUP) from error
    except OSError as error:
        raise SandboxError(f"no Docker engine answers at {path}: {error.strerror}", _START) from error
