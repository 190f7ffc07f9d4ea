"""How many draws a verdict takes at a false-fail rate of 1e-9: the sequential test, and the usual fixed-n ones.

    python benchmarks/draws.py [--designs 3] [--lab lab-03] [--check "law of speculative_step"] [--forget]

All tests watch the same (context, outcome) pairs of the lab's own designs. Each fixed-n test gets the smallest n at
which it catches the mistake with power 0.999:

chi-square   Pearson's, over all contexts together; an outcome that cannot be fails at once. Its 1e-9 is nominal where
             a cell is expected fewer than 20 times
max-abs      the largest deviation of a share, one tolerance for all (union bound over the cells, normal tails)
DKW          the largest deviation of the cumulative shares (Massart's constant)
sequential   labkit.laws: the mean draws until it fails, all of which it does with power above 0.999

The last row is what a correct sampler has to draw: n for the hardest mistake, or until the sequential test passes it.
Prints the means over the designs, and appends one line of JSON to benchmarks/history.jsonl.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist, fmean

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "labs")]

import numpy as np  # noqa: E402 - this file is run by its path
from labkit.laws import Decision, Design  # noqa: E402
from labkit.manifest import find_lab, read_manifest  # noqa: E402

from benchmarks.history import keep, machine  # noqa: E402
from worker.harness.calibration import Observed  # noqa: E402
from worker.harness.deviations import distance  # noqa: E402
from worker.harness.rounds import play  # noqa: E402
from worker.harness.simulation import Ended, Simulation  # noqa: E402

COURSE = ROOT / "labs"
ALPHA, POWER = 1e-9, 0.999
RUNS = 1000
#: Simulated at once, to bound the memory.
TOGETHER = 200
MOST = 2**20
#: A normal approximation says nothing of a cell that is expected less often.
EXPECTED_OFTEN = 20
Array = np.ndarray
#: (counts int[R, cells], n) -> bool[R], whether it rejects.
Rejects = Callable[[Array, int], Array]


def chi_square_limit(alpha: float, degrees: int) -> float:
    """The upper quantile, by bisection of the regularised incomplete gamma function's continued fraction (Lentz)."""

    def log_tail(x: float) -> float:
        a, half = degrees / 2, x / 2
        b = half + 1 - a
        c, d = 1e300, 1 / b
        h = d
        for i in range(1, 500):
            an = -i * (i - a)
            b += 2
            d = 1 / (an * d + b)
            c = b + an / c
            h *= d * c
        return a * math.log(half) - half - math.lgamma(a) + math.log(h)

    low, high = degrees + 2.0, degrees + 2000.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if log_tail(middle) > math.log(alpha) else (low, middle)
    return high


def fixed_tests(design: Design) -> dict[str, Rejects]:
    """The three tests with their limits for ALPHA, over the cells of (context, outcome)."""
    joint = (design.context_weights[:, None] * design.null).ravel()
    possible = joint > 0
    degrees = int(np.maximum((design.null > 0).sum(axis=1) - 1, 0).sum())
    limit = chi_square_limit(ALPHA, degrees)
    z = -NormalDist().inv_cdf(ALPHA / (2 * int(possible.sum())))
    widest = z * math.sqrt(float(np.max(joint * (1 - joint))))
    width = math.sqrt(math.log(2 / ALPHA) / 2)
    cumulated = np.cumsum(joint)

    def chi_square(counts: Array, n: int) -> Array:
        by_context = counts.reshape(len(counts), *design.null.shape)
        expected = (by_context.sum(axis=2, keepdims=True) * design.null).reshape(counts.shape)
        terms = np.where(expected > 0, (counts - expected) ** 2 / np.where(expected > 0, expected, 1), 0.0)
        return np.asarray((terms.sum(axis=1) > limit) | (counts[:, ~possible].sum(axis=1) > 0))

    def max_abs(counts: Array, n: int) -> Array:
        return np.asarray(np.abs(counts / n - joint).max(axis=1) > widest / math.sqrt(n))

    def dkw(counts: Array, n: int) -> Array:
        return np.asarray(np.abs(np.cumsum(counts, axis=1) / n - cumulated).max(axis=1) > width / math.sqrt(n))

    return {"chi-square": chi_square, "max-abs": max_abs, "DKW": dkw}


def needed(rejects: Rejects, joint: Array, rng: np.random.Generator) -> float:
    """The smallest n with POWER, to 3 %; inf where MOST are not enough."""

    def catches(n: int) -> bool:
        return float(np.mean(rejects(rng.multinomial(n, joint, size=RUNS), n))) >= POWER

    high = 16
    while not catches(high):
        high *= 2
        if high > MOST:
            return math.inf
    low = high // 2
    while high > 1.03 * low:
        middle = (low + high) // 2
        if middle in (low, high):
            break
        low, high = (low, middle) if catches(middle) else (middle, high)
    return float(high)


def measure(design: Design, rng: np.random.Generator) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Draws by mistake and test, and what a correct sampler has to draw."""
    ours = Simulation(design, ALPHA)
    rows = {}
    for name, law in design.alternatives.items():
        joint = (design.context_weights[:, None] * law).ravel()
        row = {test: needed(rejects, joint / joint.sum(), rng) for test, rejects in fixed_tests(design).items()}
        ended = simulated(ours, law, rng)
        missed = 1 - fmean(one.share(Decision.FAIL) for one in ended)
        assert missed <= 1 - POWER, f"{name} is missed in {missed:.2%} of the runs"
        draws = float(np.mean([one.n for one in ended]))
        rows[name] = {"distance": distance(design, law), **row, "sequential": draws}
    tests = list(fixed_tests(design))
    right = {test: max(row[test] for row in rows.values()) for test in tests}
    passed = np.concatenate([one.draws(Decision.PASS) for one in simulated(ours, design.null, rng)])
    return rows, {**right, "sequential": float(np.mean(passed))}


def simulated(ours: Simulation, law: Array, rng: np.random.Generator) -> list[Ended]:
    """RUNS sequential tests of a sampler with this law."""
    return [ours.run(law, TOGETHER, rng) for _ in range(RUNS // TOGETHER)]


def designs_of(lab: str, check: str, seeds: range) -> list[Design]:
    """The designs that the lab's spec makes for this check, one for each seed."""
    manifest = read_manifest(find_lab(COURSE, lab))
    found = Observed({test: [("solution", seed) for seed in seeds] for test in manifest.tests}, lambda done: None)
    problem = play(found, f"{manifest.folder.relative_to(COURSE).as_posix()}/test_lab.py", COURSE)
    if problem or check not in found.designs:
        sys.exit(problem or f"{lab} has no such check; it has {', '.join(found.designs) or 'none'}")
    return found.designs[check]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--designs", type=int, default=3)
    parser.add_argument("--lab", default="lab-03")
    parser.add_argument("--check", default="law of speculative_step")
    parser.add_argument("--forget", action="store_true", help="append nothing to history.jsonl")
    given = parser.parse_args()
    about = machine()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(COURSE)
    made = designs_of(given.lab, given.check, range(given.designs))
    rng = np.random.default_rng(9)
    measured = [measure(design, rng) for design in made]
    tests = ["chi-square", "max-abs", "DKW", "sequential"]
    print(f"\n{'mistake':32} {'TV':>6} " + " ".join(f"{test:>10}" for test in tests))
    for name in measured[0][0]:
        mean = {key: fmean(rows[name][key] for rows, _ in measured) for key in ("distance", *tests)}
        print(f"{name:32} {mean['distance']:6.3f} " + " ".join(shown(mean[test]) for test in tests))
    right = {test: fmean(passed[test] for _, passed in measured) for test in tests}
    print(f"{'a correct sampler':32} {'':6} " + " ".join(shown(right[test]) for test in tests))
    valid = fmean(EXPECTED_OFTEN / rarest(design) for design in made)
    print(f"chi-square's false-fail rate is nominal below {valid:,.0f} draws")
    if given.forget:
        return
    result = {
        "lab": given.lab,
        "check": given.check,
        "designs": given.designs,
        "false_fail_rate": ALPHA,
        "power": POWER,
        "correct_sampler_draws": {test: round(n) if math.isfinite(n) else None for test, n in right.items()},
        "chi_square_valid_from": round(valid),
    }
    keep("draws", result, {**about, "numpy": np.__version__})


def rarest(design: Design) -> float:
    """The chance of the least likely cell that is possible."""
    joint = design.context_weights[:, None] * design.null
    return float(joint[joint > 0].min())


def shown(draws: float) -> str:
    """In ten columns."""
    return f"{draws:10,.0f}" if math.isfinite(draws) else f"{'never':>10}"


if __name__ == "__main__":
    main()
