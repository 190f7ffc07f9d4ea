"""A process bound to one core: that is where it and all it starts run, and it stays there."""

import json
import os
from dataclasses import replace

import pytest

from tests.contract.sandboxed import SMALL, said
from worker.sandbox import Role, Sandbox

_LOOK = """
    import contextlib, json, os, sys, threading
    def look():
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, json.loads(sys.argv[1]))
        found.append(sorted(os.sched_getaffinity(0)))
    found = []
    look()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    if os.fork() == 0:
        look()
        print(json.dumps(found), flush=True)
        os._exit(0)
    os.wait()
"""
_SEEN = "import json, os; print(json.dumps(sorted(os.sched_getaffinity(0))))"
ALL = sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("role", [Role.GUEST, Role.JOINED])
def test_a_bound_process_stays_on_its_core(sandbox: Sandbox, role: Role) -> None:
    if "cpuset" in sandbox.probe().reason:
        pytest.skip(sandbox.probe().reason)
    with sandbox.cell() as cell:
        for core in (ALL[0], ALL[-1]):
            found = said(cell, _LOOK, json.dumps(ALL), role=role, limits=replace(SMALL, core=core))
            # gVisor counts from 0 those that it has
            assert found == [[0 if "runsc" in sandbox.name else core]] * 3


def test_only_what_is_bound_is(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        said(cell, _SEEN, limits=replace(SMALL, core=ALL[0]))
        assert said(cell, _SEEN) == said(cell, _SEEN, role=Role.JUDGE) == ALL
    assert sorted(os.sched_getaffinity(0)) == ALL


def test_a_core_that_is_not_there_is_any_core(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        assert said(cell, _SEEN, limits=replace(SMALL, core=1000)) == ALL
