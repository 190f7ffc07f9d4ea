"""The implementation under test, behind a proxy that holds it to the lab's contract.

The spec does not know whether the functions run in this process or in a sandboxed one: a Transport carries plain
arguments there and a plain result back, and `Implementation` checks both ends in the same words.
"""

import importlib.util
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
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

    def call(self, function: str, calls: Sequence[tuple[Args, Kwargs]]) -> list[Any]:
        """See Transport."""
        streams: dict[int, np.random.Generator] = {}
        target = self._function(function)
        return [self._one(function, target, args, kwargs, streams) for args, kwargs in calls]

    def _function(self, name: str) -> Callable[..., Any]:
        if self._module is None:
            self._module = self._load()
        return find_function(self._module, name)

    def _one(
        self,
        name: str,
        target: Callable[..., Any],
        args: Args,
        kwargs: Kwargs,
        streams: dict[int, np.random.Generator],
    ) -> Any:
        sent = [self._send(a, streams) for a in args]
        named = {k: self._send(v, streams) for k, v in kwargs.items()}
        return run_function(name, target, sent, named)

    def _send(self, value: Any, streams: dict[int, np.random.Generator]) -> Any:
        if isinstance(value, np.random.Generator):
            if id(value) not in streams:
                streams[id(value)] = child_stream(child_seed(value, self._seed))
            return streams[id(value)]
        if callable(value):
            return lambda *args: to_plain(value(*[to_plain(a) for a in args]))
        return to_plain(value)


def find_function(module: ModuleType, name: str) -> Callable[..., Any]:
    """The contract function `name` of `module`. Raises MissingFunction."""
    found: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(found):
        what = "has no function" if found is None else f"has a {type(found).__name__} instead of the function"
        raise MissingFunction(f"your file {what} {name}", f"define {name} at the top level of the file", name)
    return found


def run_function(name: str, target: Callable[..., Any], args: Sequence[Any], kwargs: Kwargs) -> Any:
    """Call strangers' code once, hold it to the rules, and return plain data. Raises StudentFault and nothing else.

    The arguments must be the callee's own copies.
    """
    _check_binding(name, target, args, kwargs)
    before = [fingerprint(a) for a in (*args, *kwargs.values())]
    try:
        value = target(*args, **kwargs)
        plain = to_plain(value)
    except OverBudget:
        raise
    except NotPlain as problem:
        raise WrongType(
            f"{name}() returned {problem}", "return plain ints, floats, lists or numpy arrays", name
        ) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - strangers' code: SystemExit and pytest.skip() are failures like any other
        raise from_exception(error, name) from None
    after = [fingerprint(a) for a in (*args, *kwargs.values())]
    names = [*_parameter_names(target, len(args)), *kwargs]
    changed = [n for n, a, b in zip(names, before, after, strict=False) if a != b]
    if changed:
        raise ChangedArgument(
            f"{name}() modified its argument {changed[0]}",
            f"work on a copy: {changed[0]} = {changed[0]}.copy()",
            name,
        )
    return plain


def _check_binding(name: str, target: Callable[..., Any], args: Sequence[Any], kwargs: Kwargs) -> None:
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return  # a builtin without a signature: the call itself will tell
    try:
        signature.bind(*args, **kwargs)
    except TypeError as problem:
        raise WrongArguments(
            f"yours is {name}{signature}, which cannot be called as the contract says: {problem}",
            "keep the parameters of the starter, in their order",
            name,
        ) from None


def _parameter_names(target: Callable[..., Any], n: int) -> list[str]:
    try:
        names = list(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        names = []
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


def load_source(source: bytes | str, path: Path) -> ModuleType:
    """A fresh module from `source`, as if read from `path`. Raises Unloadable."""
    spec = importlib.util.spec_from_loader(f"labkit_impl_{path.stem}", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)  # running it is what this function is for
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
