"""What a worker with an engine has around it that no guest may find, and an engine that remembers what it was asked."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any


class Asked:
    """Satisfies `Measurer`: says back which question of the spec it was asked."""

    def __init__(self) -> None:
        self.questions: list[Any] = []

    def measure(self, asked: Any, left: Callable[[], float], on_wait: Callable[[int], None]) -> dict[str, Any]:
        """See `Measurer`."""
        self.questions.append(asked)
        return {"number": asked.get("number")}

    def close(self) -> None:
        """See `Measurer`."""


def settings(folder: Path) -> dict[str, str]:
    """What such a worker's environment holds; what it names is in `folder`."""
    return {
        "GRADER_ENGINE": "llama3-8b-gpu",
        "GRADER_ENGINE_PYTHON": str(folder / "bin/engine-python"),
        "GRADER_MODELS": str(folder / "models"),
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": str(folder / "hub"),
    }


def furnish(folder: Path) -> None:
    """A model, the libraries that load it and a device, as names: the machine that attackers would like to see."""
    for name in ("models/target.safetensors", "models/tokenizer.json", "dev/nvidia0", "dev/dri/card0"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"weights")
    for name in ("vllm", "torch"):
        package = folder / "lib/python3/site-packages" / name
        package.mkdir(parents=True)
        (package / "__init__.py").touch()


@contextmanager
def within_reach(folder: Path) -> Iterator[None]:
    """All of it open in this process, carelessly: what a child inherits of it, it could speak to the engine by."""
    furnish(folder)
    with ExitStack() as held:
        descriptors = [os.open(folder / "models/target.safetensors", os.O_RDONLY), *os.pipe()]
        for descriptor in descriptors:
            held.callback(os.close, descriptor)
            os.set_inheritable(descriptor, True)
        for address in (str(folder / "engine.sock"), f"\0grader-engine-{secrets.token_hex(8)}"):
            listening = held.enter_context(socket.socket(socket.AF_UNIX))
            listening.bind(address)
            listening.listen()
            listening.set_inheritable(True)
        yield
