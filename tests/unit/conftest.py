"""One small lab that the unit tests grade."""

import pytest

from grader.domain.lab import Lab

MANIFEST = """\
id = "lab-01-counting"
title = "Counting"
order = 1
submission = ["starter.py"]
max_score = 10

[functions]
count = "(items) -> int"
total = "(items) -> float"

[[tests]]
name = "test_count"
points = 6
stage = 1
function = "count"
claim = "every item counts once"

[[tests]]
name = "test_total"
points = 4
stage = 2
function = "total"
claim = "the total is the sum"

[[tests]]
name = "test_large"
points = 0
stage = 3
stretch = true
claim = "a million items take no longer than they must"
"""


@pytest.fixture(scope="session")
def manifest() -> str:
    """A valid lab.toml."""
    return MANIFEST


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab it describes."""
    return Lab.from_toml(MANIFEST, file="lab.toml")
