"""Return types a lab declares in lab.toml, and the values accepted for them.

Lenient about containers and number classes, strict about meaning: a list[int] may come as a tuple or an integer
array, a float as an int; a float is never taken for a token.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.faults import WrongType
from labkit.plain import show

Read = Callable[[Any], Any]


class _Mismatch(Exception):
    pass


@dataclass(frozen=True)
class Signature:
    """One function of the contract: its parameters as written, and how to read what it returns."""

    name: str
    text: str
    returns: str
    read: Read

    @classmethod
    def parse(cls, name: str, text: str) -> "Signature":
        """From `(context, k, max_n, min_n=1) -> list[int]`. Raises ValueError for a text that is no signature."""
        try:
            function = ast.parse(f"def f{text}: ...").body[0]
        except SyntaxError as error:
            raise ValueError(f"{name} = {text!r} is not a signature such as '(p, q) -> float'") from error
        if not isinstance(function, ast.FunctionDef) or function.returns is None:
            raise ValueError(f"{name} = {text!r} has no return type")
        returns = ast.unparse(function.returns)
        return cls(name, text, returns, _reader(function.returns))

    def accept(self, value: Any) -> Any:
        """`value` in the declared type. Raises WrongType with a sentence for the student."""
        try:
            return self.read(value)
        except _Mismatch as problem:
            raise WrongType(
                f"{self.name}() returned {problem}; the contract says {self.returns}",
                f"return {self.returns} from {self.name}{self.text.split('->', maxsplit=1)[0].strip()}",
                self.name,
            ) from None


def _reader(node: ast.expr) -> Read:
    if isinstance(node, ast.Name) and node.id in _SIMPLE:
        return _SIMPLE[node.id]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        outer = node.value.id
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if outer == "tuple":
            return _tuple([_reader(item) for item in inner])
        if outer == "list" and len(inner) == 1:
            return _list(_reader(inner[0]))
        if outer == "array" and len(inner) == 1 and isinstance(inner[0], ast.Name):
            return _array(inner[0].id)
    raise ValueError(f"{ast.unparse(node)!r} is not a return type; use int, float, bool, str, dict, list[…], "
                     "tuple[…], array[int] or array[float]")  # fmt: skip


def _article(value: Any) -> str:
    if value is None:
        return "None (is a return missing?)"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    name = type(value).__name__
    return f"{show(value, 60)}, {'an' if name[0] in 'aeio' else 'a'} {name}"


def _unwrap(value: Any) -> Any:
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _int(value: Any) -> int:
    value = _unwrap(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Mismatch(_article(value))
    if not -(2**63) <= value < 2**63:
        raise _Mismatch(f"an integer of {value.bit_length():,} bits")
    return value


def _float(value: Any) -> float:
    value = _unwrap(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Mismatch(_article(value))
    try:
        return float(value)
    except OverflowError:
        raise _Mismatch("an integer far too large for a float") from None


def _bool(value: Any) -> bool:
    value = _unwrap(value)
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise _Mismatch(_article(value))


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise _Mismatch(_article(value))
    return value


def _dict(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _Mismatch(_article(value))
    return value


_SIMPLE: dict[str, Read] = {"int": _int, "float": _float, "bool": _bool, "str": _str, "dict": _dict}


def _list(item: Read) -> Read:
    def read(value: Any) -> list[Any]:
        if isinstance(value, np.ndarray) and value.ndim >= 1:
            value = [] if value.size == 0 else list(value.tolist())
        if not isinstance(value, (list, tuple)):
            raise _Mismatch(_article(value))
        out = []
        for i, entry in enumerate(value):
            try:
                out.append(item(entry))
            except _Mismatch as problem:
                raise _Mismatch(f"a list whose item {i} is {problem}") from None
        return out

    return read


def _array(kind: str) -> Read:
    element: Read = {"int": _int, "float": _float}[kind]
    accepted = {"int": "iu", "float": "iuf"}[kind]
    dtype = {"int": np.int64, "float": np.float64}[kind]

    def read(value: Any) -> np.ndarray:
        if isinstance(value, (list, tuple)):
            return np.array(_list(element)(value), dtype=dtype)
        if not isinstance(value, np.ndarray) or value.ndim != 1:
            raise _Mismatch(_article(value))
        if value.size == 0:
            return np.empty(0, dtype)  # one without items has the dtype that numpy gives it
        if value.dtype.kind not in accepted:
            raise _Mismatch(_article(value))
        if kind == "int" and value.dtype.kind == "u" and value.max() >= 2**63:
            raise _Mismatch("an array with an integer of 64 bits")
        return value.astype(dtype)

    return read


def _tuple(items: list[Read]) -> Read:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise _Mismatch(_article(value))
        if len(value) != len(items):
            raise _Mismatch(f"{len(value)} values instead of {len(items)}: {show(value, 60)}")
        out = []
        for i, (entry, item) in enumerate(zip(value, items, strict=True)):
            try:
                out.append(item(entry))
            except _Mismatch as problem:
                raise _Mismatch(f"a pair whose item {i} is {problem}") from None
        return tuple(out)

    return read
