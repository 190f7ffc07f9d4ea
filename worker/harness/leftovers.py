"""What one job left in a judge's working directory, so that the next one finds it as the first one did."""

import os
import shutil
import stat
from pathlib import Path

_Look = dict[str, tuple[int, int, int, int]]


class Leftovers:
    """Remembers every file below `folder` as it is now."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._before = self._look()

    def clear(self) -> bool:
        """Remove what has come since; whether all is as it was: nothing that was there before is changed or gone."""
        now = self._look()
        for path in now.keys() - self._before.keys():
            if stat.S_ISDIR(now[path][1]):
                shutil.rmtree(path, ignore_errors=True)
            else:
                Path(path).unlink(missing_ok=True)
        return all(_same(now.get(path), seen) for path, seen in self._before.items()) and (
            self._look().keys() == self._before.keys()
        )

    def _look(self) -> _Look:
        """By path: file number, kind and rights, size, time of the last change."""
        found: _Look = {}
        folders = [self._folder]
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    state = entry.stat(follow_symlinks=False)
                    found[entry.path] = (state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        return found


def _same(now: tuple[int, int, int, int] | None, before: tuple[int, int, int, int]) -> bool:
    """A folder's size and time change with what comes and goes in it; its own entries tell more."""
    if now is None:
        return False
    return now[:2] == before[:2] if stat.S_ISDIR(before[1]) else now == before
