"""Predictions that are handed in before the measurement: read, sealed, revised once, closed.

    final = false

    [speedup]
    value = 1.9
    lo = 1.7
    hi = 2.1
    reason = "2.4 tokens a cycle, at 1.26 plain steps"

The first version that can be read is sealed. One later change of its numbers is the revision; what comes behind it, or
behind the first version that says `final = true`, changes nothing. All of it follows from the versions alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from labkit.quantities import Prediction, Quantity
from labkit.tables import LARGEST, BadFile, Table, parsed, shown, unknown

MOST_PROBLEMS = 12


@dataclass(frozen=True)
class Version:
    """One content of a file, and when it was handed in (ISO, UTC)."""

    at: str
    text: str


@dataclass(frozen=True)
class PostMortem:
    """Which assumption of a prediction did not hold, and the number that shows it."""

    assumption: str
    number: float


@dataclass(frozen=True)
class Predictions:
    """One version of the file."""

    final: bool
    of: Mapping[str, Prediction]
    post_mortems: Mapping[str, PostMortem]


@dataclass(frozen=True)
class Seal:
    """What counts of all versions: from `at` on, but for the one revision; `closed_at` None where none is final yet.

    `revised` names the quantities that the revision changed. `ignored_at`: when numbers were changed in vain.
    """

    at: str
    predictions: Mapping[str, Prediction]
    revised_at: str | None = None
    revised: frozenset[str] = frozenset()
    closed_at: str | None = None
    ignored_at: tuple[str, ...] = ()


def seal(versions: Sequence[Version], form: "Form") -> Seal | None:
    """What the versions, oldest first, add up to; None where none of them can be read."""
    kept: Seal | None = None
    for version in versions:
        try:
            read = form.read(version.text)
        except BadFile:
            continue
        kept = Seal(version.at, read.of) if kept is None else _next(kept, version.at, read)
        if read.final and kept.closed_at is None:
            kept = replace(kept, closed_at=version.at)
    return kept


def _next(kept: Seal, at: str, read: Predictions) -> Seal:
    changed = frozenset(name for name, prediction in read.of.items() if prediction != kept.predictions[name])
    if not changed:
        return kept
    if kept.closed_at is not None or kept.revised_at is not None:
        return replace(kept, ignored_at=(*kept.ignored_at, at))
    return replace(kept, predictions=read.of, revised_at=at, revised=changed)


@dataclass(frozen=True)
class Form:
    """What a file must hold: its quantities, and for each the assumptions that a post-mortem of it may name."""

    quantities: tuple[Quantity, ...]
    assumptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, text: str) -> Predictions:
        """The predictions in `text`. Raises BadFile with all that is wrong."""
        data = parsed(text)
        problems: list[str] = []
        of = {}
        for quantity in self.quantities:
            table = Table(quantity.name, data.pop(quantity.name, None), problems.append)
            of[quantity.name] = quantity.read(table)
            table.refuseunknown(("value", "lo", "hi", "reason"))
        final = data.pop("final", False)
        if not isinstance(final, bool):
            problems.append(f"final must be true or false, found {shown(final)}")
        told = self._post_mortems(data.pop("post_mortem", {}), problems)
        names = [*(quantity.name for quantity in self.quantities), "final", "post_mortem"]
        problems += [unknown(key, names) for key in islice(data, MOST_PROBLEMS)]
        if problems:
            raise BadFile(problems[:MOST_PROBLEMS] + (["… and more"] if len(problems) > MOST_PROBLEMS else []))
        return Predictions(final, {name: one for name, one in of.items() if one is not None}, told)

    def _post_mortems(self, tables: object, problems: list[str]) -> dict[str, PostMortem]:
        if not isinstance(tables, dict):
            problems.append("post_mortem must be tables: a line that says [post_mortem.speedup], for example")
            return {}
        found = {}
        for name, value in islice(tables.items(), MOST_PROBLEMS):
            if name not in self.assumptions:
                problems.append(unknown(name, list(self.assumptions), "[post_mortem] "))
                continue
            table = Table(f"post_mortem.{name}", value, problems.append)
            assumption = table.word("assumption", self.assumptions[name])
            number = table.number("number", -LARGEST, LARGEST)
            table.refuseunknown(("assumption", "number"))
            if assumption is not None and number is not None:
                found[name] = PostMortem(assumption, number)
        return found
