"""The channel's values: a round trip for plain data, and nothing but WireError for anything else."""

import contextlib
import socket
import struct
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labkit.plain import fingerprint

from tests.fuzz.worst import WORST
from worker.harness.frames import MAX_FRAME, receive_frame, send_frame, spoke
from worker.harness.wire import DTYPES, MAX_DEPTH, Decoder, Handle, Stream, WireError, encode

SCALARS = st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats() | st.text() | st.binary(max_size=64)
ARRAYS = st.builds(
    lambda dtype, shape: np.arange(int(np.prod(shape)), dtype=np.dtype(dtype)).reshape(shape),
    st.sampled_from([d for d in DTYPES if d != "|b1"]),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
)
PLAIN = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=5) | st.lists(inner, max_size=5).map(tuple) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_values_come_back_as_they_went(value: object) -> None:
    assert fingerprint(Decoder(encode(value)).value()) == fingerprint(value)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)) | st.lists(st.floats(allow_nan=False)))
def test_packed_lists_come_back_as_lists(value: list[object]) -> None:
    assert Decoder(encode(value)).value() == value


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_arbitrary_bytes_give_a_value_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(WireError):
        Decoder(data).value()


@given(PLAIN, st.data())
@settings(max_examples=200)
def test_mutated_frames_give_a_value_or_a_wire_error(value: object, data: st.DataObject) -> None:
    frame = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        Decoder(bytes(frame)).value()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xee",
        b"l\0\0\0\1" * (MAX_DEPTH + 2) + b"N",
        b"l\xff\xff\xff\xff",
        b"Q\xff\xff\xff\xff",
        b"s\xff\xff\xff\xffx",
        b"I\xff\xff\xff\xff1",
        b"m\0\1\0\0" + b"N" * 100,
        b"a\0\2" + b"\xff" * 8,
        b"a\7\2" + b"\0\0\0\0" + b"\xff\xff\xff\xff",
        b"a\x63\0",
        b"NN",
        b"m\0\0\0\1l\0\0\0\0N",
        encode(Handle(0)),
        encode(Stream(1)),
    ],
)
def test_hostile_frames_are_refused(frame: bytes) -> None:
    with pytest.raises(WireError):
        Decoder(frame).value()


def test_an_object_cannot_be_encoded() -> None:
    for value in (object(), {1}, np.array([object()]), 1 << 2000):
        with pytest.raises(WireError):
            encode(value)


@pytest.mark.parametrize("name", [name for name in WORST if name.startswith(("too many", "many"))])
def test_more_than_one_message_may_hold_is_refused(name: str) -> None:
    """Millions of small objects, or dicts whose keys have to be compared each with each."""
    with pytest.raises(WireError, match=r"more than|too many"):
        Decoder(WORST[name]).value()


@pytest.fixture
def ends() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


def test_a_frame_crosses(ends: tuple[socket.socket, socket.socket]) -> None:
    with ends[0], ends[1]:
        send_frame(ends[0], ["call", [1.5]])
        assert Decoder(receive_frame(ends[1], time.monotonic() + 5)).value() == ["call", [1.5]]


def test_a_frame_too_large_is_refused_before_it_is_read(ends: tuple[socket.socket, socket.socket]) -> None:
    with ends[0], ends[1]:
        ends[0].sendall(struct.pack(">I", MAX_FRAME + 1))
        with pytest.raises(WireError):
            receive_frame(ends[1], time.monotonic() + 5)


def test_a_frame_cut_short_is_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    with ends[1]:
        ends[0].sendall(struct.pack(">I", 100) + b"x")
        ends[0].close()
        with pytest.raises(EOFError):
            receive_frame(ends[1], time.monotonic() + 5)


def test_only_what_was_said_already_counts_as_unasked(ends: tuple[socket.socket, socket.socket]) -> None:
    """And to find out waits for nobody."""
    with ends[0], ends[1]:
        ends[0].settimeout(None)
        assert not spoke(ends[0])
        ends[1].send(b"x", socket.MSG_OOB)
        assert not spoke(ends[0])  # although poll says that there is something to read
        ends[1].sendall(b"x")
        assert spoke(ends[0])
        ends[0].recv(1)
        ends[1].close()
        assert not spoke(ends[0])  # that it is gone is for the next read to tell


def test_one_deadline_holds_over_many_small_reads(ends: tuple[socket.socket, socket.socket]) -> None:
    """A sender that never stops cannot stretch it."""
    ended = threading.Event()

    def drip() -> None:
        ends[0].sendall(struct.pack(">I", 1000))
        while not ended.wait(0.01):
            ends[0].sendall(b"l")

    dripping = threading.Thread(target=drip)
    with ends[0], ends[1]:
        dripping.start()
        with pytest.raises(TimeoutError):
            receive_frame(ends[1], time.monotonic() + 0.2)
        ended.set()
        dripping.join()
