"""A run's measurements: who makes them, and whose fault it is where none can be made."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from grader.domain.errors import Fault
from worker.engine.checkup import Finding, examine
from worker.engine.engines import Engines
from worker.engine.errors import BadQuestion, EngineError, Stopped
from worker.engine.models import Place
from worker.engine.profiles import PROFILES, Profile
from worker.settings import BadSettings, read_engine_settings
from worker.verdictless import NoReport

#: A question of a spec is a few numbers, and an answer is told in a few thousand.
_LONGEST_QUESTION = 2000
NO_ENGINE = (
    "this worker has no engine, and the lab is measured: set GRADER_ENGINE and GRADER_ENGINE_PYTHON (README.md, "
    "A worker that measures), or let it serve other queues"
)
TOO_LONG = "measuring took longer than the lab gives it (measure_seconds), waiting for the engine included"


class Measurer(Protocol):
    """What measures: `Engines`, or a fake."""

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """The answer to a spec's question. Raises BadQuestion, EngineError, and Stopped where `left` does."""
        ...


def answered(measurer: Measurer | None, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> bytes:
    """What a judge is told that asked: one line. Raises NoReport."""
    if measurer is None:
        raise NoReport(Fault.OPERATOR, NO_ENGINE)
    if len(json.dumps(asked)) > _LONGEST_QUESTION:
        raise NoReport(Fault.LAB_AUTHOR, "the spec asked the engine for too much")
    try:
        measured = measurer.measure(asked, left, on_wait)
    except BadQuestion as error:
        raise NoReport(Fault.LAB_AUTHOR, f"the spec asked the engine for what it cannot measure: {error}") from None
    except EngineError as error:
        raise NoReport(Fault.OPERATOR, f"nothing could be measured: {error}") from None
    except Stopped:
        raise NoReport(Fault.OPERATOR, TOO_LONG) from None
    return json.dumps({"measured": measured}).encode() + b"\n"


def engines(home: Path) -> Engines | None:
    """What this process's settings ask for, nothing loaded yet; None where they ask for none. Raises BadSettings.

    What engines make and share is kept in the worker's `home`.
    """
    wanted = _wanted(home)
    return Engines(*wanted) if wanted else None


def lacking(home: Path) -> Iterator[Finding]:
    """What of such an engine's needs is there and what is not; nothing where none is asked for. Raises BadSettings."""
    wanted = _wanted(home)
    if wanted:
        yield from examine(*wanted)


def _wanted(home: Path) -> tuple[Profile, Place] | None:
    settings = read_engine_settings()
    if not settings.engine:
        return None
    if settings.engine not in PROFILES:
        raise BadSettings(f"GRADER_ENGINE={settings.engine}: there is none such; there are {', '.join(PROFILES)}")
    place = Place(settings.interpreter(), home.resolve() / "engine", settings.models, settings.gpu)
    return PROFILES[settings.engine], place
