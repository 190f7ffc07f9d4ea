"""What changed between two versions of a text: E. W. Myers' O(ND) algorithm, in bounds that hold for any input.

difflib looks for what people find nice and takes minutes for two thousand lines that are made for it; this finds the
shortest script and stops where the texts have too little in common, which it says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.domain.text import clean

MOST_LINES = 4_000
#: Lines added and removed together, above which the texts are shown whole, one behind the other.
MOST_EDITS = 800
MOST_SHOWN = 1_500
LINE_CHARACTERS = 400
CONTEXT = 3


@dataclass(frozen=True)
class Line:
    """A line of a difference: `kind` is same, added or removed; its number in the old and in the new text, from 1."""

    kind: str
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True)
class Difference:
    """Of two texts: stretches of lines with some that are the same around them. `note` says what was left out.

    No hunks and no note: the texts are the same.
    """

    hunks: tuple[tuple[Line, ...], ...]
    added: int
    removed: int
    note: str = ""


def compare(old: str, new: str) -> Difference:
    """What makes `new` of `old`, line by line; line ends and trailing space do not count."""
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > MOST_LINES:
        return Difference((), 0, 0, f"a text of more than {MOST_LINES:,} lines is not compared here")
    lines = list(_script(before, after))
    added, removed = (sum(line.kind == kind for line in lines) for kind in ("added", "removed"))
    notes = []
    if before and after and added + removed > MOST_EDITS:
        notes.append("they have too little in common to be put side by side: first the old one, then the new one")
    hunks, cut = _bounded(_hunks(lines))
    if cut:
        notes.append(f"{cut:,} more lines are not shown")
    return Difference(hunks, added, removed, "; ".join(notes))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.removesuffix("\n").split("\n")] if text else []


def _script(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """Every line of both, in order; the same ones once."""
    head = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    most = min(len(old), len(new)) - head
    tail = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    kept = [(i, i) for i in range(head)]
    kept += [(head + x, head + y) for x, y in _common(old[head : len(old) - tail], new[head : len(new) - tail])]
    kept += [(len(old) - i, len(new) - i) for i in range(tail, 0, -1)]
    x = y = 0
    for at, to in [*kept, (len(old), len(new))]:
        yield from (Line("removed", i + 1, None, _shown(old[i])) for i in range(x, at))
        yield from (Line("added", None, i + 1, _shown(new[i])) for i in range(y, to))
        if at < len(old):
            yield Line("same", at + 1, to + 1, _shown(new[to]))
        x, y = at + 1, to + 1


def _common(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of equal lines that both keep, by Myers; none where that takes more than MOST_EDITS."""
    reached = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(MOST_EDITS, len(old) + len(new)) + 1):
        trace.append({k: reached[k] for k in range(-edits - 1, edits + 2) if k in reached})
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
            x = reached[k + 1] if down else reached[k - 1] + 1
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            reached[k] = x
            if x >= len(old) and x - k >= len(new):
                return _walked_back(trace, len(old), len(new))
    return []


def _walked_back(trace: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The diagonals of the way that led to (x, y), from the start on."""
    kept: list[tuple[int, int]] = []
    for edits in range(len(trace) - 1, -1, -1):
        reached, k = trace[edits], x - y
        down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
        from_x = (reached[k + 1] if down else reached[k - 1]) if edits else 0
        from_y = from_x - (k + 1 if down else k - 1) if edits else 0
        corner = (from_x, from_y + 1) if down else (from_x + 1, from_y)
        if not edits:
            corner = (0, 0)
        while (x, y) != corner:
            x, y = x - 1, y - 1
            kept.append((x, y))
        x, y = from_x, from_y
    return kept[::-1]


def _hunks(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """Stretches around what changed."""
    near: list[int] = []
    for index, line in enumerate(lines):
        if line.kind != "same":
            near += range(max(near[-1] + 1 if near else 0, index - CONTEXT), min(len(lines), index + CONTEXT + 1))
    hunks: list[list[Line]] = []
    for before, index in zip([-2, *near], near, strict=False):
        if index != before + 1:
            hunks.append([])
        hunks[-1].append(lines[index])
    return [tuple(hunk) for hunk in hunks]


def _bounded(hunks: Sequence[tuple[Line, ...]]) -> tuple[tuple[tuple[Line, ...], ...], int]:
    """The first MOST_SHOWN lines, and how many more there are."""
    kept, left = [], MOST_SHOWN
    for hunk in hunks:
        if left:
            kept.append(hunk[:left])
            left -= len(kept[-1])
    return tuple(kept), sum(map(len, hunks)) - (MOST_SHOWN - left)


def _shown(text: str) -> str:
    return clean(text, LINE_CHARACTERS)
