"""Settings, read once at start from the environment (GRADER_…). Only bootstrap reads them."""

import secrets
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

SandboxChoice = Literal["auto", "docker", "bubblewrap"]


def _course_folder() -> Path:
    """The course nearest to where the command runs: this folder, its `labs/`, or the one grader came with."""
    here = Path.cwd()
    for folder in (here, here / "labs", *(parent / "labs" for parent in here.parents)):
        if any(folder.glob("*/labs/*/lab.toml")):
            return folder
    return Path(__file__).resolve().parent.parent / "labs"


class Settings(BaseSettings):
    """Every setting has a default that works on one machine.

    labs: the course folder. home: where the server secret is kept. sandbox: which kind to use; `auto` takes the first
    that works. docker_runtime: for example `runsc`, which needs GRADER_SANDBOX=docker to be chosen.
    """

    model_config = SettingsConfigDict(env_prefix="GRADER_", extra="forbid")

    labs: Path | None = None
    home: Path = Path.home() / ".local" / "share" / "grader"
    sandbox: SandboxChoice = "auto"
    docker_runtime: str | None = None

    @property
    def course(self) -> Path:
        """The course folder."""
        return (self.labs or _course_folder()).resolve()

    def secret(self) -> bytes:
        """The key that inputs are derived from; made at first use, readable by this user only."""
        file = self.home / "secret"
        if not file.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(32), encoding="ascii")
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
