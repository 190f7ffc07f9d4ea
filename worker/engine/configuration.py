"""What one engine is: a target, perhaps a drafter, and how vLLM is to run them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: A text, or the tokens of one.
Prompt = str | list[int]


@dataclass(frozen=True)
class Configuration:
    """One engine. `head` and `k` are empty and 0 for plain decoding; `memory` is MiB of cache on a CPU, else unused.

    `gpu_share` is the part of a GPU's memory that this engine may take; two engines are warm at the same time.
    """

    target: str
    head: str = ""
    method: str = "eagle"
    k: int = 0
    dtype: str = "bfloat16"
    most_requests: int = 32
    most_tokens: int = 512
    cache_mib: int = 64
    gpu_share: float = 0.45
    eager: bool = True

    @property
    def speculative(self) -> dict[str, Any] | None:
        """vLLM's speculative_config."""
        if not self.k:
            return None
        return {"method": self.method, "model": self.head, "num_speculative_tokens": self.k}

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Configuration":
        """What `told` made."""
        return cls(**told)
