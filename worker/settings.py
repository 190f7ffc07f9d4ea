"""A worker's settings, read once at start from the environment (GRADER_…) or from files in /run/secrets."""

import os
import secrets
import socket
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.broker import QUEUES, is_memory

SECRETS = Path("/run/secrets")


class BadSettings(Exception):
    """A worker cannot start like this; the message says which setting to change."""


class EngineSettings(BaseSettings):
    """What measures, for workers that do: `engine` names a profile of worker.engine, empty for none.

    engine_python: the interpreter that has vLLM. models: the folder of an operator's models. gpu: index or UUID, where
    there are several.
    """

    model_config = SettingsConfigDict(env_prefix="GRADER_", extra="ignore")

    engine: str = ""
    engine_python: Path | None = None
    models: Path | None = None
    gpu: str = ""

    def interpreter(self) -> Path:
        """The one that has vLLM. Raises BadSettings."""
        if self.engine_python is None:
            raise BadSettings(
                f"GRADER_ENGINE={self.engine} needs GRADER_ENGINE_PYTHON, the interpreter of an environment with vLLM"
            )
        return self.engine_python


class WorkerSettings(BaseSettings):
    """Every setting that the grader has too goes by the same name there.

    url: where the grader answers. worker_token: what makes this a worker of that grader; without it, the one that the
    grader on this machine keeps in `home`. slots: how many submissions run at once. queues: with commas between.
    pulse: a file touched whenever the grader has heard of this worker, for health checks.
    """

    model_config = SettingsConfigDict(env_prefix="GRADER_", extra="ignore")

    home: Path = Path.home() / ".local" / "share" / "grader"
    sandbox: Literal["auto", "docker", "bubblewrap"] = "auto"
    docker_runtime: str | None = None
    broker: str = "memory://"
    url: str = "http://127.0.0.1:8000"
    worker_token: str | None = None
    slots: int = Field(default=os.cpu_count() or 1, ge=1, le=1024)
    queues: str = QUEUES[0]
    pulse: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("the grader's address begins with http:// or https://")
        return url.rstrip("/")

    @field_validator("queues")
    @classmethod
    def _are_known(cls, queues: str) -> str:
        names = _names(queues)
        if not names or not set(names) <= set(QUEUES):
            raise ValueError(f"queues are {' and '.join(QUEUES)}, with a comma between")
        return queues

    def queue_names(self) -> list[str]:
        """The queues it works for."""
        return _names(self.queues)

    def token(self) -> str:
        """The token it shares with the grader. Raises BadSettings."""
        if self.worker_token and self.worker_token.strip():
            return self.worker_token.strip()
        file = self.home / "worker-token"
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            raise BadSettings(
                f"this worker has no token: set GRADER_WORKER_TOKEN to the grader's ({file}, on its machine)"
            ) from None

    def distant_broker(self) -> str:
        """The broker, which must reach beyond this process. Raises BadSettings."""
        if is_memory(self.broker):
            raise BadSettings(
                "GRADER_BROKER=memory:// reaches nobody outside the grader's own process, which has its own worker; "
                "set GRADER_BROKER=redis://HOST:6379/0 here and for the grader"
            )
        return self.broker


_Settings = TypeVar("_Settings", bound=BaseSettings)


def read_settings() -> WorkerSettings:
    """The settings of this process. Raises BadSettings naming each variable that makes no sense."""
    return _read(WorkerSettings)


def read_engine_settings() -> EngineSettings:
    """Those of an engine alone, for a process that is not only a worker. Raises BadSettings."""
    return _read(EngineSettings)


def _read(kind: type[_Settings]) -> _Settings:
    try:
        # this function, not the class, knows the folder: pydantic warns of one that is not there
        return kind(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
    except ValidationError as error:
        wrong = [f"GRADER_{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors()]
        raise BadSettings("\n".join(wrong)) from None


def worker_name() -> str:
    """A name that no other worker has, by which people find this one."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


def _names(queues: str) -> list[str]:
    return [name.strip() for name in queues.split(",") if name.strip()]
