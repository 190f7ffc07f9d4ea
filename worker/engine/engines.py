"""The engines of one worker: loaded when they are first needed, warm between jobs, one measurement at a time."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from worker.engine import captures, models
from worker.engine.answers import answer
from worker.engine.configuration import Configuration
from worker.engine.errors import EngineError
from worker.engine.gpu import Gpu
from worker.engine.lease import Lease, OnWait
from worker.engine.measuring import Decoder, Left, Plan, decode, measure
from worker.engine.models import Models, Place
from worker.engine.process import LOAD_S, EngineProcess
from worker.engine.profiles import Profile
from worker.engine.questions import Question


class Loading(Decoder, Protocol):
    """An engine as it is held: `EngineProcess`, or a fake."""

    def ready(self, timeout: float = LOAD_S) -> dict[str, Any]:
        """What it is, once it is loaded. Raises EngineError."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it may be asked again."""
        ...

    def close(self) -> None:
        """End it."""
        ...


Start = Callable[[Configuration], Loading]
"""Begin to load an engine. Raises EngineError."""


class Engines:
    """Of one profile, on one device. Safe to use from many threads. Close it to give the device's memory back."""

    def __init__(self, profile: Profile, place: Place, start: Start | None = None, gpu: Gpu | None = None) -> None:
        """Load nothing yet. `start` and `gpu` are how engines are begun and how their device is looked at."""
        self.profile = profile
        self._place = place
        self._start = start or self._process
        self._gpu = gpu or (Gpu(place.gpu) if profile.on_gpu else None)
        self._lease = Lease(place.home / "leases", f"gpu-{place.gpu or 'only'}" if profile.on_gpu else "processor")
        self._lock = threading.Lock()
        self._closed = False
        self._models: Models | None = None
        self._loaded: OrderedDict[int, Loading] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def measure(self, asked: Any, left: Left, on_wait: OnWait = lambda ahead: None) -> dict[str, Any]:
        """The answer to a spec's question. Raises BadQuestion, Stopped where `left` does, EngineError.

        `left` is asked between runs; nothing is ended in the middle of one. `on_wait` is told how many are before it.
        """
        question = Question.of(asked)
        with self._lease.held(left, on_wait):
            on_wait(0)
            if self._gpu is not None:
                self._gpu.check()
            if self._models is None:
                self._models = models.find(self.profile, self._place)
            if question.ks:
                return self._compared(question, self._models, left)
            return self._baseline(question, self._models, left)

    def close(self) -> None:
        """End all engines; whoever measures with one meanwhile gets EngineError. Safe to call twice."""
        with self._lock:
            self._closed = True
            ending = list(self._loaded.values())
            self._loaded.clear()
        for engine in ending:
            engine.close()

    def _baseline(self, question: Question, found: Models, left: Left) -> dict[str, Any]:
        engine = self._engine(0, found, left)
        runs = {}
        for batch in question.batches:
            plan = Plan(self.profile.workload, 0, batch, self.profile.tokens, question.rounds)
            runs[batch] = decode(plan, self.profile.prompts(batch), engine, left)
            if flaws := [flaw for run in runs[batch] for flaw in captures.baseline_flaws(run)]:
                raise EngineError(f"the engine's plain decoding cannot be true: {flaws[0]}")
        return answer(self.profile, found.names, engine.ready(), runs, None)

    def _compared(self, question: Question, found: Models, left: Left) -> dict[str, Any]:
        captured = []
        # both batch sizes of one k after each other: its engine may have to make room for the next
        for k, batch in sorted(question.pairs, key=lambda pair: question.ks.index(pair[0])):
            baseline, speculative = self._engine(0, found, left), self._engine(k, found, left)
            plan = Plan(self.profile.workload, k, batch, self.profile.tokens, question.rounds)
            captured.append(measure(plan, self.profile.prompts(batch), baseline, speculative, left))
        by_pair = {(one["plan"]["k"], one["plan"]["batch"]): one for one in captured}
        runs = {batch: [one["baseline"] for one in by_pair[question.k, batch]["rounds"]] for batch in question.batches}
        identity = captured[0]["identity"]["baseline"]
        return answer(self.profile, found.names, identity, runs, [by_pair[pair] for pair in question.pairs])

    def _engine(self, k: int, found: Models, left: Left) -> Loading:
        """The one that drafts k tokens, loaded; the one that was used longest ago makes room for it."""
        for drafted in [drafted for drafted, engine in self._loaded.items() if not engine.alive]:
            self._end(drafted)
        if k not in self._loaded:
            while len(self._loaded) >= self.profile.warm:
                self._end(next(iter(self._loaded)))
            self._load(k, found, left)
        self._loaded.move_to_end(k)
        return self._loaded[k]

    def _load(self, k: int, found: Models, left: Left) -> None:
        timeout = min(LOAD_S, left())
        with self._lock:
            if self._closed:
                raise EngineError("the engines are closed: this worker ends")
            engine = self._loaded[k] = self._start(self.profile.configuration(k, found.target, found.head))
        engine.ready(timeout)
        if self._gpu is not None:
            self._gpu.settle()

    def _end(self, k: int) -> None:
        with self._lock:
            engine = self._loaded.pop(k, None)
        if engine is not None:
            engine.close()
        if self._gpu is not None:
            self._gpu.settle()

    def _process(self, configuration: Configuration) -> Loading:
        place = self._place
        place.home.mkdir(parents=True, exist_ok=True)
        return EngineProcess(place.python, configuration, place.gpu if self.profile.on_gpu else None, place.home)
