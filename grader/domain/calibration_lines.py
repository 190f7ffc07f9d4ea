"""What a calibration record says, in sentences: for who teaches, and one for who hands in."""

from collections.abc import Sequence

from grader.domain.calibration import CheckRecord, Record, Unnamed
from grader.domain.lab import Lab

#: A deviation counts as caught where at least this share of the runs failed.
SURELY = 0.97
#: A deviation there is not the smallest that a check promises to catch.
EVERYWHERE = "all contexts"


def chance_line(lab: Lab, record: Record | None) -> str:
    """For students: how often a correct submission fails by bad luck. `record` is None unless it still holds."""
    if record is not None and not record.checks:
        return "Nothing here is left to luck: a correct submission always passes."
    return f"By bad luck, a correct submission fails at most once in {1 / lab.false_fail_rate:,.0f}."


def record_lines(record: Record) -> list[str]:
    """For who teaches: what was measured, a sentence each."""
    lines = [_end_to_end(record)]
    if record.checks:
        lines += [_right(record), *_crossed(record.checks), _effort(record.checks), *_laws(record.checks)]
        lines += [*_promised(record), *_unnamed(record.checks)]
    if record.mutants:
        lines.append(_mutants(record))
    took = sum(record.seconds.values())
    where = ", ".join(f"{name} {version}" for name, version in record.environment.items())
    return [*lines, f"The solution takes {took:.2g} s. Measured {record.made} with {where}."]


def _end_to_end(record: Record) -> str:
    ended = record.end_to_end
    undecided = f", {ended.undecided} stayed undecided" if ended.undecided else ""
    if ended.failed:
        return f"The solution failed at {ended.failed} of {_many(ended.runs, 'seed')}{undecided}."
    return f"The solution passed at {ended.runs - ended.undecided} of {_many(ended.runs, 'seed')}{undecided}."


def _right(record: Record) -> str:
    runs = sum(check.null.runs for check in record.checks)
    failed = sum(check.null.failed for check in record.checks)
    undecided = sum(check.null.undecided for check in record.checks)
    chance = sum(check.estimate for check in record.checks)
    error = sum(check.standard_error**2 for check in record.checks) ** 0.5
    expected = record.students * record.submissions * record.false_fail_rate
    return (
        f"Of {runs:,} simulated correct samplers {failed or 'none'} failed and {undecided or 'none'} stayed undecided; "
        f"a correct submission fails at a rate of {chance:.2g} ± {error:.1g} (importance sampling), promised is "
        f"{record.false_fail_rate:.1g}: {expected:.2g} wrong fails in a class of {record.students} with "
        f"{record.submissions} submissions each."
    )


def _effort(checks: Sequence[CheckRecord]) -> str:
    parts = [f"{check.name} {check.draws.median:,.0f} ({check.draws.p99:,.0f})" for check in checks]
    return f"Draws until a correct sampler passes, median (99th percentile): {'; '.join(parts)}."


def _crossed(checks: Sequence[CheckRecord]) -> list[str]:
    """How often the evidence against correct samplers was large at any time, at most."""
    levels = dict.fromkeys(level for check in checks for level, _ in check.crossed)
    most = {level: max(share for check in checks for at, share in check.crossed if at == level) for level in levels}
    told = [f"{1 / level:,.0f} in {share:.2%} of the runs (promised: {level:.1%})" for level, share in most.items()]
    return [f"The evidence against a correct sampler ever reached {' and '.join(told)}."] if told else []


def _laws(checks: Sequence[CheckRecord]) -> list[str]:
    """The known mistakes, simulated by their exact law."""
    laws = [law for check in checks for law in check.laws]
    if not laws:
        return []
    weakest = min(laws, key=lambda law: (law.tally.failed_share, -law.draws.mean))
    means = sorted(law.draws.mean for law in laws)
    least = weakest.tally.failed_share
    surely = "in every run" if least == 1 else f"in {least:.1%} of the runs or more (least: {weakest.mistake})"
    return [
        f"{_many(len(laws), 'known mistake')} by exact law: each fails {surely}, "
        f"after {means[0]:,.0f} to {means[-1]:,.0f} draws on average."
    ]


def _mutants(record: Record) -> str:
    total = len(record.mutants)
    survived = [mutant for mutant in record.mutants if mutant.survived]
    slipped = sum(len(mutant.slipped) for mutant in record.mutants)
    runs = max(mutant.runs for mutant in record.mutants)
    if survived:
        names = ", ".join(mutant.name for mutant in survived)
        return f"{len(survived)} of {_many(total, 'known mistake')} got full points at some of {runs} seeds: {names}."
    own = f"; {_many(slipped, 'run')} slipped through the test that names it" if slipped else ""
    return f"Each of {_many(total, 'known mistake')} lost points at each of {runs} seeds{own}."


def _promised(record: Record) -> list[str]:
    """Samplers that are off by just what the lab promises to catch, and by half of it."""
    checks = [check for check in record.checks if check.effect]
    tried = [one for check in checks for one in check.unnamed if one.times == 1 and one.where != EVERYWHERE]
    if not tried:
        return []
    runs, passed = sum(one.tally.runs for one in tried), sum(one.tally.passed for one in tried)
    half = [one for check in checks for one in check.unnamed if one.times == 0.5 and one.where != EVERYWHERE]
    effects = "; ".join(f"{check.name} {check.effect:.2g}" for check in checks)
    promise = f"Promised to catch: {record.effect}. " if record.effect else ""
    return [
        f"{promise}Of {runs:,} samplers off by just what each check promises to catch ({effects}), {passed or 'none'} "
        f"passed and {_share_failed(tried):.1%} failed; at most {max(check.beta for check in checks):.1e} may pass. "
        f"Off by half of it, {_share_failed(half):.0%} failed."
    ]


def _share_failed(tried: Sequence[Unnamed]) -> float:
    return sum(one.tally.failed for one in tried) / max(1, sum(one.tally.runs for one in tried))


def _unnamed(checks: Sequence[CheckRecord]) -> list[str]:
    """Of checks that promise no effect: for each place the smallest deviation that all catch surely, or the largest."""
    unpromised = [check for check in checks if not check.effect]
    found = []
    for where in dict.fromkeys(one.where for check in unpromised for one in check.unnamed):
        sizes = sorted({one.times for check in unpromised for one in check.unnamed if one.where == where})
        caught = {size: min(_caught(check, where, size) for check in unpromised) for size in sizes}
        size = next((size for size, share in caught.items() if share >= SURELY), sizes[-1])
        found.append(f"off by {size:g} in {where} in {caught[size]:.0%}")
    return [f"What nobody named is caught as well, a share {' and '.join(found)} of the runs or more."] if found else []


def _caught(check: CheckRecord, where: str, size: float) -> float:
    """The share of runs that failed; 1 where the check leaves no room for such a deviation."""
    tried: list[Unnamed] = [one for one in check.unnamed if (one.where, one.times) == (where, size)]
    return min((one.tally.failed_share for one in tried), default=1.0)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
