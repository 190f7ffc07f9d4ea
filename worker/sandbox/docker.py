"""Sandboxed processes by a Docker engine: one container each, none of the host's files in it.

With a `runtime` such as gVisor's `runsc` strangers' code runs under it. The judge, which runs none, stays on the
engine's own: a socket made inside gVisor cannot be reached from outside. The guest finds the judge's libraries in the
image as well, pytest included; nothing it could do with them reaches the judge.

The engine must be reached over a Unix socket or plain TCP, not TLS or SSH.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus

import docker
import docker.errors
from docker.types import Mount, Ulimit

from worker.limits import BACKGROUND_SHARE, MIB, Limits
from worker.sandbox import (
    Probe,
    Role,
    SandboxError,
    docker_image,
    docker_probe,
    docker_sweep,
    engine,
    inside,
    owner,
    seccomp,
)
from worker.sandbox.docker_process import DockerProcess
from worker.sandbox.members import Members

_FILES_PER_MIB = 256
# gVisor's own threads count, and one program needs a few hundred
_RUNTIME_PROCESSES = 512
_RUNTIME_MEMORY_MIB = 64
_PYTHON = ("python", "-s", "-P")


class DockerSandbox:
    """Satisfies `Sandbox`."""

    def __init__(self, runtime: str | None = None, image: str | None = None) -> None:
        self._runtime = runtime
        self._image = image or docker_image.tag()
        self._api: docker.APIClient | None = None

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"docker+{self._runtime}" if self._runtime else "docker"

    def probe(self) -> Probe:
        """Run a word through it."""
        try:
            with engine.blamed("the Docker engine could not be asked"):
                api = self._connect()
                about = api.info()
                obstacle = self._obstacle(api, about.get("Runtimes", {}))
            if obstacle:
                return Probe(self.name, False, *obstacle)
            with self.cell() as cell:
                obstacle = docker_probe.obstacle(cell, self._runtime)
        except SandboxError as error:
            return Probe(self.name, False, str(error), docker_probe.fix_for(str(error), self._runtime, error.fix))
        if obstacle:
            return Probe(self.name, False, *obstacle)
        return Probe(self.name, True, "" if about.get("CPUSet") else docker_probe.NO_CORES)

    def build_image(self) -> None:
        """Build the image containers start from; minutes, once. Raises SandboxError."""
        docker_image.build(self._connect(), self._image)

    @contextmanager
    def cell(self) -> Iterator["DockerCell"]:
        """See `Sandbox`. Also clears what killed workers of this host left."""
        api = self._connect()
        with engine.blamed("the cell could not be made"):
            docker_sweep.sweep(api)
            cell = DockerCell(api, self._image, self._runtime)
        try:
            yield cell
        finally:
            with engine.blamed("the cell could not be cleared; the next one will try again"):
                cell.close()

    def _connect(self) -> docker.APIClient:
        if self._api is None:
            self._api = engine.connect()
        return self._api

    def _obstacle(self, api: docker.APIClient, runtimes: Collection[str]) -> tuple[str, str] | None:
        if self._runtime and self._runtime not in runtimes:
            return (
                f"the Docker engine has no runtime {self._runtime!r}, only {', '.join(sorted(runtimes))}",
                f"add it under `runtimes` in /etc/docker/daemon.json, or configure the sandbox without {self._runtime}",
            )
        try:
            api.inspect_image(self._image)
        except docker.errors.ImageNotFound:
            return f"the image {self._image} is not built", "grader doctor --build-image"
        return None


class DockerCell:
    """Satisfies `Cell`."""

    def __init__(self, api: docker.APIClient, image: str, runtime: str | None) -> None:
        self._api = api
        self._image = image
        self._runtime = runtime
        self._processes = Members[DockerProcess]()
        self._mark = owner.new_mark()
        self._labels = docker_sweep.labels(api, self._mark)
        shape = f"size={inside.CHANNEL_MIB}m,mode={inside.CHANNEL_MODE:04o},nosuid,nodev,noexec"
        options = {"type": "tmpfs", "device": "tmpfs", "o": shape}
        api.create_volume(self._mark, driver="local", driver_opts=options, labels=self._labels)

    def start(
        self, role: Role, argv: Sequence[str], stdin: bytes, limits: Limits, *, more: bool = False
    ) -> DockerProcess:
        """See `Cell`."""
        self._processes.check()
        words = inside.command(role, argv, _PYTHON)
        with engine.blamed("the container could not be started"), ExitStack() as undo:
            container = self._create(role, words, limits)
            undo.callback(self._api.remove_container, container, force=True, v=True)
            process = DockerProcess(self._api, container, stdin, limits, more=more)
            undo.pop_all()
        return self._processes.add(process)

    def close(self) -> None:
        """Kill everything in it and remove its volume."""
        processes = self._processes.end()
        with ExitStack() as todo:  # each is tried, whatever happens to the others
            todo.callback(self._api.remove_volume, self._mark, force=True)
            for process in processes:
                todo.callback(process.close)

    def _create(self, role: Role, words: Sequence[str], limits: Limits) -> str:
        try:
            container = self._api.create_container(
                self._image,
                entrypoint=words[:1],
                command=words[1:],
                user=f"{inside.USERS[role]}:{inside.USERS[role]}",
                hostname="sandbox",
                working_dir=inside.WORK,
                stdin_open=True,
                labels=self._labels,
                host_config=self._host_config(role, limits),
            )
        except docker.errors.APIError as error:
            anywhere = replace(limits, core=None, cpus=min(1.0, limits.cpus))
            if limits == anywhere or error.status_code != HTTPStatus.BAD_REQUEST:
                raise
            # the engine is on another machine, or has fewer cores than we
            return self._create(role, words, anywhere)
        return str(container["Id"])

    def _host_config(self, role: Role, limits: Limits) -> dict[str, object]:
        runtime = None if role is Role.JUDGE else self._runtime
        memory = (limits.memory_mib + (_RUNTIME_MEMORY_MIB if runtime else 0)) * MIB
        bounds = {"nofile": limits.open_files, "core": 0, "cpu": limits.cpu_seconds, "fsize": limits.scratch_mib * MIB}
        scratch = f"size={limits.scratch_mib}m,nr_inodes={limits.scratch_mib * _FILES_PER_MIB}"
        user = f"uid={inside.USERS[role]},gid={inside.USERS[role]},mode=0700"
        config: dict[str, object] = self._api.create_host_config(
            read_only=True,
            network_mode="none",
            ipc_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true", f"seccomp={seccomp.profile(role)}"],
            mem_limit=memory,
            memswap_limit=memory,
            pids_limit=max(limits.processes, _RUNTIME_PROCESSES) if runtime else limits.processes,
            nano_cpus=int(limits.cpus * 1_000_000_000),
            cpu_shares=round(1024 * BACKGROUND_SHARE) if limits.background else None,
            cpuset_cpus=None if limits.core is None else str(limits.core),
            ulimits=[Ulimit(name=name, soft=value, hard=value) for name, value in bounds.items()],
            # gVisor adds a writable /tmp of its own where nothing is mounted there
            tmpfs={inside.WORK: f"{scratch},{user},nosuid,nodev,noexec", "/tmp": "size=64k,ro"},
            mounts=[Mount(inside.CHANNEL, self._mark, read_only=role is not Role.JUDGE, no_copy=True)],
            log_config={"Type": "none"},
            init=False,
            runtime=runtime,
        )
        return config
