"""The real `git` as a student runs it, kept apart from this machine's own settings and people."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 170.0
WHO = {"GIT_AUTHOR_NAME": "Student", "GIT_AUTHOR_EMAIL": "s@example.org", "GIT_AUTHOR_DATE": "946684800 +0000"}
#: Files, folders and (mode, object) pairs by name.
Tree = dict[str, "bytes | tuple[str, str] | Tree"]


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's but where programs are."""
    fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    committer = {name.replace("AUTHOR", "COMMITTER"): value for name, value in WHO.items()}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", **fixed, **WHO, **committer}


@dataclass
class Told:
    """What a push printed: the service's own lines with the second each came at, the rest, and how it ended."""

    lines: list[tuple[float, str]] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    code: int = -1
    ended: float = 0.0

    @property
    def text(self) -> str:
        """What the service said."""
        return "\n".join(line for _, line in self.lines)

    @property
    def all(self) -> str:
        """All of it, for people who look for what went wrong."""
        return "\n".join([self.text, *self.local, f"exit code {self.code}"])

    def moment(self, word: str) -> float:
        """When the first line with this word came."""
        return next(at for at, line in self.lines if word in line)


class Pushing:
    """A push under way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.told = Told()

    def until(self, word: str) -> str:
        """Wait for a line of the service with this word."""
        for line in self._read():
            if word in line:
                return line
        raise AssertionError(f"it ended without {word!r}: {self.told.all}")

    def end(self) -> Told:
        """Wait for the end."""
        for _ in self._read():
            pass
        self.told.code = self._process.wait(PATIENCE_S)
        self._close()
        self.told.ended = time.monotonic()
        return self.told

    def kill(self) -> None:
        """kill -9, the program and those it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def _close(self) -> None:
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _read(self) -> Iterator[str]:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith("remote: "):
                self.told.lines.append((time.monotonic(), line.removeprefix("remote: ").rstrip()))
                yield self.told.lines[-1][1]
            else:
                self.told.local.append(line.rstrip())


class Clone:
    """A student's working copy in `folder`, of the repository at `url`."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self.folder = folder
        self.url = url.replace("://", f"://student:{token}@", 1) if token else url
        self.folder.mkdir(parents=True, exist_ok=True)

    def cloned(self) -> "Clone":
        """Fill it."""
        self.git("clone", "--quiet", self.url, ".")
        return self

    def git(self, *words: str, stdin: bytes = b"") -> str:
        """What git printed; it must work."""
        done = self.tried(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def tried(self, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """A git command that may fail."""
        return subprocess.run(
            ["git", *words], cwd=self.folder, env=environment(self.folder.parent), input=stdin, capture_output=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def commit(self, files: dict[str, bytes] | None = None, message: str = "Work") -> str:
        """Write files and commit; the commit. Without files an empty one."""
        for path, data in (files or {}).items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, *words: str) -> Told:
        """Push and wait for the end."""
        return self.pushing(*words).end()

    def pushing(self, *words: str) -> Pushing:
        """Start a push."""
        process = subprocess.Popen(
            ["git", "push", *(words or ("origin", "HEAD:main"))], cwd=self.folder, env=environment(self.folder.parent),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
        return Pushing(process)


class Author:
    """Puts commits into a repository that no git command would make by itself."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir
        self._environment = {**environment(git_dir), "GIT_DIR": str(git_dir)}

    def git(self, *words: str, stdin: bytes = b"") -> str:
        """What git printed; it must work."""
        done = subprocess.run(["git", *words], env=self._environment, input=stdin, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def tree(self, entries: Tree) -> str:
        """The tree of these entries, whatever they are called: git's own commands refuse some names."""
        found = []
        for name, what in entries.items():
            if isinstance(what, bytes):
                mode, identity = "100644", self.blob(what)
            elif isinstance(what, tuple):
                mode, identity = what
            else:
                mode, identity = "40000", self.tree(what)
            order = os.fsencode(name) + (b"/" if mode == "40000" else b"")
            found.append((order, f"{mode} ".encode() + os.fsencode(name) + b"\0" + bytes.fromhex(identity)))
        body = b"".join(entry for _, entry in sorted(found))
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=body)

    def blob(self, data: bytes) -> str:
        """A file's content."""
        return self.git("hash-object", "-w", "--stdin", stdin=data)

    def commit(self, entries: Tree, *parents: str) -> str:
        """A commit of these entries."""
        words = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", "-m", "x", *words, self.tree(entries))
