"""Numbers, times and states in the words that pages use. Whatever is not the student's fault is told as such."""

import math
from datetime import UTC, datetime

from grader.domain.errors import Fault
from grader.domain.job import Attempt, Ending, Job, JobState, Lane, Place
from grader.domain.report import Verdict
from grader.domain.text import clean

#: mark, word, CSS class: a verdict never shows by its colour alone.
VERDICTS = {
    Verdict.PASSED: ("✓", "passed", "good"),
    Verdict.FAILED: ("✗", "failed", "bad"),
    Verdict.ERRORED: ("!", "errored", "ours"),
    Verdict.TIMED_OUT: ("◔", "timed out", "bad"),
    Verdict.CRASHED: ("✗", "crashed", "bad"),
    Verdict.INCONCLUSIVE: ("?", "inconclusive", "open"),
    Verdict.MISSING: ("–", "missing", "ours"),
}
#: word, CSS class
STATES = {
    JobState.QUEUED: ("waiting", "open"),
    JobState.OFFERED: ("waiting", "open"),
    JobState.RUNNING: ("running", "busy"),
    JobState.GRADED: ("graded", "good"),
    JobState.FAILED: ("not graded", "bad"),
    JobState.DEAD: ("not graded: our fault", "ours"),
    JobState.CANCELLED: ("cancelled", "plain"),
    JobState.SUPERSEDED: ("superseded", "plain"),
}
LANES = {Lane.INTERACTIVE: "handed in", Lane.RERUN: "run again", Lane.BULK: "run again with others"}
WHOSE = {
    Fault.STUDENT: "",
    Fault.LAB_AUTHOR: "The lab's author has to mend this; it is not your code's fault.",
    Fault.OPERATOR: "Whoever runs this service has to mend this; it is not your fault.",
    Fault.US: "This is the grader's fault, not yours.",
}
_ENDINGS = {
    Ending.RUNNING: "running",
    Ending.FINISHED: "finished",
    Ending.GIVEN_BACK: "given back: the worker could not run it. That was our fault and cost you nothing",
    Ending.LOST: "lost: the worker went silent. That was our fault and cost you nothing",
    Ending.CANCELLED: "stopped, as was asked",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
#: labkit's cap on evidence: an outcome that cannot happen at all.
CERTAIN = 300.0


#: Of a problem as a worker told it.
PROBLEM_CHARACTERS = 4_000


def plain(problem: str) -> str:
    """What a worker says went wrong: it may quote a submission."""
    return clean(problem, PROBLEM_CHARACTERS)


def moment(seconds: float | None) -> str:
    """Seconds since 1970 as a day and minute, UTC; empty for None."""
    return f"{datetime.fromtimestamp(seconds, UTC):%d %b %Y, %H:%M} UTC" if seconds is not None else ""


def iso(seconds: float | None) -> str:
    """The same for machines."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds is not None else ""


def duration(seconds: float) -> str:
    """A span with the digits that matter."""
    if seconds < 0.0095:
        return f"{max(0.0, seconds) * 1000:.1f} ms"
    if seconds < 9.95:
        return f"{seconds:.2f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.0f} h"


def count(n: int, noun: str, plural: str = "") -> str:
    """`1 test`, `1,200 tests`."""
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"


def large(value: float) -> str:
    """A positive number as people say it: `3 billion`, `1,200`, `10¹⁸`."""
    if value >= 1e15:
        return f"10{str(math.floor(math.log10(value))).translate(_SUPERSCRIPTS)}"
    for size, word in _LARGE:
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def small(value: float) -> str:
    """A measured number: plain where that is short, else with a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return power if digits == "1.0" else f"{digits} × {power}"


def odds(log10: float) -> str:
    """Evidence against a law, a power of ten, as odds."""
    if log10 <= 0:
        return "none: the draws fit the law"
    if log10 >= CERTAIN:
        return "certain: a correct implementation never answers so"
    return f"{large(10**log10)} to 1"


def chance(rate: float | None) -> str:
    """How often a correct submission fails a check, in words."""
    if rate is None:
        return "not stated"
    return "never: the check is exact" if rate == 0 else f"at most 1 in {large(1 / rate)} correct submissions"


def missed(power: float | None) -> str:
    """How often a check overlooks what it is there to catch, to follow that; empty where nobody says."""
    if power is None:
        return ""
    return ": never missed" if power >= 1 else f": missed in at most 1 of {large(1 / (1 - power))} submissions"


def turn(place: Place | None, queue: str) -> str:
    """Where a waiting job stands, who would run it, and how long that may take."""
    if place is None:
        return f"It waits for a worker of the {queue} queue."
    line = f"{count(place.ahead, 'job')} before yours" if place.ahead else "Yours is next"
    if not place.slots:
        return f"{line}. No worker of the {queue} queue is alive at the moment, so nobody can say when: it is kept."
    who = f"run by {count(place.slots, 'slot')} of the {queue} queue"
    when = f", about {_roughly(place.eta_s)} to go" if place.eta_s is not None else ""
    return f"{line}, {who}{when}."


def _roughly(seconds: float) -> str:
    return f"{max(1.0, seconds):.0f} s" if seconds < 90 else duration(seconds)


def ending(attempt: Attempt) -> str:
    """How an attempt ended, with whose fault that was."""
    return _ENDINGS[attempt.ending]


def why_not(job: Job) -> tuple[str, str]:
    """For a job that ended without a score: what happened, and what happens next."""
    if job.state is JobState.SUPERSEDED:
        return "A newer submission took its place before its turn came.", "Nothing to do: the newer one is graded."
    if job.state is JobState.CANCELLED:
        return "It was cancelled before it ended, so nothing was scored.", "Hand it in again when you want a result."
    if job.state is JobState.DEAD:
        return (
            f"We tried {count(job.attempt, 'time')} and could not run it. That is our fault, not yours.",
            "It counts for nothing and is not tried again by itself. The staff see an alarm and can run it again; "
            "you lose no attempt by that.",
        )
    if job.fault in (None, Fault.STUDENT):
        return "This submission could not be run as it is.", "Mend what is named below and hand it in again."
    return (
        f"It could not be graded. {WHOSE[job.fault]}",
        "Nothing counts against you. Trying the same again would not help; once it is mended, the staff run it again.",
    )
