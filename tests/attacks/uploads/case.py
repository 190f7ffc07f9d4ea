"""What one hostile upload is and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass

MIB = 1024 * 1024
CODE = b"def double(x): return 2.0 * x\ndef total(items): return float(sum(items))\n"
OTHER = b"def double(x): return 0.0\n"


@dataclass(frozen=True)
class Upload:
    """A file called `file` with the bytes that `build` makes.

    Refused in words that hold `says`; without any, taken in as the bytes `kept` and nothing else.
    """

    file: str
    build: Callable[[], bytes]
    says: str = ""
    kept: bytes = CODE
    status: int = 422
