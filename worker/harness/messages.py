"""What a guest may say, and what its words become. Every message is held to its form before anything is done with it.

    on the connection of a test's child              on the zygote's
    ["child", token]             once                ["zygote", token]                    once
    then, to each call, any number of                then, to each reap
    ["callback", number, args]                       ["reaped", status, output, dropped]
    and one of
    ["values", [one per call]]
    ["fault", class, sentence, advice, where, function]

Fields are compared only once their types are known: an array compared with a word is an array, or an exception.
"""

from dataclasses import dataclass
from typing import Any

from labkit import faults

from worker.harness.wire import MAX_CALLBACK_BYTES, Decoder, WireError

#: The longest hello and the longest account of a test's end, in bytes.
HELLO_BYTES = 256
REAPED_BYTES = 64 * 1024 + 256
MAX_STATUS = 0xFFFF
FAULTS = {
    kind.__name__: kind
    for kind in (
        faults.Unloadable,
        faults.MissingFunction,
        faults.WrongArguments,
        faults.WrongType,
        faults.ChangedArgument,
    )
}


@dataclass(frozen=True)
class Ending:
    """How a test's child ended and what it printed. `status` as from waitpid, None where it was never learnt."""

    status: int | None
    output: str


@dataclass(frozen=True)
class Callback:
    """The guest wants a callable that it was given to be called."""

    number: int
    arguments: list[Any]


@dataclass(frozen=True)
class Values:
    """What the calls returned; `items` as the channel's budget counts them."""

    values: list[Any]
    items: int


def read_hello(frame: bytes) -> tuple[str, str]:
    """Who says it is there, and with which token. Raises WireError."""
    match _fields(Decoder(frame).value()):
        case [str(kind), str(token)]:
            return kind, token
    raise WireError("a hello that makes no sense")


def read_ending(frame: bytes) -> Ending:
    """How the child ended. Raises WireError."""
    match _fields(Decoder(frame).value()):
        case [str("reaped"), (int() | None) as status, bytes(output), int(dropped)]:
            if status is not None and not 0 <= status <= MAX_STATUS:
                raise WireError("a status that no process has")
            more = f"\n… {dropped:,} more bytes" if dropped > 0 else ""
            return Ending(status, output.decode("utf-8", "replace") + more)
    raise WireError("an account of a test that makes no sense")


def read_answer(frame: bytes, function: str, calls: int) -> Values | Callback | faults.StudentFault:
    """What the guest says to `calls` calls of `function`. Raises WireError."""
    decoder = Decoder(frame)
    fields = _fields(decoder.value())
    match fields:
        case [str("values"), list(values)]:
            if len(values) != calls:
                raise WireError(f"{len(values):,} answers to {calls:,} calls")
            return Values(values, decoder.items)
        case [str("callback"), int(number), list(arguments)]:
            if len(frame) > MAX_CALLBACK_BYTES:
                raise WireError(f"a call back with {len(frame):,} bytes of arguments")
            return Callback(number, arguments)
        case [str("fault"), str(kind), str(sentence), str(advice), str(where), (str() | None) as named]:
            return _fault(kind, sentence, advice, where, function, named)
        case [str("child" | "zygote"), *_]:
            raise WireError("a second hello")
    raise WireError("an answer that makes no sense")


def _fields(message: Any) -> list[Any]:
    """The message, if it is a list that begins with a word."""
    if type(message) is not list or not message or type(message[0]) is not str:
        raise WireError("a message that is none")
    return message


def _fault(kind: str, sentence: str, advice: str, where: str, function: str, named: str | None) -> faults.StudentFault:
    """The fault, of one of our own classes; the guest chooses words alone."""
    if kind == "StudentRaised":  # then the sentence is the exception's type, and the advice its text
        return faults.raised(sentence[:100], advice[:500], where[:100], function if named is not None else None)
    if kind not in FAULTS:
        raise WireError("a fault that is none")
    return FAULTS[kind](sentence[:1000], advice[:500], function)
