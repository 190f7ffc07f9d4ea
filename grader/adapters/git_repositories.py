"""Students' bare git repositories, spoken to through the `git` program. Nothing of them is ever checked out.

Files are read by path from the tree, never by `git archive`: a `.gitattributes` in the tree could hide some.
"""

import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.adapters.git_objects import COURSE, FIRST, PINNED, GitCommits, Objects, checked_commit
from grader.adapters.git_program import CALL_S, call, environment, started
from grader.domain.errors import BadSettings, ForgeDown, NotFound, UnreadableSubmission
from grader.domain.submission import content_address

BRANCH = "refs/heads/main"
#: What is given out is a repository of its own beside the students', under a name that no login has.
GIVEN_OUT = ".course.git"
CONTENT = "refs/grader/content"
#: git keeps our settings from the process that sends, which then refuses what another user has given out.
SENDER = "git -c 'safe.directory=*' upload-pack"
FETCH_S = 120.0
LOOK_S = 2.0
MAX_FETCHED_BYTES = 64 * 1024 * 1024
MAX_MEMORY_BYTES = 1024**3
MAX_CPU_S = 120
_COURSE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")

log = logging.getLogger(__name__)


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

    def give_out(self, course: str, files: Mapping[str, bytes], at: float) -> bool:
        """See `Repositories`. Each change is a commit upon the one before, so that git can merge it."""
        place = self._given_out(course)
        content = f"{CONTENT}/{content_address(files)}"
        if not place.exists():
            self._make(place, lambda made: self._import(made, _import_stream(files), content))
            return False
        if self._commit(place, content) == self._commit(place, BRANCH):
            return False
        self._import(place, _import_stream(files, round(at)), content)
        return True

    def gives_out(self, course: str) -> bool:
        """See `Repositories`."""
        return self._given_out(course).exists()

    def ensure(self, course: str, login: str) -> str:
        """See `Repositories`."""
        place = self._place(course, login)
        if not place.exists():
            given_out = self._given_out(course)
            if not given_out.exists():
                raise NotFound("this course gives out no files")
            self._make(place, lambda made: self._bring(made, given_out, BRANCH, COURSE, FIRST))
        return str(place)

    def offer(self, course: str, login: str) -> None:
        """See `Repositories`. Where that fails it is done at the next time: whoever fetches gets all the rest."""
        place, given_out = self._place(course, login), self._given_out(course)
        newest = self._commit(given_out, BRANCH)
        if newest is None or newest == self._commit(place, COURSE):
            return
        first = self._commit(place, FIRST)
        if first is None or not _is_within(given_out, first, newest):  # begun elsewhere: nothing would merge
            return
        try:
            self._bring(place, given_out, COURSE)
        except NotFound as error:  # a second fetch of theirs does the same just now
            log.warning("branch course of %s/%s was not brought up to date: %s", course, login, error.message)

    def lacks(self, course: str, login: str, commit: str) -> bool:
        """See `Repositories`."""
        newest, place = self._commit(self._given_out(course), BRANCH), self._place(course, login)
        if newest is None or newest == self._commit(place, FIRST) or self._commit(place, COURSE) is None:
            return False
        return not _is_within(place, newest, checked_commit(commit))

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
            told = call(self._place(course, login), *words).decode("ascii", "replace")
        except NotFound:
            return None
        found = re.fullmatch(r"([0-9a-f]+) \S+@\{(\d{1,12})\}", told.strip())
        return float(found[2]) if found and found[1] == self.tip(course, login) else None

    @contextmanager
    def reading(self, course: str, login: str, quarantine: Mapping[str, str] | None = None) -> Iterator[GitCommits]:
        """See `Repositories`."""
        place = self._place(course, login)
        held = _checked_quarantine(place, quarantine or {})
        objects = Objects(lambda *words: started(place, *words, held=held), CALL_S)
        try:
            yield GitCommits(place, objects, self._checked)
        finally:
            objects.close()

    def pin(self, course: str, login: str, commit: str, *names: str) -> None:
        """See `Repositories`."""
        assert all(re.fullmatch(r"\w+", name) for name in names), names
        updates = "".join(f"update {PINNED}/{name} {checked_commit(commit)}\n" for name in names)
        call(self._place(course, login), "update-ref", "--stdin", stdin=updates.encode())

    def fetch(self, course: str, login: str, url: str, commit: str, token: str) -> None:
        """See `Repositories`. The token travels in the environment, so that no list of processes shows it."""
        extra = {"http.extraHeader": f"Authorization: {token}"} if token else {}
        words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", url]
        words.append(f"{checked_commit(commit)}:refs/grader/fetched/{commit}")
        bounded = ["prlimit", f"--fsize={MAX_FETCHED_BYTES}"] if shutil.which("prlimit") else []
        try:
            call(self._place(course, login), *words, before=bounded, extra=extra, seconds=FETCH_S)
        except NotFound as error:
            raise ForgeDown(f"the commit could not be fetched: {error.message}") from None

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """See `Repositories`."""
        return environment(extra)

    def _place(self, course: str, login: str) -> Path:
        if not _COURSE.fullmatch(course) or not _LOGIN.fullmatch(login):
            raise NotFound("there is no such repository")
        return self._root / course / f"{login}.git"

    def _given_out(self, course: str) -> Path:
        if not _COURSE.fullmatch(course):
            raise NotFound("there is no such repository")
        return self._root / course / GIVEN_OUT

    def _make(self, place: Path, fill: Callable[[Path], None]) -> None:
        """A repository, whole or not at all. Two that are made at once in one place are one."""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=place.parent, prefix=".new-"))
        except OSError as error:
            why = f"repositories cannot be made in {place.parent}: {error.strerror}"
            raise BadSettings(why, "see that the service may write in GRADER_HOME, and that there is room") from None
        try:
            call(made, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", ".")
            fill(made)
            made.rename(place)
        except OSError:
            if not place.exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def _import(self, place: Path, stream: bytes, content: str) -> None:
        """The next commit of main, found again by its content."""
        call(place, "fast-import", "--quiet", "--done", stdin=stream)
        call(place, "update-ref", content, BRANCH)

    def _bring(self, place: Path, given_out: Path, *refs: str) -> None:
        """What is given out, to these refs."""
        words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", f"--upload-pack={SENDER}", str(given_out)]
        call(place, *words, *(f"+{BRANCH}:{ref}" for ref in refs), extra={"protocol.file.allow": "always"})

    def _commit(self, place: Path, ref: str) -> str | None:
        if not place.exists():
            return None
        try:
            return call(place, "rev-parse", "--verify", "--quiet", ref).decode("ascii").strip()
        except NotFound:
            return None


def _is_within(place: Path, older: str, newer: str) -> bool:
    """Whether one commit comes before another, or is it.

    False also where the repository has never heard of it, and where a history is so long that nobody would wait.
    """
    try:
        call(place, "merge-base", "--is-ancestor", older, newer, seconds=LOOK_S)
    except NotFound:  # how git says no
        return False
    return True


def _import_stream(files: Mapping[str, bytes], at: int | None = None) -> bytes:
    """The files as one commit, in git's fast-import format: the first, or, made `at` a second, the next one."""
    when, message = (946_684_800, b"Starters") if at is None else (at, b"The course has changed")
    who = f"grader <grader@localhost> {when} +0000".encode()
    lines = [b"commit " + BRANCH.encode(), b"committer " + who, b"data %d\n" % len(message) + message]
    if at is not None:
        lines += [b"from " + BRANCH.encode() + b"^0", b"deleteall"]
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
