"""Opens and reads files that may be anything: a link, a pipe, a device, or larger than they say."""

import errno
import os
import stat
from pathlib import Path

from grader.domain.errors import UnreadableSubmission
from grader.domain.submission import too_large

#: Never waits for the other end of a pipe, never follows a link in the last step.
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CHUNK = 64 * 1024


def read_file(path: str | Path, name: str, limit: int, folder: int | None = None) -> bytes:
    """The bytes of the regular file `path`, relative to the open `folder` if given. `name` is what messages say.

    Raises UnreadableSubmission for anything but a regular file of at most `limit` bytes, and OSError.
    """
    try:
        descriptor = os.open(path, FILE_FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableSubmission(f"{name} is a link", "hand in the file itself") from None
        if error.errno == errno.ENXIO:  # a socket, or a pipe nobody writes to
            raise _not_ordinary(name) from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise _not_ordinary(name)
        if found.st_size > limit:
            raise too_large(name, limit)
        return _read(descriptor, name, limit)
    finally:
        os.close(descriptor)


def _read(descriptor: int, name: str, limit: int) -> bytes:
    """Counts what comes: a file can grow, or lie about its size."""
    chunks: list[bytes] = []
    left = limit
    while chunk := os.read(descriptor, _CHUNK):
        left -= len(chunk)
        if left < 0:
            raise too_large(name, limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _not_ordinary(name: str) -> UnreadableSubmission:
    return UnreadableSubmission(f"{name} is not an ordinary file", "hand in the file itself")
