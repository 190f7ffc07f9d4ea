"""pytest plugin for a process of its own: runs each test REPEATS times and tells every way in which it ever ended.

The same item runs again and again, because its name is part of what its inputs are drawn from. REPEATED names the file
that gets {test: {outcomes and measurements as JSON: how often}}.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

_seen: dict[str, Counter[str]] = {}


def pytest_runtest_protocol(item: pytest.Function) -> bool:
    """Take the place of pytest's own loop over one test."""
    seen = _seen[item.name] = Counter()
    for _ in range(int(os.environ["REPEATS"])):
        item.user_properties.clear()
        item._initrequest()
        reports = runtestprotocol(item, log=False, nextitem=None)
        ways = [(report.when, report.outcome, str(report.longrepr or "")) for report in reports]
        seen[json.dumps([ways, item.user_properties])] += 1
    return True


def pytest_sessionfinish() -> None:
    """Tell it."""
    Path(os.environ["REPEATED"]).write_text(json.dumps(_seen), encoding="utf-8")
