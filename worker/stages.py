"""Where the time of a run went, told by when its events came."""

import time

#: event -> the stage that its first (of `test`: its last) coming ends.
_ENDS = {"collected": "start", "answered": "guest", "test": "tests"}


class Stages:
    """Begins when it is made. `start`: until the judge could begin; `guest`: from there until the first guest answered;
    `tests`: from there to the last test's end; `report`: the rest. Together they are the whole time, in seconds."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._ends: dict[str, float] = {}

    def heard(self, event: str) -> None:
        """This came from the judge just now."""
        if event == "test" or (event in _ENDS and event not in self._ends):
            self._ends[event] = time.monotonic()

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, until now; a stage that was never reached is left out."""
        found: dict[str, float] = {}
        since = self._began
        for event, stage in _ENDS.items():
            if event in self._ends:
                end = max(since, self._ends[event])
                found[stage] = round(end - since, 6)
                since = end
        found["report"] = round(time.monotonic() - since, 6)
        return found
