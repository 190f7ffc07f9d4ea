"""The judge's end of the channel against a guest that does not keep to the protocol: each has its own sentence."""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labkit.contract import NOT_LENT
from labkit.faults import Crashed, StudentFault, TimedOut
from labkit.plain import NotPlain, to_plain

from tests.fuzz.guests import PATIENCE, SECONDS, Guest, OneChild, Step, framed
from worker.harness import link as channel
from worker.harness.link import GuestTransport, GuestUnavailable, Link, listen
from worker.harness.messages import read_answer, read_ending, read_hello
from worker.harness.wire import Decoder, WireError, encode

Say = Callable[..., GuestTransport]


def say(*fields: Any) -> Step:
    return Step("send", framed(encode(list(fields))))


READ = Step("read")


@pytest.fixture
def guest() -> Iterator[Say]:
    """Makes the transport to a guest that plays these steps."""
    opened: list[tuple[GuestTransport, socket.socket, Guest]] = []

    def make(*script: Step, seconds: float = PATIENCE) -> GuestTransport:
        ours, theirs = socket.socketpair()
        playing = Guest(theirs, script)
        transport = GuestTransport(OneChild(ours), 7, seconds, time.monotonic() + PATIENCE)  # type: ignore[arg-type]
        opened.append((transport, ours, playing))
        return transport

    yield make
    for transport, ours, playing in opened:
        transport.close()
        ours.close()
        playing.end()


def test_an_honest_answer_comes_through(guest: Say) -> None:
    assert guest(READ, say("values", [1.5])).call("f", [((1,), {})]) == [1.5]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (say("child", "token"), "a second hello"),
        (say(np.array([1, 2]), 1), "a message that is none"),
        (say("values", [1, 2]), "2 answers to 1 calls"),
        (say("values", (1,)), "makes no sense"),
        (say("callback", 5, []), "a call back to nothing"),
        (say("callback", -1, []), "a call back to nothing"),
        (say("callback", 2.0, []), "makes no sense"),
        (say("callback", 0, [np.zeros(140_000)]), "bytes of arguments"),
        (say("fault", "SystemExit", "", "", "", None), "a fault that is none"),
        (say("fault", 1, "", "", "", None), "makes no sense"),
        (Step("send", framed(b"", 2**31)), "a frame of 2,147,483,648 bytes"),
    ],
)  # fmt: skip
def test_what_breaks_the_protocol_is_the_childs_end_and_says_how(guest: Say, answer: Step, sentence: str) -> None:
    transport = guest(READ, answer)
    with pytest.raises(Crashed, match=sentence):
        transport.call("f", [((len,), {})])
    with pytest.raises(Crashed, match=sentence):  # and so for the rest of the test
        transport.call("f", [((1,), {})])


def test_an_answer_before_the_call_is_none(guest: Say) -> None:
    """Whether it comes in one piece with the first or after it."""
    transport = guest(READ, say("values", [1]), say("values", [2]), READ)
    with pytest.raises(Crashed, match="before the call, or a second one"):
        if transport.call("f", [((1,), {})]) == [1]:
            select.select([transport._connection], [], [], PATIENCE)
            transport.call("f", [((1,), {})])


@pytest.mark.parametrize("first", [(), (READ,)])
def test_urgent_data_is_refused(guest: Say, first: tuple[Step, ...]) -> None:
    """The kernel says that there is something to read, and then there is not: who believes it waits for good."""
    with pytest.raises(Crashed, match="urgent data"):
        guest(*first, Step("urgent", b"x"), Step("stay")).call("f", [((1,), {})])


def test_a_guest_that_never_reads_holds_nobody_up(guest: Say) -> None:
    with pytest.raises(TimedOut):
        guest(seconds=SECONDS).call("f", [((np.zeros(900_000),), {})])


@pytest.mark.parametrize("name", ["OSError", "TimeoutError", "EOFError", "PermissionError", "ValueError"])
def test_an_exception_of_the_submission_is_no_fault_of_the_channel(guest: Say, name: str) -> None:
    """Some of them are what a broken channel raises."""
    transport = guest(READ, say("fault", "StudentRaised", name, "no", "line 1", "f"), READ, say("values", [3]))
    with pytest.raises(StudentFault) as told:
        transport.call("f", [((1,), {})])
    assert told.value.cause == f"raised-{name}"
    assert transport.call("f", [((1,), {})]) == [3]


def test_a_raised_stop_iteration_does_not_end_a_loop_of_the_spec(guest: Say) -> None:
    transport = guest(READ, say("fault", "StudentRaised", "StopIteration", "", "", "f"))
    with pytest.raises(StudentFault):
        list(map(lambda x: transport.call("f", [((x,), {})]), [1, 2, 3]))


def test_a_callable_is_lent_for_one_call(guest: Say) -> None:
    transport = guest(READ, say("values", [0]), READ, say("callback", 0, [[1]]), READ, say("values", [1]))
    transport.call("f", [((sum,), {})])
    asked: list[Any] = []
    assert transport.call("f", [((asked.append,), {})]) == [1]
    assert asked == []
    heard = Decoder(transport._lent.call(0, [[1]])[4:]).value()
    assert heard == ["error", "RuntimeError", NOT_LENT]


def test_what_one_test_takes_in_is_bounded(guest: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    many = [step for _ in range(4) for step in (READ, say("values", [b"x" * 1000]))]
    for limit, words in (("MAX_TEST_BYTES", "bytes in one test"), ("MAX_TEST_ITEMS", "items in one test")):
        monkeypatch.setattr(channel, limit, 2_500)
        transport = guest(*many)
        transport.call("f", [((1,), {})])
        transport.call("f", [((1,), {})])
        with pytest.raises(Crashed, match=words):
            transport.call("f", [((1,), {})])
        monkeypatch.undo()
    monkeypatch.setattr(channel, "MAX_CALLBACKS", 3)
    calls = [step for _ in range(9) for step in (say("callback", 0, [[1]]), READ)]
    with pytest.raises(Crashed, match="3 calls back in one test"):
        guest(READ, *calls).call("f", [((sum,), {})])


def test_arguments_that_cannot_cross_are_the_specs_fault(guest: Say) -> None:
    with pytest.raises(ValueError, match="the spec's arguments") as told:
        guest().call("f", [((np.zeros(999_999), np.zeros(999_999)), {})])
    assert not isinstance(told.value, StudentFault)


@pytest.mark.parametrize("status", [2**70, -1, 65_536, "9", [9]])
def test_an_ending_no_process_has_is_refused(status: Any) -> None:
    with pytest.raises(WireError):
        read_ending(encode(["reaped", status, b"", 0]))


def test_arrays_where_words_belong_are_refused_not_compared() -> None:
    odd = np.array([1, 2])
    for read in (read_hello, read_ending, lambda frame: read_answer(frame, "f", 1)):
        for message in ([odd, odd], ["values", odd], ["child", odd], ["fault", odd, odd, odd, odd, odd], odd, None, []):
            with pytest.raises(WireError):
                read(encode(message))


def test_strangers_who_knock_are_turned_away(tmp_path: Path) -> None:
    """With arrays for words, too much to say, nothing to say, or the wrong token; the right one still gets in."""
    path = str(tmp_path / "judge.sock")
    link = Link(listen(path), "zygote-token", ask=lambda token: None, met=lambda: None)
    connected: list[socket.socket] = []

    def knock(data: bytes) -> socket.socket:
        connected.append(socket.socket(socket.AF_UNIX))
        connected[-1].connect(path)
        connected[-1].sendall(data)
        return connected[-1]

    def hello(*fields: Any) -> bytes:
        return framed(encode(list(fields)))

    def strangers_then_child() -> None:
        (size,) = struct.unpack(">I", zygote.recv(4))
        _, token = Decoder(zygote.recv(size)).value()
        for data in (hello(np.array([1, 2]), token), hello("zygote", token), framed(b"", 2**20), hello("child", "x")):
            knock(data)
        knock(b"").close()
        knock(hello("child", token)).sendall(b"it is me")

    zygote = knock(hello("zygote", "zygote-token"))
    child = threading.Thread(target=strangers_then_child)
    child.start()
    connection = link.fork()
    child.join()
    assert connection.recv(8) == b"it is me"
    for one in (*connected, connection):
        one.close()
    link._drop_guest()
    link._listener.close()


def test_a_zygote_that_speaks_unasked_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "GUEST_START_SECONDS", 0.1)
    path = str(tmp_path / "judge.sock")
    asked: list[str] = []
    link = Link(listen(path), "t", ask=asked.append, met=lambda: None)
    with socket.socket(socket.AF_UNIX) as zygote:
        zygote.connect(path)
        zygote.sendall(framed(encode(["zygote", "t"])) + framed(encode(["reaped", 0, b"", 0])))
        with pytest.raises(GuestUnavailable):
            link.fork()
    assert len(asked) == 1
    link._listener.close()


def test_plain_data_is_what_the_channel_takes() -> None:
    """What passes at home crosses, and what cannot cross is refused at home as well."""
    assert to_plain(np.longdouble(1.5)) == 1.5 and type(to_plain(np.longdouble(1.5))) is float
    assert to_plain(np.ones(2, np.longdouble)).dtype == np.float64
    assert to_plain(np.ones(2, np.clongdouble)).dtype == np.complex128
    for value in (1 << 1_001, {b"k": 1}, {(1, (2,)): 1}, dict.fromkeys(range(1_001)), [0] * 1_000_001, "x" * 1_000_001):
        with pytest.raises(NotPlain):
            to_plain(value)


def test_dicts_with_a_key_twice_or_dear_keys_are_refused() -> None:
    twice = b"m\0\0\0\2TNTN"
    nested = b"m\0\0\0\1t\0\0\0\1t\0\0\0\0N"
    for frame in (twice, nested, b"m\0\0\0\1b\0\0\0\0N"):
        with pytest.raises(WireError):
            Decoder(frame).value()
