"""Strategies for what a guest may do in a whole conversation: honest steps, and every way to leave them."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz.guests import Step, framed
from tests.fuzz.values import FRAMES, PLAIN
from worker.harness.wire import encode

_KINDS = st.sampled_from(["values", "callback", "fault", "child", "zygote", "reaped", "call", "fork", "reap"])
_NUMBERS = st.integers(-2, 8) | st.sampled_from([2**63, -(2**70)])


def _message(*fields: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    return st.tuples(*fields).map(lambda f: encode(list(f)))


_ANSWERS = (
    st.integers(1, 4).flatmap(lambda n: _message(st.just("values"), st.lists(PLAIN, min_size=n, max_size=n)))
    | _message(st.just("callback"), _NUMBERS, st.lists(PLAIN, max_size=3))
    | _message(st.just("callback"), st.integers(0, 5), st.just([[1, 2], [3]]))
    | _message(
        st.just("fault"),
        st.sampled_from(["StudentRaised", "WrongType", "Unloadable", "StudentFault", "object", "TimedOut"]),
        st.text(max_size=30)
        | st.sampled_from(["ValueError", "TimeoutError", "OSError", "StopIteration", "SystemExit"]),
        st.text(max_size=30),
        st.text(max_size=30),
        st.none() | st.text(max_size=9),
    )
    | _message(_KINDS, PLAIN)
    | st.tuples(_KINDS | PLAIN, PLAIN, PLAIN).map(lambda f: encode(list(f)))
    | PLAIN.map(encode)
)
_FRAMED = (_ANSWERS | FRAMES | st.binary(max_size=60)).map(framed)
_LYING = st.builds(framed, st.binary(max_size=20), st.sampled_from([0, 1, 19, 2**20, 2**23, 2**23 + 1, 2**32 - 1]))

STEPS = (
    st.just(Step("read"))
    | st.builds(Step, st.just("send"), _FRAMED)
    | st.builds(Step, st.just("send"), _FRAMED | _LYING)
    | st.builds(Step, st.just("drip"), _FRAMED)
    | st.builds(Step, st.just("flood"), _FRAMED)
    | st.builds(Step, st.just("descriptors"), _FRAMED)
    | st.builds(Step, st.sampled_from(["urgent", "shut", "deaf", "hang up"]))
)
#: Mostly in step with the judge: a frame read, then something said.
SCRIPTS = st.lists(
    st.lists(STEPS, max_size=2).map(tuple)
    | st.tuples(st.just(Step("read")), st.builds(Step, st.just("send"), _ANSWERS.map(framed))),
    max_size=6,
).map(lambda parts: [step for part in parts for step in part])
