"""Settings, read once at start from the environment (GRADER_…) or files in /run/secrets. Only bootstrap reads them."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

SandboxChoice = Literal["auto", "docker", "bubblewrap"]
SECRETS = Path("/run/secrets")


def _course_folder() -> Path:
    """The course nearest to where the command runs: this folder, its `labs/`, or the one grader came with."""
    here = Path.cwd()
    for folder in (here, here / "labs", *(parent / "labs" for parent in here.parents)):
        if any(folder.glob("*/labs/*/lab.toml")):
            return folder
    return Path(__file__).resolve().parent.parent / "labs"


class Settings(BaseSettings):
    """Every setting has a default that works on one machine.

    labs: the course folder. home: where the database and the secrets are kept. sandbox: which kind to use; `auto`
    takes the first that works. docker_runtime: for example `runsc`, which needs GRADER_SANDBOX=docker to be chosen.
    database, broker: where the truth and the doorbell are. url: how browsers and workers reach the service. key,
    worker_token: secrets that several processes share; made in `home` where they are not set. slots, queues: how many
    submissions the embedded worker runs at once, and of which queues: where one process is the whole product, of all.
    forges: the file that connects courses to forges. lease_s,
    offer_s, max_attempts: how lost work is found again.
    """

    model_config = SettingsConfigDict(env_prefix="GRADER_", extra="ignore")

    labs: Path | None = None
    home: Path = Path.home() / ".local" / "share" / "grader"
    sandbox: SandboxChoice = "auto"
    docker_runtime: str | None = None
    database: str | None = None
    broker: str = "memory://"
    url: str | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    key: str | None = Field(default=None, repr=False)
    worker_token: str | None = Field(default=None, repr=False)
    slots: Annotated[int, Field(ge=1, le=1_024)] = os.cpu_count() or 1
    queues: str = "cpu,gpu"
    forges: Path | None = None
    lease_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0
    offer_s: Annotated[float, Field(ge=1, le=3_600)] = 20.0
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5

    def __init__(self, **given: Any) -> None:
        super().__init__(**given, _secrets_dir=SECRETS if SECRETS.is_dir() else None)

    @property
    def course(self) -> Path:
        """The course folder."""
        return (self.labs or _course_folder()).resolve()

    @property
    def database_url(self) -> str:
        """Where the truth is kept, as SQLAlchemy reads it."""
        return self.database or f"sqlite:///{self.home.resolve() / 'grader.db'}"

    @property
    def public_url(self) -> str:
        """How browsers reach the service, without a slash at the end."""
        return (self.url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def forges_file(self) -> Path | None:
        """The file that connects courses to forges; None if there is none, and none was asked for."""
        usual = self.home.resolve() / "forges.toml"
        return self.forges or (usual if usual.exists() else None)

    @property
    def own_url(self) -> str:
        """How this machine reaches the service, whatever others call it."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def embedded(self) -> bool:
        """Whether this process is the whole product: its broker reaches nobody else."""
        return self.broker.startswith("memory:")

    def secret(self) -> bytes:
        """The key that inputs are derived from; made at first use, readable by this user only."""
        return bytes.fromhex(self.key.strip() if self.key else self._kept("secret"))

    def token(self) -> str:
        """What all workers share with the grader; made at first use, readable by this user only."""
        return self.worker_token.strip() if self.worker_token else self._kept("worker-token")

    def _kept(self, name: str) -> str:
        """The secret in a file of `home`. Whoever comes first makes it; the others find it whole."""
        file = self.home / name
        if not file.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{name}-{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_hex(32), encoding="ascii")
            with suppress(FileExistsError):
                file.hardlink_to(draft)
            draft.unlink()
        return file.read_text(encoding="ascii").strip()
