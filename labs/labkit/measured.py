"""A check's numbers in sentences: first one that needs no statistics, then what was measured and what is allowed.

`check` is everywhere what the report keeps: the fields of labkit.expect.Check.
"""

from collections.abc import Mapping
from typing import Any

from labkit.laws import FOR_EVENNESS
from labkit.wording import CERTAIN, large, runs, shares

NOT_DECIDED = (
    "The draws did not settle this. It is not a pass, nothing here says that your code is wrong, and it costs you no "
    "attempt."
)
TOO_EVEN = "Your answers are spread too evenly: random draws always scatter a little, and these look computed."
NEVER = "Your code gave an answer that a correct one never gives, so once is enough."
TOGETHER = "Taken all together, your answers are further off than luck explains."


def is_random(check: Mapping[str, Any]) -> bool:
    """Whether it judges random answers."""
    return check.get("kind") in ("law", "mean")


def in_short(check: Mapping[str, Any]) -> str:
    """What is wrong for somebody who never took statistics; empty where expected and yours say it already."""
    if not is_random(check):
        return ""
    if not check["conclusive"]:
        return NOT_DECIDED
    if _too_even(check):
        return TOO_EVEN
    bars = check.get("bars")
    if bars:
        return _of_bars(bars)
    return NEVER if check["observed"] is not None and check["observed"] >= CERTAIN else TOGETHER


def _of_bars(bars: Mapping[str, Any]) -> str:
    label, law, drawn, low, high = (
        bars[name][bars["worst"]] for name in ("labels", "expected", "observed", "low", "high")
    )
    if law == 0:
        what = "something that is no answer at all" if label == "impossible answer" else f"“{label}”"
        return f"Your code answered {what} here. A correct one never does, so once is enough."
    if low <= drawn <= high:
        return TOGETHER
    yours, correct = shares(drawn, law)
    much = "often" if drawn > law else "rarely"
    return (
        f"Your code answers “{label}” too {much}: in {yours} draws, where a correct one does in about {correct}. "
        "Luck does not explain that."
    )


def measurement(check: Mapping[str, Any]) -> str:
    """What was observed; empty for an exact check, whose gauge says it."""
    observed = check.get("observed")
    if observed is None or not is_random(check):
        return ""
    after = f", after {check['n']:,} draw{'' if check['n'] == 1 else 's'}"
    if not _evidence(check):
        return f"{check['statistic']}: {observed:.4g}{after}"
    if observed >= CERTAIN:
        return f"an answer that no run of a correct implementation gives{after}"
    if _too_even(check):
        return f"no evidence of a wrong law{after}; the fault is in how evenly they fall"
    words = f"{large(10**observed)} to 1, that is 10^{observed:.1f}" if observed < 15 else f"10^{observed:.1f} to 1"
    return f"evidence against your code: {words if observed > 0 else 'none'}{after}"


def allowance(check: Mapping[str, Any]) -> str:
    """The limit and where it comes from; empty for an exact check, and where certainty needs no limit."""
    allowed, rate = check.get("allowed"), check.get("false_fail_rate")
    if allowed is None or not rate or not is_random(check):
        return ""
    if check["observed"] is not None and check["observed"] >= CERTAIN:
        return ""
    if _too_even(check):
        return f"shares that scatter: those of a correct implementation are this even in {runs(FOR_EVENNESS * rate)}"
    unit = f"evidence below 10^{allowed:.1f}" if _evidence(check) else f"up to {allowed:.4g}"
    return f"{unit}: a correct implementation gets this far off in {runs(rate)}, whenever one stops to look"


def _evidence(check: Mapping[str, Any]) -> bool:
    """Whether it measures odds, as a power of ten."""
    return "log10" in str(check.get("statistic", ""))


def _too_even(check: Mapping[str, Any]) -> bool:
    """A law check that fails below its limit: the shares are closer to the law than random draws come."""
    observed, allowed = check.get("observed"), check.get("allowed")
    if observed is None or allowed is None:
        return False
    return bool(check["conclusive"] and observed < allowed)
