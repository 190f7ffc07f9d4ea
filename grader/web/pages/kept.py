"""What was drawn and may be shown again while nothing of it has changed."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from fastapi.responses import HTMLResponse
from markupsafe import Markup

KEPT = 3_000
#: Where a large piece goes into a page that was made around it: text of strangers never is a comment.
HOLE = Markup("<!-- kept -->")


def filled(page: HTMLResponse, piece: str) -> HTMLResponse:
    """The page with the piece in its hole: half a megabyte does not go through a template in no time."""
    body = bytes(page.body).replace(HOLE.encode(), piece.encode(), 1)
    return HTMLResponse(body, page.status_code, headers={"Cache-Control": "no-store"})


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
