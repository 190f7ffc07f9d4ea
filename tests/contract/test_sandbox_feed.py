"""What every sandbox promises about a process that is started ahead: more input later, and an end of its own."""

import threading

import pytest

from tests.contract.sandboxed import SMALL, SOON
from worker.limits import MIB
from worker.sandbox import Cell, Role, Running, Sandbox, SandboxError

ECHO = "import sys\nfor line in sys.stdin: print(len(line), line[:5].strip().upper(), flush=True)\nprint('end')"


def ahead(cell: Cell, code: str = ECHO, first: bytes = b"") -> Running:
    return cell.start(Role.GUEST, ["python", "-c", code], first, SMALL, more=True)


def test_input_comes_in_pieces_and_ends_when_it_is_said(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        process = ahead(cell, first=b"one\n")
        assert process.read_line(SOON) == b"4 ONE"
        with pytest.raises(TimeoutError):
            process.read_line(0.1)
        process.feed(b"two\nthr")
        assert process.read_line(SOON) == b"4 TWO"
        process.feed(b"ee\n")
        process.feed(b"x" * 2 * MIB + b"\n")  # more than any pipe holds
        process.feed(b"last", last=True)
        process.feed(b"too late\n")
        assert [process.read_line(SOON) for _ in range(4)] == [b"6 THREE", b"2097153 XXXXX", b"4 LAST", b"end"]
        assert process.wait(SOON).code == 0
        process.feed(b"nobody is there\n")


def test_more_input_than_somebody_reads_blocks_nobody_and_a_close_ends_it(sandbox: Sandbox) -> None:
    before = threading.active_count()
    with sandbox.cell() as cell:
        process = ahead(cell, "print('up', flush=True); import time; time.sleep(60)")
        assert process.read_line(SOON) == b"up"
        for _ in range(4):
            process.feed(b"x" * 2 * MIB)
        process.close()
        process.feed(b"x")
    assert threading.active_count() <= before + 1  # the one thread that starts processes stays


def test_a_process_ends_alone(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        gone, stays = ahead(cell), ahead(cell)
        closing = threading.Thread(target=gone.close)  # off the path, by somebody else
        closing.start()
        stays.feed(b"here\n")
        assert stays.read_line(SOON) == b"5 HERE"
        closing.join(SOON)
        gone.close()
        gone.wait(SOON)  # it has ended; a container may see the end of its input before the kill
        third = ahead(cell, first=b"new\n")
        assert third.read_line(SOON) == b"4 NEW"
        stays.feed(b"still\n", last=True)
        assert stays.read_line(SOON) == b"6 STILL"


def test_nothing_starts_in_a_closed_cell(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        pass
    with pytest.raises(SandboxError, match="closed"):
        ahead(cell)
