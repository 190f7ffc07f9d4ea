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
from contextlib import suppress
from pathlib import Path, PurePosixPath

from grader.domain.errors import BadSettings, ForgeDown, NotFound, UnreadableSubmission
from grader.domain.placing import refuse_twins
from grader.domain.submission import MAX_FILE_BYTES, too_large
from grader.domain.text import clean_line
from grader.ports.repositories import Found

BRANCH = "refs/heads/main"
FIRST = "refs/grader/first"
PINNED = "refs/grader/sub"
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
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LINK, _SUBMODULE = "120000", "160000"
_BESIDE = 20
#: What git writes down of one folder: tens of thousands of names. Listing a larger one would cost us gigabytes.
MAX_FOLDER_BYTES = 2 * 1024 * 1024
_REMEMBERED = 4_096


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
        place = self._place(course, login)
        held = _checked_quarantine(place, quarantine or {})
        folders = sorted({str(PurePosixPath(path).parent) for path in paths})
        for folder in folders:
            self._check_above(place, commit, folder, held)
        entries = {name: entry for folder in folders for name, entry in self._listing(place, commit, folder, held)}
        files = {}
        for path in paths:
            refuse_twins(path, entries)
            if path in entries:
                files[path] = self._blob(place, path, *entries[path], held)
        beside = [name for name, (mode, _) in entries.items() if name not in files and mode != "040000"]
        return Found(files, tuple(clean_line(name, 100) for name in beside[:_BESIDE]))

    def pin(self, course: str, login: str, commit: str, name: str) -> None:
        """See `Repositories`."""
        assert re.fullmatch(r"\w+", name), name
        self._call(self._place(course, login), "update-ref", f"{PINNED}/{name}", _hex(commit))

    def pinned(self, course: str, login: str, name: str) -> str | None:
        """See `Repositories`."""
        return self._commit(self._place(course, login), f"{PINNED}/{name}")

    def fetch(self, course: str, login: str, url: str, commit: str, token: str) -> None:
        """See `Repositories`. The token travels in the environment, so that no list of processes shows it."""
        extra = {"http.extraHeader": f"Authorization: {token}"} if token else {}
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", url]
        words.append(f"{_hex(commit)}:refs/grader/fetched/{commit}")
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

    def _listing(
        self, place: Path, commit: str, folder: str, held: Mapping[str, str]
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        """Path, mode and object of everything directly in a folder of the commit; nothing where there is none."""
        where = [] if folder == "." else ["--", f"{folder}/"]
        try:
            listed = self._call(place, "ls-tree", "-z", "--full-tree", _hex(commit), *where, held=held)
        except NotFound:
            raise UnreadableSubmission("this commit cannot be read", "push again") from None
        for line in filter(None, listed.split(b"\0")):
            head, _, name = line.partition(b"\t")
            mode, _, identity = head.decode("ascii").split(" ")
            yield name.decode("utf-8", "surrogateescape"), (mode, identity)

    def _check_above(self, place: Path, commit: str, folder: str, held: Mapping[str, str]) -> None:
        """Refuse a commit whose folders are too large to list, or have a twin: `Labs` beside `labs`."""
        key = (place, commit, folder)
        if key in self._checked:
            return
        above = [str(parent) for parent in PurePosixPath(folder).parents] if folder != "." else []
        asked = "".join(f"{_hex(commit)}:{'' if path == '.' else path}\n" for path in (folder, *above))
        sizes = self._call(place, "cat-file", "--batch-check=%(objectsize)", stdin=asked.encode(), held=held)
        for path, size in zip((folder, *above), sizes.decode("utf-8", "replace").splitlines(), strict=False):
            if size.isdigit() and int(size) > MAX_FOLDER_BYTES:
                shown = "the commit's own folder" if path == "." else clean_line(path, 100)
                raise UnreadableSubmission(f"{shown} holds too many files", "push the course's folders alone")
        for child, parent in zip((folder, *above), above, strict=False):
            refuse_twins(child, [name for name, _ in self._listing(place, commit, parent, held)])
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        self._checked.add(key)

    def _blob(self, place: Path, path: str, mode: str, identity: str, held: Mapping[str, str]) -> bytes:
        if mode == _LINK:
            raise UnreadableSubmission(f"{path} is a link", "push the file itself")
        if mode == _SUBMODULE:
            raise UnreadableSubmission(f"{path} is a submodule", "push the file itself")
        if mode == "040000":
            raise UnreadableSubmission(f"{path} is a folder", "push a file of that name")
        if int(self._call(place, "cat-file", "-s", identity, held=held)) > MAX_FILE_BYTES:
            raise too_large(path)
        return self._call(place, "cat-file", "blob", identity, held=held)

    def _call(
        self,
        place: Path,
        *words: str,
        stdin: bytes = b"",
        before: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
        held: Mapping[str, str] | None = None,
        seconds: float = CALL_S,
    ) -> bytes:
        """What git printed. Raises NotFound with the last line of what it said where it failed."""
        command = [*before, "git", *words]
        environment = {**self.environment(extra or {}), "GIT_DIR": str(place), **(held or {})}
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, env=environment, cwd=place, timeout=seconds, check=False
            )
        except FileNotFoundError:
            raise BadSettings("the program git is not installed", "apt install git") from None
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


def _hex(commit: str) -> str:
    if not _COMMIT.fullmatch(commit):
        raise UnreadableSubmission("that is no commit", "push again")
    return commit


def _checked_quarantine(place: Path, quarantine: Mapping[str, str]) -> dict[str, str]:
    """Where git keeps the objects of a push until it is accepted: inside this repository, and nowhere else."""
    objects = (place / "objects").resolve()
    for name, value in quarantine.items():
        inside = all(Path(part).resolve().is_relative_to(objects) for part in value.split(os.pathsep))
        if name not in ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES") or not inside:
            raise UnreadableSubmission("this push cannot be read", "push again")
    return dict(quarantine)
