"""Where the time of a graded job went, for graders: one bar, and a row for each stage."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from grader.domain.timing import STAGES
from grader.web.pages.svg import WIDTH, box, picture, text
from grader.web.pages.wording import duration

#: Of each stage what it is called, whose time it is, which is how its part of the bar looks, and what happens in it.
_TOLD = {
    "waiting": ("Waiting", "queue", "for its turn in the line"),
    "offered": ("Offered", "queue", "until a worker claimed it"),
    "claimed": ("Claimed", "ours", "until the worker had all it needs and began"),
    "start": ("Sandbox", "ours", "until the judge could begin"),
    "guest": ("Guest", "ours", "until the submission was loaded and answered"),
    "tests": ("Tests", "work", "to the last test's end"),
    "report": ("Report", "ours", "until the worker had the judge's report"),
    "canary": ("Canary", "ours", "the course's own solution on the same machine"),
    "returning": ("Returning", "ours", "until the grader had it, and what nobody measured"),
    "scoring": ("Scoring", "ours", "until it was judged and scored"),
}
_TOP, _HIGH = 4, 14


@dataclass(frozen=True)
class Row:
    """A stage as it is told; `kind` is queue, ours or work."""

    name: str
    kind: str
    what: str
    seconds: str
    share: str


def rows(stages: Mapping[str, float]) -> tuple[Row, ...]:
    """A row for each stage that is known, in their order."""
    whole = sum(stages.values())
    return tuple(
        Row(*_TOLD[name], _spell(stages[name]), f"{stages[name] / whole:.0%}" if whole else "")
        for name in STAGES
        if name in stages
    )


def _spell(seconds: float) -> str:
    """To the millisecond, where that matters."""
    return duration(seconds) if seconds >= 0.9995 or seconds < 0.0095 else f"{seconds * 1000:.0f} ms"


def bar(stages: Mapping[str, float]) -> Markup:
    """The stages side by side, as long as they took; empty where nobody knows."""
    known = [name for name in STAGES if stages.get(name, 0.0) > 0]
    whole = sum(stages[name] for name in known)
    if not whole:
        return Markup("")
    parts, left = [], 0.0
    for name in known:
        wide = WIDTH * stages[name] / whole
        parts.append(box(f"stage-time {_TOLD[name][1]} {name}", left, _TOP, wide, _HIGH))
        left += wide
    words = ", ".join(f"{_TOLD[name][0].lower()} {_spell(stages[name])}" for name in known)
    ends = [text(0, _TOP + _HIGH + 14, "accepted"), text(WIDTH, _TOP + _HIGH + 14, f"scored, {duration(whole)}", "end")]
    return picture(36, f"of {duration(whole)} from acceptance to score: {words}", [*parts, *ends])
