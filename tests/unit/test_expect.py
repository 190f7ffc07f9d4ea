"""Every check leaves a record that says what was measured and how sure it is, and fails in words."""

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from labkit.contract import Implementation, InProcess, load_source
from labkit.expect import Check, Expect
from labkit.faults import CheckFailed, Undecided
from labkit.laws import Design
from labkit.manifest import Manifest, read_manifest
from labkit.mutation import Matcher

LAB = """
id = "lab-09-dice"
title = "Dice"
max_score = 1
submission = ["starter.py"]

[calibration]
false_fail_rate = 1e-9
false_pass_rate = 1e-3
rerolls = 100
stochastic_checks = 2

[functions]
score = "(x) -> float"
pick = "(scores) -> int"
tell = "(x) -> dict"
both = "(x) -> tuple[float, float]"
row = "(x) -> list[float]"
roll = "(n, rng) -> array[float]"

[[tests]]
name = "test_roll"
points = 1
claim = "rolls are fair"
"""
SEED = 1234567890123456789


class Bench:
    """An Expect on a module of those functions, and the records that it left."""

    def __init__(self, folder: Path, source: str) -> None:
        (folder / "lab.toml").write_text(LAB, encoding="utf-8")
        self.manifest: Manifest = read_manifest(folder)
        self.records: list[dict[str, Any]] = []

        def load() -> ModuleType:
            return load_source(source, folder / "starter.py")

        impl = Implementation(self.manifest, InProcess(load, seed=1))
        self.impl = impl
        self.expect = Expect(impl, self.manifest, Matcher(self.manifest), self.records.append, SEED)

    @property
    def check(self) -> Check:
        """The only record."""
        [record] = self.records
        return Check(**record)

    def failed(self, kind: type[CheckFailed], do: Callable[[], object]) -> CheckFailed:
        """The fault that `do` ends in; it carries the record that the report keeps."""
        with pytest.raises(kind) as caught:
            do()
        assert caught.value.check in self.records
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[str], Bench]:
    return lambda source: Bench(tmp_path, source)


ROLL = "def roll(n, rng):\n    return rng.integers(1, 7, n).astype(float)\n"
LOADED = "def roll(n, rng):\n    return rng.choice([1, 2, 3, 4, 5, 6, 6], n).astype(float)\n"


def rolled(bench: Bench) -> Callable[[int, np.random.Generator], Any]:
    return lambda n, rng: bench.impl.roll(n, rng)


def die(effect: float | None = 0.1) -> Design:
    return Design(np.full((1, 6), 1 / 6), ["roll(n, rng)"], [f"a {i}" for i in range(1, 7)], floor=64, effect=effect)


def test_the_budget_is_split_over_checks_and_rerolls(bench: Callable[[str], Bench]) -> None:
    manifest = bench(ROLL).manifest
    assert manifest.alpha == 5e-10
    assert manifest.beta == pytest.approx(1e-3 / 200)


def test_a_law_that_holds_leaves_its_error_rates_effect_seed_and_trace(bench: Callable[[str], Bench]) -> None:
    here = bench(ROLL)
    rng = np.random.default_rng(1)
    here.expect.law("law of roll", "roll", die(), lambda c: (here.impl.roll(len(c), rng) - 1).astype(int), rng)
    check = here.check
    assert (check.kind, check.statistic) == ("law", "evidence against the law, log10")
    assert (check.false_fail_rate, check.power, check.seed) == (5e-10, 1 - 5e-6, str(SEED))
    assert check.observed is not None and check.allowed is not None and check.observed < check.allowed
    assert check.effect == "any one answer to any one input 0.1 too likely or too rare"
    assert check.detectable == f"{check.effect}; each passes in at most 1 of 200,000 runs"
    assert (check.conclusive, check.needed) == (True, "")
    trace = here.records[0]["trace"]
    assert trace["n"][-1] == check.n
    assert trace["value"][-1] < trace["band"][-1]


def test_a_law_that_does_not_hold_says_how_far_off_and_what_was_needed(bench: Callable[[str], Bench]) -> None:
    here = bench(LOADED)
    rng = np.random.default_rng(2)
    fault = here.failed(
        CheckFailed,
        lambda: here.expect.law(
            "law of roll", "roll", die(), lambda c: (here.impl.roll(len(c), rng) - 1).astype(int), rng
        ),
    )
    check = here.check
    assert check.observed is not None and check.allowed is not None and check.observed >= check.allowed
    assert fault.sentence.startswith("a 6 in ") and " tries (" in fault.sentence
    assert fault.expected.startswith("a 6 in about ")
    assert fault.looks_like == "no known pattern"
    assert check.needed.startswith("evidence below 10^9.3 at every draw, until these are ruled out: any one")


def test_a_mean_passes_fails_or_stays_undecided(bench: Callable[[str], Bench]) -> None:
    fair, loaded = bench(ROLL), bench(LOADED)
    fair.expect.mean("mean roll", "roll", 3.5, 1, 6, 0.2, rolled(fair), np.random.default_rng(3))
    check = fair.check
    assert (check.kind, check.effect, check.conclusive) == ("mean", "a mean off by 0.2 or more", True)
    assert (check.false_fail_rate, check.power, check.seed, check.needed) == (5e-10, 1 - 5e-6, str(SEED), "")

    def ask(effect: float) -> None:
        loaded.expect.mean("mean roll", "roll", 3.5, 1, 6, effect, rolled(loaded), np.random.default_rng(4))

    fault = loaded.failed(CheckFailed, lambda: ask(0.2))
    assert fault.expected == "a mean of 3.5"
    assert "standard errors off" in fault.sentence
    assert loaded.records[0]["sigmas"] > 5
    undecided = fair.failed(
        Undecided,
        lambda: fair.expect.mean("finer", "roll", 3.5, 1, 6, 1e-4, rolled(fair), np.random.default_rng(5)),
    )
    assert undecided.check is not None and undecided.check["conclusive"] is False


@pytest.mark.parametrize(("value", "told"), [("nan", "nan"), ("inf", "inf"), ("7.0", "7.0")])
def test_a_value_that_is_no_roll_fails_in_words(bench: Callable[[str], Bench], value: str, told: str) -> None:
    here = bench(f"def roll(n, rng):\n    return [3.5] * 4 + [float({value!r})] * (n - 4)\n")
    fault = here.failed(
        CheckFailed, lambda: here.expect.mean("m", "roll", 3.5, 1, 6, 0.2, rolled(here), np.random.default_rng(6))
    )
    assert fault.sentence == f"{told}, as number 5"
    assert fault.expected == "numbers from 1 to 6"


def test_a_wrong_number_of_answers_is_told(bench: Callable[[str], Bench]) -> None:
    here = bench("def roll(n, rng):\n    return [3.5]\n")
    with pytest.raises(CheckFailed, match=r"an answer of shape \(1,\)"):
        here.expect.mean("m", "roll", 3.5, 1, 6, 0.2, rolled(here), np.random.default_rng(6))


def sixes(bench: Bench) -> Callable[[int, np.random.Generator], Any]:
    return lambda n, rng: bench.impl.roll(n, rng) == 6


def test_a_rate_passes_and_fails(bench: Callable[[str], Bench]) -> None:
    fair, loaded = bench(ROLL), bench(LOADED)
    fair.expect.rate("share of sixes", "roll", 1 / 6, 0.05, sixes(fair), np.random.default_rng(7))
    assert fair.check.n < 3000
    fault = loaded.failed(
        CheckFailed,
        lambda: loaded.expect.rate("share of sixes", "roll", 1 / 6, 0.05, sixes(loaded), np.random.default_rng(8)),
    )
    assert fault.sentence.startswith(("yes in ", "no in "))


def test_what_is_neither_yes_nor_no_fails(bench: Callable[[str], Bench]) -> None:
    here = bench("def roll(n, rng):\n    return [0.0, 1.0] + [float('nan')] * (n - 2)\n")
    fault = here.failed(
        CheckFailed, lambda: here.expect.rate("share", "roll", 0.5, 0.1, rolled(here), np.random.default_rng(9))
    )
    assert "not possible at all" in fault.sentence
    assert here.check.n == 3
    assert here.check.needed == "no such answer at all"


PICK = "def pick(scores):\n    return {choice}\n"
SCORES = [1.0, 2.0, 2.0 - 1e-9, 1.5, 2.0]


@pytest.mark.parametrize(("choice", "ties"), [(1, 0), (2, 1)])
def test_the_best_choice_and_a_near_tie_pass_and_near_ties_are_counted(
    bench: Callable[[str], Bench], choice: int, ties: int
) -> None:
    here = bench(PICK.format(choice=choice))
    here.expect.call("pick", SCORES).best(SCORES, of="speed-up")
    assert here.records[0]["name"] == "pick is the best"
    assert (here.records[0]["observed"], here.records[0]["kind"]) == (0.0, "exact")
    assert [record["name"] for record in here.records[1:]] == ["pick: near-ties accepted"] * ties


@pytest.mark.parametrize(
    ("choice", "yours"),
    [(0, "0, with 1.0"), (3, "3, with 1.5"), (4, "4, with 2.0, as good: but the first of equals is asked for"),
     (5, "5, out of 0 … 4"), (-4, "-4, out of 0 … 4")],
)  # fmt: skip
def test_a_worse_choice_a_later_equal_and_one_out_of_range_fail(
    bench: Callable[[str], Bench], choice: int, yours: str
) -> None:
    here = bench(PICK.format(choice=choice))
    fault = here.failed(CheckFailed, lambda: here.expect.call("pick", SCORES).best(SCORES, of="speed-up"))
    assert fault.sentence == yours
    assert fault.expected == "1, with a speed-up of 2.0"
    assert here.check.observed is not None and here.check.allowed is not None
    assert here.check.observed > here.check.allowed


@pytest.mark.parametrize(
    ("body", "rising", "strict", "holds"),
    [
        ("x * x", True, True, True), ("-x", False, True, True), ("1.0", True, True, False),
        ("1.0", True, False, True), ("-x", True, False, False), ("1 - 1e-8 * x", True, False, True),
        ("float('nan')", True, False, False), ("float('nan')", True, True, False), ("abs(x - 2.0)", True, True, False),
    ],
)  # fmt: skip
def test_an_order_holds_from_each_to_the_next(
    bench: Callable[[str], Bench], body: str, rising: bool, strict: bool, holds: bool
) -> None:
    here = bench(f"def score(x):\n    return {body}\n")
    answers = here.expect.calls("score", [(float(x),) for x in range(5)])
    if holds:
        here.expect.ordered(answers, by="x", rising=rising, strict=strict)
    else:
        fault = here.failed(CheckFailed, lambda: here.expect.ordered(answers, by="x", rising=rising, strict=strict))
        assert fault.given == "score(x=0.0), then score(x=1.0)"
        assert fault.expected.startswith(f"an answer that {'rises' if rising else 'falls'}")
    assert (here.check.kind, here.check.n) == ("order", 4 if holds else 1)
    assert here.check.observed == float(not holds)


def test_an_exact_check_keeps_the_largest_error_and_what_was_needed(bench: Callable[[str], Bench]) -> None:
    here = bench("def score(x):\n    return x + 1e-7 * x\n")
    for x in (0.5, 0.1):
        here.expect.call("score", x).close(x)
    check = here.check
    assert (check.kind, check.n, check.false_fail_rate, check.needed) == ("exact", 2, 0.0, "")
    assert check.observed == pytest.approx(5e-8) and check.allowed == 1e-5
    fault = here.failed(CheckFailed, lambda: here.expect.call("score", 0.5).close(0.6))
    assert (fault.sentence, fault.expected) == ("0.5", "0.6")
    assert here.check.needed == "an error of 1e-05 or less"


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')"])
def test_no_number_is_never_close(bench: Callable[[str], Bench], value: str) -> None:
    here = bench(f"def score(x):\n    return {value}\n")
    here.failed(CheckFailed, lambda: here.expect.call("score", 1.0).close(1.0))
    assert here.check.observed == 1e300 < math.inf


@pytest.mark.parametrize(
    "told", ["{'mean': x, 'all': [x, 2 * x]}", "{'all': np.array([x, 2 * x]), 'mean': np.float32(x)}"]
)
def test_a_dict_is_close_by_its_keys_and_numbers(bench: Callable[[str], Bench], told: str) -> None:
    here = bench(f"import numpy as np\ndef tell(x):\n    return {told}\n")
    here.expect.call("tell", 0.3).close({"mean": 0.3, "all": [0.3, 0.6]})
    assert here.check.observed < 1e-6


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ("{'mean': x}", "without all"),
        ("{'mean': x, 'all': [x], 'sum': 1, 2: 3}", "nobody asked for 'sum', 2"),
        ("{'mean': 2 * x, 'all': [x]}", "mean is 0.6, not 0.3"),
        ("{'mean': str(x), 'all': [x, x]}", "mean is '0.3', not 0.3; all is [0.3, 0.3], not [0.3]"),
        ("{'mean': x, 'all': [[x], [x, x]]}", "all is [[0.3], [0.3, 0.3]], not [0.3]"),
        ("{'mean': x, 'all': {'first': x}}", "all is {'first': 0.3}, not [0.3]"),
        ("{'mean': None, 'all': [float('nan')]}", "mean is None, not 0.3; all is [nan], not [0.3]"),
    ],
)
def test_a_dict_that_is_not_close_says_which_key(bench: Callable[[str], Bench], told: str, where: str) -> None:
    here = bench(f"def tell(x):\n    return {told}\n")
    fault = here.failed(CheckFailed, lambda: here.expect.call("tell", 0.3).close({"mean": 0.3, "all": [0.3]}))
    assert fault.sentence.endswith(f"   {where}")
    assert fault.expected == "{'mean': 0.3, 'all': [0.3]}"


@pytest.mark.parametrize(
    ("function", "answer", "wanted", "where"),
    [
        ("both", "x, 1", (0.3, 2.0), "(0.3, 1.0)   item 1 differs"),
        ("both", "x + 1e-7, 1", (0.3, 2.0), "(0.3, 1.0)   item 1 differs"),
        ("both", "1, 1", (0.3, 2.0), "(1.0, 1.0)   item 0 and item 1 differ"),
        ("row", "[x + 1e-7, 1]", [0.3, 2.0], "[0.3, 1.0]   first difference at position 1"),
        ("row", "[x]", [0.3, 2.0], "[0.3]   1 items instead of 2"),
    ],
)
def test_where_answers_part_is_told_but_not_where_they_are_close_enough(
    bench: Callable[[str], Bench], function: str, answer: str, wanted: object, where: str
) -> None:
    here = bench(f"def {function}(x):\n    return {answer}\n")
    fault = here.failed(CheckFailed, lambda: here.expect.call(function, 0.3).close(wanted))
    assert fault.sentence == where


def test_an_accepted_impossible_argument_is_told(bench: Callable[[str], Bench]) -> None:
    here = bench("def score(x):\n    if x > 1:\n        raise ValueError(x)\n    return x\n")
    here.expect.error(ValueError, "score", 2.0, because="x > 1")
    fault = here.failed(CheckFailed, lambda: here.expect.error(ValueError, "score", -1.0, because="x < 0"))
    assert (fault.cause, fault.sentence) == ("no-error-raised", "returned -1.0")
    assert fault.expected == "ValueError, because x < 0"
    assert (here.check.n, here.check.observed) == (2, 1.0)
