"""What was drawn and may be shown again while nothing of it has changed."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from markupsafe import Markup

KEPT = 3_000


class Kept:
    """Pieces of pages by everything that they show; the oldest are forgotten first. May be used from any thread."""

    def __init__(self, most: int = KEPT) -> None:
        self._lock = Lock()
        self._most = most
        self._pieces: OrderedDict[Hashable, Markup] = OrderedDict()

    def of(self, key: Hashable, draw: Callable[[], Markup]) -> Markup:
        """The piece of that key, drawn now if it is not there."""
        with self._lock:
            piece = self._pieces.get(key)
        if piece is None:
            piece = draw()
            with self._lock:
                self._pieces[key] = piece
                while len(self._pieces) > self._most:
                    self._pieces.popitem(last=False)
        return piece
