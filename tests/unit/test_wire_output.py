"""What a submission prints, or says that it printed, is bounded: for a test, and in the report of a whole run."""

import json
import socket
import threading
from pathlib import Path

import pytest

from grader.domain.report import MAX_REPORT_BYTES
from tests.fuzz.guests import framed
from worker.harness.frames import frame
from worker.harness.link import Link, listen
from worker.harness.live import Printed
from worker.harness.messages import MAX_STATUS, REAPED_BYTES, Ending, read_ending
from worker.harness.wire import encode
from worker.harness.zygote import OUTPUT_BYTES

TESTS = 60


def reaped(output: bytes) -> bytes:
    return encode(["reaped", 0, output, 0])


def test_all_that_an_honest_guest_keeps_of_an_output_fits() -> None:
    told = encode(["reaped", MAX_STATUS, b"\xff" * OUTPUT_BYTES, 2**62])
    assert len(told) <= REAPED_BYTES
    assert len(read_ending(told).output) < OUTPUT_BYTES + 100


@pytest.mark.parametrize("said", [framed(reaped(b"x" * (REAPED_BYTES + 1))), framed(b"", 2**32 - 1), frame(["reaped"])])
def test_a_guest_that_tells_of_more_is_given_up(tmp_path: Path, said: bytes) -> None:
    path = str(tmp_path / "judge.sock")
    link = Link(listen(path), "t", ask=lambda token: None, met=lambda: None)
    with socket.socket(socket.AF_UNIX) as zygote:
        zygote.connect(path)
        zygote.sendall(frame(["zygote", "t"]))
        link._control = link._await_guest()
        saying = threading.Thread(target=answer, args=(zygote, said))
        saying.start()
        assert link.reap() == Ending(None, "")
        saying.join()
    assert link._control is None
    link._listener.close()


def answer(zygote: socket.socket, said: bytes) -> None:
    """To the order to reap, as far as the judge listens."""
    zygote.recv(4096)
    try:
        zygote.sendall(said)
    except ConnectionError:
        return


@pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffd", "\U0001f600", '"'])
def test_the_output_of_all_tests_leaves_room_for_their_verdicts(character: str) -> None:
    """Whatever is printed, and however long it is as JSON: without a report there is no verdict at all."""
    printed = Printed()
    kept = [printed.fitting(character * OUTPUT_BYTES) for _ in range(TESTS)]
    assert kept[0] == character * OUTPUT_BYTES
    assert "the run printed too much" in kept[-1] or character == '"'
    assert len(json.dumps(kept)) < MAX_REPORT_BYTES * 0.6


def test_what_is_printed_is_kept_where_there_is_room() -> None:
    printed = Printed()
    assert [printed.fitting(f"line {n}\n") for n in range(100)] == [f"line {n}\n" for n in range(100)]
