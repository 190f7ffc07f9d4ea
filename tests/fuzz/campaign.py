"""Throws things at the channel for as long as it is told: `python -m tests.fuzz.campaign --minutes 10 --seed 1`.

Every round has its own seed, printed when something is found: `--seed N --rounds 1 --only TARGET` does that round
again. The process may take 2 GiB of memory: a frame that asks for more ends in a MemoryError, which is a finding.
"""

import argparse
import random
import resource
import sys
import time
import traceback
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.conversations import SCRIPTS
from tests.fuzz.guests import Step, converse
from tests.fuzz.test_channel import MOST_BYTES, decoded
from tests.fuzz.values import FRAMES, PLAIN, is_plain, mutated
from tests.fuzz.worst import WORST, memory_of
from worker.harness.wire import Decoder, encode

MEMORY = 2 * 1024**3
#: Longer than any single frame takes to decode, on a busy machine.
SLOWEST_SECONDS = 10.0
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


class Count:
    """What was executed, and how it ended."""

    def __init__(self) -> None:
        self.done = 0
        self.ends: dict[str, int] = {}

    def add(self, end: str) -> None:
        self.done += 1
        self.ends[end] = self.ends.get(end, 0) + 1


def _within(frame: bytes, count: Count) -> None:
    began = time.process_time()
    decoded(frame)
    assert time.process_time() - began < SLOWEST_SECONDS, "too slow"
    count.add("frame")


def _explored(n: int, number: int, strategy: st.SearchStrategy[object], body: Callable[[object], None]) -> None:
    """`body` on `n` examples of the strategy, the same ones for the same number."""
    run = given(strategy)(body)
    phases = (Phase.generate, Phase.shrink)
    seed(number)(
        settings(max_examples=n, deadline=None, database=None, phases=phases, suppress_health_check=_QUIET)(run)
    )()


def values(number: int, count: Count) -> None:
    """Plain values there and back."""

    def body(value: object) -> None:
        assert is_plain(Decoder(encode(value)).value())
        count.add("value")

    _explored(300, number, PLAIN, body)


def frames(number: int, count: Count) -> None:
    """Frames that lie in their form."""
    _explored(1_000, number, FRAMES | st.binary(max_size=2_000), lambda frame: _within(frame, count))  # type: ignore[arg-type]


def mutations(number: int, count: Count) -> None:
    """Frames of plain values, and the worst ones, changed in places."""
    chance = random.Random(number)
    corpus: list[bytes] = []
    _explored(60, number, PLAIN, lambda value: corpus.append(encode(value)))
    for _ in range(20_000):
        frame = mutated(chance.choice(corpus), chance)
        try:
            _within(frame, count)
        except BaseException:
            print(f"frame {frame.hex()}")
            raise
    name = chance.choice(list(WORST))
    _within(mutated(WORST[name], chance), count)


def memory(number: int, count: Count) -> None:
    """The worst frames, as they are and changed: what they become fits into the judge."""
    chance = random.Random(number)
    name = chance.choice(list(WORST))
    frame = mutated(WORST[name], chance) if chance.random() < 0.5 else WORST[name]
    peak = memory_of(frame)
    assert peak < MOST_BYTES, f"{name}: {peak:,} bytes"
    count.add("frame")


def conversations(number: int, count: Count) -> None:
    """Whole conversations with hostile guests."""

    def body(script: list[Step]) -> None:
        count.add(converse(script))

    _explored(60, number, SCRIPTS, body)


TARGETS: dict[str, Callable[[int, Count], None]] = {
    target.__name__: target for target in (values, frames, mutations, memory, conversations)
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz the channel between judge and guest.")
    parser.add_argument("--minutes", type=float, default=10.0, help="of CPU time")
    parser.add_argument("--seed", type=int, default=None, help="of the first round; default: from the clock")
    parser.add_argument("--rounds", type=int, default=None, help="at most so many")
    parser.add_argument("--only", choices=TARGETS, default=None)
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    first = asked.seed if asked.seed is not None else int(time.time())
    counts = {name: Count() for name in TARGETS if asked.only in (None, name)}
    number = first
    while time.process_time() < 60 * asked.minutes and (asked.rounds is None or number - first < asked.rounds):
        for name, count in counts.items():
            try:
                TARGETS[name](number, count)
            except BaseException:  # noqa: BLE001 - whatever comes out is a finding
                traceback.print_exc()
                print(f"FOUND: again by python -m tests.fuzz.campaign --seed {number} --rounds 1 --only {name}")
                return 1
        number += 1
    print(f"seeds {first} to {number - 1}, {time.process_time():.0f} CPU seconds")
    for name, count in counts.items():
        ends = ", ".join(f"{end} {n:,}" for end, n in sorted(count.ends.items()))
        print(f"{name:14} {count.done:>10,} executions   {ends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
