"""Students' bare git repositories, spoken to through the `git` program. Nothing of them is ever checked out.

Every call brings its own configuration, so that neither this machine's nor a repository's own can change what it does.
Files are read by path from the tree, never by `git archive`: a `.gitattributes` in the tree could hide some.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.adapters.git_objects import FIRST, PINNED, GitCommits, Objects, checked_commit
from grader.domain.errors import BadSettings, ForgeDown, NotFound, UnreadableSubmission
from grader.domain.text import clean_line
from grader.ports.repositories import Found

BRANCH = "refs/heads/main"
CALL_S = 30.0
FETCH_S = 120.0
MAX_FETCHED_BYTES = 64 * 1024 * 1024
#: What one object of a pack may grow to: a few megabytes of pack can hold gigabytes of nothing.
MAX_OBJECT = "64m"
MAX_MEMORY_BYTES = 1024**3
MAX_CPU_S = 120
#: How a student's pack is checked, and what is refused before any of our code sees it.
SETTINGS = {
    "receive.fsckObjects": "true",
    "receive.fsck.badFilemode": "error",
    "receive.maxInputSize": "8m",
    "receive.denyDeletes": "true",
    "receive.denyDeleteCurrent": "true",
    "receive.denyNonFastForwards": "false",
    "receive.advertisePushOptions": "true",
    "receive.autogc": "false",
    "receive.unpackLimit": "1",
    "receive.shallowUpdate": "false",
    "transfer.hideRefs": "refs/grader",
    "fetch.fsckObjects": "true",
    "fetch.fsck.badFilemode": "error",
    "uploadpack.allowFilter": "false",
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "http.followRedirects": "false",
    "core.symlinks": "false",
    "core.logAllRefUpdates": "true",  # when a push came, should we die before we have written that down
    "gc.auto": "0",
    "pack.threads": "1",
    "core.bigFileThreshold": "1g",  # so that no object slips past MAX_OBJECT
    "safe.directory": "*",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
}
_COURSE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_NO_GIT = ("the program git is not installed", "apt install git")


class GitRepositories:
    """Satisfies `Repositories`; they live under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._checked: set[tuple[Path, str, str]] = set()  # commits whose folder, and those above it, have no twins

    @property
    def root(self) -> str:
        """See `Repositories`."""
        return str(self._root)

    def bounded(self, *words: str) -> list[str]:
        """See `Repositories`; where the program prlimit is missing there are no bounds."""
        if shutil.which("prlimit") is None:
            return [*words]
        return ["prlimit", f"--as={MAX_MEMORY_BYTES}", f"--cpu={MAX_CPU_S}", *words]

    def ensure(self, course: str, login: str, starter: Mapping[str, bytes]) -> str:
        """See `Repositories`. Two first uses at once make one repository."""
        place = self._place(course, login)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))
            try:
                self._call(made, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", ".")
                self._call(made, "fast-import", "--quiet", "--done", stdin=_import_stream(starter))
                self._call(made, "update-ref", FIRST, BRANCH)
                made.rename(place)
            except OSError:
                if not place.exists():
                    raise
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return str(place)

    def exists(self, course: str, login: str) -> bool:
        """See `Repositories`."""
        return self._place(course, login).exists()

    def all(self) -> list[tuple[str, str]]:
        """See `Repositories`."""
        found = sorted(self._root.glob("*/*.git"))
        return [(place.parent.name, place.name.removesuffix(".git")) for place in found if place.name[0] != "."]

    def size(self, course: str, login: str) -> int:
        """See `Repositories`."""
        found = 0
        for folder, _, names in os.walk(self._place(course, login) / "objects"):
            for name in names:
                with suppress(FileNotFoundError):  # another push has just moved it
                    found += Path(folder, name).stat().st_size
        return found

    def tip(self, course: str, login: str) -> str | None:
        """See `Repositories`."""
        return self._commit(self._place(course, login), BRANCH)

    def moved_at(self, course: str, login: str) -> float | None:
        """See `Repositories`: the newest entry of the branch's log, if it is about the commit that it is at."""
        words = ("log", "--walk-reflogs", "--max-count=1", "--format=%H %gd", "--date=unix", BRANCH, "--")
        try:
            told = self._call(self._place(course, login), *words).decode("ascii", "replace")
        except NotFound:
            return None
        found = re.fullmatch(r"([0-9a-f]+) \S+@\{(\d{1,12})\}", told.strip())
        return float(found[2]) if found and found[1] == self.tip(course, login) else None

    def first(self, course: str, login: str) -> str | None:
        """See `Repositories`."""
        return self._commit(self._place(course, login), FIRST)

    def read(
        self, course: str, login: str, commit: str, paths: Sequence[str], quarantine: Mapping[str, str] | None = None
    ) -> Found:
        """See `Repositories`."""
        with self.reading(course, login, quarantine) as commits:
            return commits.read(commit, paths)

    @contextmanager
    def reading(self, course: str, login: str, quarantine: Mapping[str, str] | None = None) -> Iterator[GitCommits]:
        """See `Repositories`."""
        place = self._place(course, login)
        environment = self._surroundings(place, held=_checked_quarantine(place, quarantine or {}))

        def start(*words: str) -> "subprocess.Popen[bytes]":
            pipe = subprocess.PIPE
            try:
                command = ["git", *words]
                return subprocess.Popen(
                    command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd=place
                )
            except FileNotFoundError:
                raise BadSettings(*_NO_GIT) from None

        objects = Objects(start, CALL_S)
        try:
            yield GitCommits(place, objects, self._checked)
        finally:
            objects.close()

    def pin(self, course: str, login: str, commit: str, *names: str) -> None:
        """See `Repositories`."""
        assert all(re.fullmatch(r"\w+", name) for name in names), names
        updates = "".join(f"update {PINNED}/{name} {checked_commit(commit)}\n" for name in names)
        self._call(self._place(course, login), "update-ref", "--stdin", stdin=updates.encode())

    def pinned(self, course: str, login: str, name: str) -> str | None:
        """See `Repositories`."""
        return self._commit(self._place(course, login), f"{PINNED}/{name}")

    def fetch(self, course: str, login: str, url: str, commit: str, token: str) -> None:
        """See `Repositories`. The token travels in the environment, so that no list of processes shows it."""
        extra = {"http.extraHeader": f"Authorization: {token}"} if token else {}
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", url]
        words.append(f"{checked_commit(commit)}:refs/grader/fetched/{commit}")
        bounded = ["prlimit", f"--fsize={MAX_FETCHED_BYTES}"] if shutil.which("prlimit") else []
        try:
            self._call(self._place(course, login), *words, before=bounded, extra=extra, seconds=FETCH_S)
        except NotFound as error:
            raise ForgeDown(f"the commit could not be fetched: {error.message}") from None

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """See `Repositories`."""
        settings = {**SETTINGS, **extra}
        counted = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            counted |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        fixed["GIT_ALLOC_LIMIT"] = MAX_OBJECT
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, **fixed, **counted}

    def _place(self, course: str, login: str) -> Path:
        if not _COURSE.fullmatch(course) or not _LOGIN.fullmatch(login):
            raise NotFound("there is no such repository")
        return self._root / course / f"{login}.git"

    def _commit(self, place: Path, ref: str) -> str | None:
        if not place.exists():
            return None
        try:
            return self._call(place, "rev-parse", "--verify", "--quiet", ref).decode("ascii").strip()
        except NotFound:
            return None

    def _surroundings(
        self, place: Path, extra: Mapping[str, str] | None = None, held: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        return {**self.environment(extra or {}), "GIT_DIR": str(place), **(held or {})}

    def _call(
        self,
        place: Path,
        *words: str,
        stdin: bytes = b"",
        before: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
        seconds: float = CALL_S,
    ) -> bytes:
        """What git printed. Raises NotFound with the last line of what it said where it failed."""
        command = [*before, "git", *words]
        environment = self._surroundings(place, extra)
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, env=environment, cwd=place, timeout=seconds, check=False
            )
        except FileNotFoundError:
            raise BadSettings(*_NO_GIT) from None
        except subprocess.TimeoutExpired:
            raise NotFound(f"git {words[0]} did not end within {seconds:.0f} s") from None
        if done.returncode != 0:
            lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise NotFound(clean_line(lines[-1] if lines else f"git {words[0]} failed", 200))
        return done.stdout


def _import_stream(files: Mapping[str, bytes]) -> bytes:
    """The starter as one commit, the same for everybody: git's fast-import format."""
    who = b"grader <grader@localhost> 946684800 +0000"
    lines = [b"commit " + BRANCH.encode(), b"committer " + who, b"data 8\nStarters"]
    for path, data in sorted(files.items()):
        quoted = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines += [f'M 100644 inline "{quoted}"'.encode("utf-8", "surrogateescape"), b"data %d" % len(data), data]
    return b"\n".join([*lines, b"done", b""])


def _checked_quarantine(place: Path, quarantine: Mapping[str, str]) -> dict[str, str]:
    """Where git keeps the objects of a push until it is accepted: inside this repository, and nowhere else."""
    objects = (place / "objects").resolve()
    for name, value in quarantine.items():
        inside = all(Path(part).resolve().is_relative_to(objects) for part in value.split(os.pathsep))
        if name not in ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES") or not inside:
            raise UnreadableSubmission("this push cannot be read", "push again")
    return dict(quarantine)
