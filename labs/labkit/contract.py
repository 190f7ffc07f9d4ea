"""The implementation under test, behind a proxy that holds it to the lab's contract.

The spec does not know whether the functions run in this process or in a sandboxed one: a Transport carries plain
arguments there and a plain result back, and `Implementation` checks both ends in the same words.
"""

import importlib.util
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Protocol

import numpy as np

from labkit.faults import (
    ChangedArgument,
    MissingFunction,
    OverBudget,
    StudentFault,
    StudentRaised,
    Unloadable,
    WrongArguments,
    WrongType,
    raised,
)
from labkit.manifest import Manifest
from labkit.plain import NotPlain, fingerprint, to_plain
from labkit.streams import child_seed, child_stream

#: What a submission hears that keeps a function of the spec for later.
NOT_LENT = "this function was lent for an earlier call; use the one that this call was given"
Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Transport(Protocol):
    """Carries calls to wherever the implementation lives."""

    def call(self, function: str, calls: Sequence[tuple[Args, Kwargs]]) -> list[Any]:
        """Results of the calls in order, as plain data. Raises StudentFault at the first that fails."""
        ...


class Implementation:
    """The functions of the contract as attributes; `batch` makes many calls in one message."""

    def __init__(self, manifest: Manifest, transport: Transport) -> None:
        self._manifest = manifest
        self._transport = transport

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._manifest.functions:
            raise AttributeError(f"{name} is not in [functions] of {self._manifest.id}/lab.toml")

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._run(name, [(args, kwargs)])[0]

        return call

    def batch(self, name: str, calls: Sequence[Args]) -> list[Any]:
        """`[f(*args) for args in calls]` in one message; calls that share a generator share one stream."""
        return self._run(name, [(args, {}) for args in calls])

    def _run(self, name: str, calls: Sequence[tuple[Args, Kwargs]]) -> list[Any]:
        signature = self._manifest.functions[name]
        watched: list[_Watched] = []
        try:
            values = self._transport.call(name, [_watch(call, watched) for call in calls])
        except StudentFault:
            _over_budget(watched)
            raise
        _over_budget(watched)
        return [signature.accept(value) for value in values]


class _Watched:
    """A callable argument that remembers the OverBudget it raised, so that a submission cannot swallow it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.fault: OverBudget | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.function(*args, **kwargs)
        except OverBudget as fault:
            self.fault = fault
            raise


def _watch(call: tuple[Args, Kwargs], watched: list[_Watched]) -> tuple[Args, Kwargs]:
    def wrap(value: Any) -> Any:
        if not callable(value):
            return value
        watched.append(_Watched(value))
        return watched[-1]

    return tuple(wrap(a) for a in call[0]), {k: wrap(v) for k, v in call[1].items()}


def _over_budget(watched: list[_Watched]) -> None:
    for callback in watched:
        if callback.fault is not None:
            raise callback.fault


class InProcess:
    """Runs the implementation in this process: for people at home, and for code the course itself wrote."""

    def __init__(self, load: Callable[[], ModuleType], seed: int) -> None:
        self._load = load
        self._seed = seed
        self._module: ModuleType | None = None
        self._callees: dict[str, Callee] = {}

    def call(self, function: str, calls: Sequence[tuple[Args, Kwargs]]) -> list[Any]:
        """See Transport."""
        lent = _Lent(self._seed)
        callee = self._callee(function)
        try:
            return [
                callee.run([lent.out(a) for a in args], {k: lent.out(v) for k, v in kwargs.items()})
                for args, kwargs in calls
            ]
        finally:
            lent.over = True

    def _callee(self, name: str) -> "Callee":
        if self._module is None:
            self._module = self._load()
        if name not in self._callees:
            self._callees[name] = Callee(name, find_function(self._module, name))
        return self._callees[name]


class _Lent:
    """What one call of the implementation is given: copies, its own random streams, functions until it is over."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[int, np.random.Generator] = {}
        self.over = False

    def out(self, value: Any) -> Any:
        if isinstance(value, np.random.Generator):
            if id(value) not in self._streams:
                self._streams[id(value)] = child_stream(child_seed(value, self._seed))
            return self._streams[id(value)]
        return self._function(value) if callable(value) else to_plain(value)

    def _function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if self.over:
                raise RuntimeError(NOT_LENT)
            return to_plain(function(*[to_plain(a) for a in args]))

        return call


def find_function(module: ModuleType, name: str) -> Callable[..., Any]:
    """The contract function `name` of `module`. Raises MissingFunction."""
    found: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(found):
        what = "has no function" if found is None else f"has a {type(found).__name__} instead of the function"
        raise MissingFunction(f"your file {what} {name}", f"define {name} at the top level of the file", name)
    return found


def _state(value: Any) -> Any:
    """What a call must leave as it was; of most arguments that is cheaper to have than a fingerprint."""
    kind = type(value)
    if kind in (int, float, str, bool):
        return None
    return (value.dtype, value.shape, value.tobytes()) if kind is np.ndarray else fingerprint(value)


class Callee:
    """One function of strangers' code, held to the rules at every call."""

    def __init__(self, name: str, target: Callable[..., Any]) -> None:
        self._name = name
        self._target = target
        self._bound: set[tuple[int, tuple[str, ...]]] = set()
        try:
            self._signature: inspect.Signature | None = inspect.signature(target)
        except (TypeError, ValueError):
            self._signature = None  # a builtin without one: the call itself will tell

    def run(self, args: Sequence[Any], kwargs: Kwargs) -> Any:
        """Call it once, on arguments that are its own copies; plain data. Raises StudentFault and nothing else."""
        self._check_binding(args, kwargs)
        given = (*args, *kwargs.values())
        before = [_state(value) for value in given]
        try:
            plain = to_plain(self._target(*args, **kwargs))
        except OverBudget:
            raise
        except NotPlain as problem:
            sentence = f"{self._name}() returned {problem}"
            raise WrongType(sentence, "return plain ints, floats, lists or numpy arrays", self._name) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - strangers' code: SystemExit and pytest.skip() fail like any other
            raise from_exception(error, self._name) from None
        after = [_state(value) for value in given]
        if before != after:
            changed = next(i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
            raise self._changed([*self._parameters(len(args)), *kwargs][changed])
        return plain

    def _changed(self, parameter: str) -> ChangedArgument:
        sentence = f"{self._name}() modified its argument {parameter}"
        return ChangedArgument(sentence, f"work on a copy: {parameter} = {parameter}.copy()", self._name)

    def _check_binding(self, args: Sequence[Any], kwargs: Kwargs) -> None:
        shape = (len(args), tuple(kwargs))
        if self._signature is None or shape in self._bound:
            return
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as problem:
            raise WrongArguments(
                f"yours is {self._name}{self._signature}, which cannot be called as the contract says: {problem}",
                "keep the parameters of the starter, in their order",
                self._name,
            ) from None
        self._bound.add(shape)

    def _parameters(self, n: int) -> list[str]:
        names = list(self._signature.parameters) if self._signature is not None else []
        return (names + [f"number {i + 1}" for i in range(len(names), n)])[:n]


def from_exception(error: BaseException, function: str | None) -> StudentRaised:
    """The fault for an exception that came out of a submission's code."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 - strangers' __str__
        message = ""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "labkit" not in f.filename and "harness" not in f.filename]
    where = f"line {own[-1].lineno} of {Path(own[-1].filename).name}" if own else ""
    return raised(type(error).__name__, message[:500], where, function)


def load_file(path: Path) -> ModuleType:
    """A fresh module from `path`, under a name of its own. Raises Unloadable."""
    if not path.is_file():
        raise Unloadable(f"there is no {path.name} in {path.parent.name}")
    return load_source(path.read_bytes(), path)


def load_source(source: bytes | str | CodeType, path: Path) -> ModuleType:
    """A fresh module from `source`, compiled or not, as if read from `path`. Raises Unloadable."""
    spec = importlib.util.spec_from_loader(f"labkit_impl_{path.stem}", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    try:
        code = source if isinstance(source, CodeType) else compile(source, str(path), "exec")
        exec(code, module.__dict__)  # running it is what this function is for
    except SyntaxError as error:
        raise Unloadable(
            f"{path.name} is not valid Python: {error.msg} (line {error.lineno})",
            "run `python starter.py`: it shows the place",
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - strangers' module level
        fault = from_exception(error, None)
        raise Unloadable(f"importing {path.name} failed: {fault.sentence}") from None
    return module
