"""The arithmetic of the benchmarks, and that peers are given the same lab as we are."""

import re
from pathlib import Path

import pytest
from labkit.manifest import read_manifest

from benchmarks.burst import Push, first_come, pushes
from benchmarks.history import quantile
from benchmarks.peer_tools import NAMES, pytest_file
from benchmarks.rounds import FLOOR, HOME, TOOK, Round, summary
from benchmarks.tables import figures, table

TOY = Path(__file__).parents[2] / "benchmarks" / "toy"


def test_a_quantile_is_a_value_that_was_measured() -> None:
    assert [quantile([3.0, 1.0, 2.0], share) for share in (0.01, 0.5, 0.99)] == [1.0, 2.0, 3.0]
    assert quantile(range(1, 101), 0.99) == 99
    assert quantile(range(1, 102), 0.99) == 100


def round_of(floor: float, home: float, ours: float) -> Round:
    return Round("toy", {FLOOR: {TOOK: floor}, HOME: {TOOK: home}, "ours": {TOOK: ours, "queued": 0.01}})


def test_ratios_and_differences_are_of_the_same_round() -> None:
    slow, fast = round_of(0.4, 2.0, 1.0), round_of(0.1, 0.5, 0.2)
    other = round_of(0.1, 1.0, 0.3)
    row = summary([slow, fast, other], [FLOOR, HOME, "ours"])["ours"]
    assert row["ratio"] == 0.4  # of 0.5, 0.4 and 0.3; of the medians it would be 0.3
    assert row["over_floor_ms"] == {"p50": 200.0, "p99": 600.0, "least": 100.0}
    assert row["queued_ms"]["p50"] == 10.0
    assert "cpu_ms" not in row


def test_a_way_that_failed_is_counted_and_not_compared() -> None:
    failed = Round("toy", {HOME: {TOOK: 1.0}}, failed={"ours": "RuntimeError: no"})
    assert summary([failed], ["ours", "absent"]) == {"ours": {"n": 0, "failed": 1}}
    row = summary([failed, round_of(0.1, 1.0, 0.5)], ["ours"])["ours"]
    assert (row["n"], row["failed"], row["ratio"]) == (1, 1, 0.5)


def test_first_come_first_served_runs_everything_in_order() -> None:
    made = [Push(0.0, 1, 2.0), Push(0.0, 2, 1.0), Push(0.5, 1, 1.0), Push(0.6, 3, 1.0)]
    waits = first_come(made, 2)
    assert waits.runs == 4
    assert sorted(waits.last) == pytest.approx([1.0, 1.5, 2.4])  # of student 2, of 1's second push, of 3


def test_a_deadline_has_its_pushes_and_its_spammers() -> None:
    made = pushes(seed=3, service_s=0.5)
    assert len(made) == 3000
    assert made == sorted(made, key=lambda push: push.at)
    counts = [sum(push.student == student for push in made) for student in range(31)]
    assert counts[:30] == [20] * 30
    assert counts[30] < 20
    assert sum(push.runs for push in made) / 3000 == pytest.approx(0.5, rel=0.05)


def test_tables_hold_every_row_that_was_measured_or_skipped() -> None:
    found = {"labs": {"toy": summary([round_of(0.1, 1.0, 0.5)], [FLOOR, HOME, "ours"])}, "skipped": {"runsc": "absent"}}
    text = "\n".join(figures("latency", found))
    assert re.search(r"\| ours +\| 500 / 500 +\| 0\.50", text)
    assert "- skipped: runsc: absent" in text
    assert len({len(line) for line in table(["a", "b"], [["long word", 1], ["x", 22]])}) == 1


def test_peers_run_the_checks_of_our_toy_lab(tmp_path: Path) -> None:
    manifest = read_manifest(TOY)
    ours = re.findall(r"^def (test_\w+)", (TOY / "test_lab.py").read_text(encoding="utf-8"), re.MULTILINE)
    theirs = re.findall(r"^def (test_\w+)", pytest_file(tmp_path).read_text(encoding="utf-8"), re.MULTILINE)
    assert ours == theirs == [f"test_{name}" for name in NAMES] == [*manifest.tests]
    for name in ("solution.py", "starter.py"):
        written = re.findall(r"^def (\w+)", (TOY / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert written == NAMES
