"""The channel changes nothing for honest code: neither a value, nor a verdict, nor its cause.

GRADER_TEST_EVERY_ANSWER=1 compares every answer in tests/labs; else a few of each lab.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labkit.contract import InProcess, load_file
from labkit.faults import StudentFault
from labkit.manifest import Manifest, read_manifest
from labkit.plain import fingerprint
from labkit.returns import Signature

from tests.fuzz.split import Forked, verdicts
from tests.fuzz.values import PLAIN
from worker.harness.link import GuestTransport

COURSE = Path(__file__).parents[2] / "labs"
ANSWERS = Path(__file__).parents[1] / "labs"
LABS = [read_manifest(file.parent) for file in sorted(COURSE.glob("*/labs/*/lab.toml"))]
SIGNATURES = [signature for lab in LABS for signature in lab.functions.values()]
EVERY = bool(os.environ.get("GRADER_TEST_EVERY_ANSWER"))
#: Of each lab's answers: the first and one of every so many.
STRIDE = {"unusual": 1 if EVERY else 12, "wrong": 1 if EVERY else 45}


def answers(lab: Manifest) -> list[Path]:
    """Files to compare the two ways by."""
    chosen = [f for kind, n in STRIDE.items() for f in sorted((ANSWERS / kind / lab.folder.name).glob("*.py"))[::n]]
    return [lab.folder / "solution.py", lab.folder / "starter.py", *chosen]


#: Answers to thousands of calls that grow with each: too much for one message, which is another cause than at home.
GROWING = {"verify_mutable_default"}
ECHO = """\
def echo(value):
    return value


def through(function, value):
    return [function(value), value]


def refused(function, value):
    try:
        return function(value)
    except (IndexError, KeyError, ValueError) as error:
        return [type(error).__name__, str(error)]
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GuestTransport, InProcess]]:
    file = tmp_path_factory.mktemp("echo") / "starter.py"
    file.write_text(ECHO, encoding="utf-8")
    transport = GuestTransport(Forked(file), 7, 300, time.monotonic() + 300)  # type: ignore[arg-type]
    yield transport, InProcess(lambda: load_file(file), 7)
    transport.close()


def answer(transport: Any, function: str, *args: Any) -> Any:
    try:
        return transport.call(function, [(args, {})])[0]
    except StudentFault as fault:
        return [fault.cause, fault.sentence]


@given(PLAIN)
@settings(max_examples=100)
def test_a_value_is_the_same_over_the_channel(both: tuple[GuestTransport, InProcess], value: Any) -> None:
    over, home = both
    assert fingerprint(answer(over, "echo", value)) == fingerprint(answer(home, "echo", value))
    functions = lambda given: [given, value]  # noqa: E731 - what a spec may lend
    assert fingerprint(answer(over, "through", functions, value)) == fingerprint(
        answer(home, "through", functions, value)
    )


@given(
    st.sampled_from(SIGNATURES), PLAIN | st.lists(st.integers() | st.floats()) | st.tuples(st.integers(), st.booleans())
)
@settings(max_examples=150)
def test_a_declared_type_accepts_the_same(
    both: tuple[GuestTransport, InProcess], signature: Signature, value: Any
) -> None:
    def accepted(transport: Any) -> Any:
        got = answer(transport, "echo", value)
        try:
            return signature.accept(got)
        except StudentFault as fault:
            return [fault.cause, fault.sentence]

    over, home = both
    assert fingerprint(accepted(over)) == fingerprint(accepted(home))


@pytest.mark.parametrize("kind", [IndexError, KeyError, ValueError, OSError, TimeoutError, LookupError])
def test_what_a_function_of_the_spec_raises_is_the_same(
    both: tuple[GuestTransport, InProcess], kind: type[Exception]
) -> None:
    def refuse(value: Any) -> Any:
        raise kind(3)

    over, home = both
    assert answer(over, "refused", refuse, 1)[0] == answer(home, "refused", refuse, 1)[0]


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.short)
def test_the_verdicts_are_those_at_home(lab: Manifest, tmp_path: Path) -> None:
    said = verdicts(lab.folder, answers(lab), 42, tmp_path / "found")
    for ways in said.values():
        for file, tests in ways.items():
            if Path(file).stem in GROWING:
                ways[file] = {name: [outcome, verdict, ""] for name, (outcome, verdict, _) in tests.items()}
    assert said["guest"] == said["home"]
