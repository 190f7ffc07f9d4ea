"""The rules of a course in words, with every time in the course's own zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from grader.domain.hiding import Hidden
from grader.domain.policy import DAY_S, Counts, Late, Policy

_HOUR_S, _MINUTE_S = 3600.0, 60.0
_COUNTS = {
    Counts.BEST: "your best submission",
    Counts.LAST: "your newest submission",
    Counts.AT_DEADLINE: "the newest that you hand in by the due time",
}


@dataclass(frozen=True)
class Situation:
    """Somebody in one lab at one moment. `policy` is theirs, `extra_s` the extension in it.

    `free_left` of the course's `free_days` late days are not spent yet. `taken` is when they handed in, as far as that
    costs an attempt.
    """

    policy: Policy
    zone: str
    now: float
    extra_s: float = 0.0
    free_days: int = 0
    free_left: int = 0
    taken: Sequence[float] = ()


def when(moment: float, zone: str) -> str:
    """`01 Dec 2026, 18:00 CET`."""
    return f"{datetime.fromtimestamp(moment, ZoneInfo(zone)):%d %b %Y, %H:%M %Z}"


def distance(moment: float, now: float) -> str:
    """`in 3 hours`, `2 days ago`: never more time than there is."""
    span = spell(abs(moment - now))
    return f"in {span}" if moment >= now else f"{span} ago"


def spell(seconds: float) -> str:
    """A span, rounded down: `3 hours`, `45 min`."""
    if seconds < _MINUTE_S:
        return "less than a minute"
    if seconds < 2 * _HOUR_S:
        return f"{int(seconds // _MINUTE_S)} min"
    if seconds < 2 * DAY_S:
        return f"{int(seconds // _HOUR_S)} hours"
    return f"{int(seconds // DAY_S)} days"


def days(number: int) -> str:
    """`1 day`, `2 days`."""
    return f"{number} day" if number == 1 else f"{number} days"


def late_line(late: Late, days_late: int, free_left: int = 0) -> str:
    """What is told of late work: `2 days late: −20 %`; empty for what is in time."""
    if days_late == 0:
        return ""
    percent = late.penalty_percent(days_late)
    if percent == 0:
        return f"{days(days_late)} late, which costs no points"
    spared = f", unless free late days cover it ({free_left} left)" if free_left else ""
    return f"{days(days_late)} late: −{percent} %{spared}"


def hidden_line(hidden: Hidden, zone: str) -> str:
    """How many tests are hidden until when; empty for none."""
    if not hidden:
        return ""
    one = len(hidden.tests) == 1
    what = "1 test is" if one else f"{len(hidden.tests)} tests are"
    return f"{what} hidden until {when(hidden.until, zone)}: no points of {'it' if one else 'them'} are in what you see"


def policy_lines(at: Situation, hidden: Hidden, *, staff: bool = False) -> list[tuple[str, str]]:
    """What a lab's page says, as (name, text); nothing where the course has no rules."""
    policy = at.policy
    if policy == Policy():
        return []
    lines = [
        ("Opens", _moment(at, policy.opens_at) if policy.not_open(at.now) else ""),
        ("Due", _due(at)),
        ("Late", _late(at)),
        ("Closes", _moment(at, policy.closes_at)),
        ("Counts", _COUNTS[policy.counts] if policy.due_at is not None or policy.counts is not Counts.AT_DEADLINE
         else _COUNTS[Counts.LAST]),
        ("Attempts", _attempts(at)),
        ("Together", "what one of your team hands in counts for all of you" if policy.groups else ""),
        ("Hidden", _hidden_from_students(at) if staff else hidden_line(hidden, at.zone)),
    ]  # fmt: skip
    return [(name, text) for name, text in lines if text]


def due_line(at: Situation) -> str:
    """The one time that matters now, for a list of labs; empty where there is none."""
    policy = at.policy
    for name, moment in (("opens", policy.opens_at), ("due", policy.due_at), ("closes", policy.closes_at)):
        if moment is not None and at.now <= moment:
            return f"{name} {_moment(at, moment)}"
    last = policy.closes_at or policy.due_at
    if last is None:
        return ""
    return f"{'closed' if policy.closes_at else 'was due'} {_moment(at, last)}"


def _hidden_from_students(at: Situation) -> str:
    names = at.policy.hides(at.now)
    return f"from students, until they are due: {', '.join(names)}" if names else ""


def _moment(at: Situation, moment: float | None) -> str:
    return "" if moment is None else f"{when(moment, at.zone)} ({distance(moment, at.now)})"


def _due(at: Situation) -> str:
    text = _moment(at, at.policy.due_at)
    return f"{text}, with your extension of {spell(at.extra_s)}" if text and at.extra_s else text


def _late(at: Situation) -> str:
    late = at.policy.late
    if at.policy.due_at is None or not late.penalty_percent(1):
        return ""
    most = f", at most {late.most_percent} %" if late.most_percent < 100 else ""
    free = f"; {at.free_left} of your {days(at.free_days)} without that cost are left" if at.free_days else ""
    return f"each day begun after that costs {late.percent} % of the points{most}{free}"


def _attempts(at: Situation) -> str:
    cap = at.policy.cap
    if cap is None:
        return ""
    rule = f"at most {cap.submissions} within {spell(cap.window_s)}"
    left = cap.left(at.taken, at.now)
    if left:
        return f"{rule}; {left} left now"
    return f"{rule}; none left, the next from {_moment(at, cap.free_at(at.taken, at.now))}"
