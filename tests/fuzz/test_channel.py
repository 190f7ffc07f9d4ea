"""The channel against anything at all, in short; `make fuzz` does it for longer."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labkit.plain import fingerprint, to_plain

from tests.fuzz.conversations import SCRIPTS
from tests.fuzz.guests import Step, converse
from tests.fuzz.values import FRAMES, PLAIN, is_plain, mutated
from tests.fuzz.worst import WORST, memory_of
from worker.harness.wire import Decoder, WireError, encode

#: Of objects that one frame of 8 MiB may become.
MOST_BYTES = 64 * 1024 * 1024


def decoded(frame: bytes) -> None:
    """A value of plain types or a WireError."""
    try:
        value = Decoder(frame).value()
    except WireError:
        return
    assert is_plain(value)
    assert fingerprint(Decoder(encode(value)).value()) == fingerprint(value)  # and what came in can go out again


@given(PLAIN)
@settings(max_examples=150)
def test_plain_values_come_back_bit_for_bit(value: object) -> None:
    there = Decoder(encode(to_plain(value))).value()
    assert is_plain(there)
    assert fingerprint(there) == fingerprint(value)


@given(FRAMES | st.binary(max_size=400))
@settings(max_examples=400)
def test_frames_that_lie_give_a_value_or_a_wire_error(frame: bytes) -> None:
    decoded(frame)


@given(PLAIN, st.integers(0, 2**32))
@settings(max_examples=150)
def test_changed_frames_give_a_value_or_a_wire_error(value: object, seed: int) -> None:
    frame, chance = encode(value), random.Random(seed)
    for _ in range(20):
        decoded(mutated(frame, chance))


@given(SCRIPTS)
@settings(max_examples=40)
def test_a_whole_conversation_ends_in_time_with_answers_or_a_fault(script: list[Step]) -> None:
    converse(script)


@pytest.mark.parametrize(
    "name", ["packed ints", "dicts of one", "too many empty lists", "many dicts with keys of one hash"]
)
def test_no_frame_becomes_more_memory_than_the_judge_has(name: str) -> None:
    assert memory_of(WORST[name]) < MOST_BYTES
