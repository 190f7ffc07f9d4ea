"""What the result page shows of an engine's run: the predictions, what was measured, when and by what, in its words."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from grader.domain.measured import Measured, Prediction
from grader.web.pages import predicted_pictures
from grader.web.pages.predicted_pictures import MARKS, short, span, titled
from grader.web.pages.wording import small

_CLOCKS = {"cpu": "speed-ups are of processor time", "wall": "speed-ups are of wall-clock time"}
_NAMES = {"vllm": "vLLM", "device": ""}
_NEXT = (
    "Below is the baseline, and what you predicted. {change} Then set final = true and hand in again: the rest is "
    "measured, and your predictions scored."
)
_MAY_CHANGE = "You may change your predictions once, for part of the points of those that you change."
_MAY_NOT = "You have changed your predictions once already, and further changes do not count."


@dataclass(frozen=True)
class Row:
    """One quantity's line in the table. `mark`, `word` and `kind` are its outcome, empty where nothing was measured."""

    name: str
    unit: str
    predicted: str
    guess: str
    measured: str
    mark: str
    word: str
    kind: str
    earned: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """A picture, if there is one, and the same as a table: its columns' titles, and rows that begin with a title."""

    title: str
    caption: str
    picture: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Predicted:
    """The section. `next_step` says what to do where only the baseline was measured; `source` what measured."""

    run: Measured
    moments: tuple[tuple[str, float], ...]
    rows: tuple[Row, ...]
    intervals: Markup
    figures: tuple[Figure, ...]
    next_step: str
    source: str


def predicted(run: Measured) -> Predicted:
    """The section about this run."""
    change = _MAY_NOT if run.revised_at is not None else _MAY_CHANGE
    return Predicted(
        run=run,
        moments=moments(run),
        rows=tuple(_row(one) for one in run.predictions),
        intervals=predicted_pictures.intervals(run.predictions) if run.answered else Markup(""),
        figures=tuple(_figures(run)),
        next_step="" if run.answered or run.closed_at is not None else _NEXT.format(change=change),
        source=" · ".join(_source(run)),
    )


def moments(run: Measured) -> tuple[tuple[str, float], ...]:
    """What happened to the predictions, and when, as far as that is known."""
    known = [("sealed", run.sealed_at), ("changed once", run.revised_at), ("closed", run.closed_at)]
    return tuple((word, at) for word, at in known if at is not None)


def _row(one: Prediction) -> Row:
    mark, kind = MARKS[one.outcome] if one.outcome is not None else ("", "")
    return Row(
        name=titled(one.name),
        unit=one.unit,
        predicted=span(one, "–"),
        guess=short(one.value) if one.value is not None and one.low != one.high else "",
        measured=short(one.measured) if one.measured is not None else "",
        mark=mark,
        word=str(one.outcome or ""),
        kind=kind,
        earned=f"{one.share:.0%}" if one.share is not None else "",
        reason=one.reason,
    )


def _figures(run: Measured) -> Iterator[Figure]:
    if run.waterfall:
        steps = run.waterfall
        yield Figure(
            "Where a token's time went",
            "A cycle's tokens share its time, and a cycle costs more than a plain step.",
            predicted_pictures.waterfall(steps),
            ("Step", "Time per token"),
            (
                ("Plain decoding", f"{short(steps.baseline_ms)} ms"),
                (f"÷ {small(steps.length)} tokens a cycle", f"{short(steps.shared_ms)} ms"),
                (f"× {small(steps.cost)} plain steps a cycle", f"{short(steps.tpot_ms)} ms"),
            ),
        )
    if run.per_position:
        yield Figure(
            "Acceptance by position",
            "Share of all cycles in which that position's draft was accepted.",
            predicted_pictures.positions(run.per_position),
            ("Position", "Accepted"),
            tuple((f"{place}", f"{rate:.1%}") for place, rate in enumerate(run.per_position, start=1)),
        )
    if run.by_batch:
        yield Figure(
            "Speed-up by batch size",
            "Where the curve meets the line at 1, speculation no longer wins.",
            predicted_pictures.speedups(run.by_batch, "requests at once"),
            ("Batch", "Speed-up"),
            tuple((f"{point.at:,}", f"{short(point.speedup)} ×") for point in run.by_batch),
        )
    if run.by_k:
        yield Figure(
            "Speed-up by depth",
            "One request at a time, k drafts a cycle.",
            predicted_pictures.speedups(run.by_k, "drafts a cycle, k"),
            ("k", "Speed-up", "Tokens a cycle"),
            tuple(
                (f"{point.at}", f"{short(point.speedup)} ×", short(point.length) if point.length else "–")
                for point in run.by_k
            ),
        )
    if run.baseline:
        yield Figure(
            "The baseline",
            "Plain decoding, without a draft.",
            Markup(""),
            ("Requests at once", "Time per token"),
            tuple((f"{batch:,}", f"{short(ms)} ms") for batch, ms in run.baseline),
        )


def _source(run: Measured) -> Iterator[str]:
    if run.profile:
        yield f"profile {run.profile}"
    if run.by:
        yield _CLOCKS[run.by]
    for name, word in run.identity.items():
        yield f"{_NAMES.get(name, name)} {word}".strip()
