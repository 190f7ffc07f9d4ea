"""The READMEs say what usual tests are worth; every number is computed again here, and the computing is checked."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from labkit.__main__ import main
from labkit.contract import load_file
from labkit.exact_odds import (
    average_over_targets,
    mean_outside,
    mean_total_variation,
    share_outside,
    shares_outside,
    tolerance_for,
)
from labkit.manifest import read_manifest

COURSE = Path(__file__).parents[2] / "labs"
TOLD = sorted(file.parent for file in COURSE.glob("*/labs/*/odds.py"))
P = np.array([0.5, 0.3, 0.2])


@pytest.mark.parametrize("lab", TOLD, ids=lambda lab: lab.name)
def test_the_readmes_numbers_are_the_recomputed_ones(lab: Path) -> None:
    readme = (lab / "README.md").read_text(encoding="utf-8")
    answers = load_file(lab / "odds.py").answers(read_manifest(lab))
    assert len(answers) >= 4
    for question, answer in answers:
        assert f"| {question} | {answer} |" in readme


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(COURSE)
    assert main(["odds", "lab-03"]) == 0
    assert "7 of a million runs for our pair" in capsys.readouterr().out
    assert main(["odds", "lab-01"]) == 2
    assert "every check of it is exact" in capsys.readouterr().err


def every_outcome(n: int) -> dict[tuple[int, ...], float]:
    """All counts of n draws from P with their chances, one by one."""
    found = {}
    for counts in itertools.product(range(n + 1), repeat=3):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            found[counts] = ways * math.prod(p**k for p, k in zip(P, counts, strict=True))
    return found


@pytest.mark.parametrize(("n", "tolerance"), [(7, 0.15), (12, 0.1), (12, 0.3), (20, 0.25)])
def test_chances_of_shares_agree_with_counting_every_outcome(n: int, tolerance: float) -> None:
    outcomes = every_outcome(n)
    assert sum(outcomes.values()) == pytest.approx(1)

    def off(counts: tuple[int, ...], cell: int) -> float:
        return abs(counts[cell] - n * P[cell])

    missed = sum(c for k, c in outcomes.items() if any(off(k, i) > n * tolerance + 1e-9 for i in range(3)))
    assert shares_outside(P, n, tolerance) == pytest.approx(missed, abs=1e-12)
    for i in range(3):
        alone = sum(c for k, c in outcomes.items() if off(k, i) > n * tolerance + 1e-9)
        assert share_outside(float(P[i]), n, tolerance) == pytest.approx(alone, abs=1e-12)
    far = sum(abs(k[i] / n - P[i]) * c for k, c in outcomes.items() for i in range(3)) / 2
    assert mean_total_variation(P, n) == pytest.approx(far)


def test_chances_of_a_mean_agree_with_counting_every_outcome() -> None:
    n, mean = 9, float(P @ [1, 2, 3])
    missed = sum(
        chance for k, chance in every_outcome(n).items()
        if abs((k[0] + 2 * k[1] + 3 * k[2]) / n - mean) > 0.1 * mean
    )  # fmt: skip
    assert mean_outside(P, n, 0.1) == pytest.approx(missed, abs=1e-12)


def test_a_share_around_another_place_is_measured_from_there() -> None:
    chances = [math.comb(10, k) * 0.2**k * 0.8 ** (10 - k) for k in range(11)]
    assert share_outside(0.2, 10, 0.25, around=0.5) == pytest.approx(sum(chances[:3]) + sum(chances[8:]))


def test_the_tolerance_for_a_rate_has_that_rate() -> None:
    tolerance = tolerance_for(P, 5_000, 1e-6)
    assert 3e-7 < shares_outside(P, 5_000, tolerance) <= 1e-6
    assert shares_outside(P, 5_000, tolerance - 5e-4) > 1e-6


def test_the_average_over_targets_agrees_with_many_targets() -> None:
    rng = np.random.default_rng(8)
    seen = [shares_outside(p, 1_000, 0.035) for p in rng.dirichlet(np.ones(4), size=800)]
    assert average_over_targets(4, 1_000, 0.035) == pytest.approx(np.mean(seen), rel=0.15)
