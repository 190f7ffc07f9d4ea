"""Where a submission lies while a test runs, and all that its tests may leave behind.

Every test finds the same: what is missing is laid anew, what is there besides is removed. Between two tests the zygote
does this with as little Python as it can: whatever it touches after a fork, the kernel copies first.
"""

import os
import shutil
from pathlib import Path

SHARED = ("/tmp", "/dev/shm")


class Place:
    """The files of a submission in `folder`, whose parent is writable too. Process 1 alone clears the shared places."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.folder = folder
        self.files = files
        self._laid = [(str(folder / name), data) for name, data in files.items()]
        inner = {parent for name in files for parent in (folder / name).parents if parent.is_relative_to(folder)}
        self._folders = sorted(map(str, inner), key=len)
        self._writable = [str(folder.parent), *(SHARED if os.getpid() == 1 else ())]

    def lay(self) -> None:
        """Put the files there. Nothing is there."""
        for path in self._folders:
            os.mkdir(path)  # noqa: PTH102
        for path, data in self._laid:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            os.close(file)

    def clear(self) -> None:
        """Leave nothing in any writable place."""
        try:
            for path, _ in self._laid:
                os.unlink(path)  # noqa: PTH108
            for path in reversed(self._folders):
                os.rmdir(path)  # noqa: PTH106
        except OSError:
            _remove(self.folder)  # a test has changed it
        for place in self._writable:
            for name in _names(place):
                _remove(Path(place, name))


def _names(place: str) -> list[str]:
    try:
        return os.listdir(place)  # noqa: PTH208
    except OSError:
        return []


def _remove(place: Path) -> None:
    """Remove it, whatever rights it was left with."""
    try:
        if place.is_symlink() or not place.is_dir():
            place.unlink(missing_ok=True)
            return
        place.chmod(0o700)
        for folder, names, _ in os.walk(place):
            for name in names:
                inner = Path(folder, name)
                if not inner.is_symlink():
                    inner.chmod(0o700)
    except OSError:
        return
    shutil.rmtree(place, ignore_errors=True)
