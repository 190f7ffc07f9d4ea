"""Which engines a worker can be: what they run, on which text, how much of it, and what times it by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from worker.engine.configuration import Configuration, Prompt

_HERE = Path(__file__).parent
#: The pair that this project trained: a target and the head that drafts for it.
PAIR = _HERE / "pair"
#: What Llama 3's chat template makes of one question; the tokenizer puts the beginning of the text before it.
_CHAT = "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"


@dataclass(frozen=True)
class Profile:
    """`models` says where they come from: `pair` lies in this package, `inflated` is made of it, `mounted` is the
    operator's. `engine` lacks only them and k. `alone` prompts run one at a time, `together` or more side by side.

    `warm` engines are loaded at the same time. `exact`: speculation must not change one token.
    """

    name: str
    models: Literal["pair", "inflated", "mounted"]
    prompts_file: Path
    engine: Configuration
    tokens: int
    alone: int
    together: int
    warm: int
    on_gpu: bool = False
    workload: str = "prose"

    @property
    def by(self) -> str:
        """Which time counts: processors are shared with others, a GPU is not."""
        return "wall" if self.on_gpu else "cpu"

    @property
    def exact(self) -> bool:
        """A GPU's sums in bfloat16 depend on how much is computed at once."""
        return not self.on_gpu

    @cached_property
    def _prompts(self) -> list[Prompt]:
        told = json.loads(self.prompts_file.read_text(encoding="utf-8"))
        return [_CHAT.format(question) for question in told["questions"]] if "questions" in told else told["familiar"]

    def prompts(self, batch: int) -> list[Prompt]:
        """What is decoded at that batch size."""
        return self._prompts[: self.alone if batch == 1 else max(batch, self.together)]

    def configuration(self, k: int, target: Path, head: Path) -> Configuration:
        """The engine that drafts k tokens a step; none with k = 0."""
        return replace(self.engine, target=str(target), head=str(head) if k else "", k=k)


_PAIR = Configuration("")
_LLAMA = Configuration("", most_tokens=1024, gpu_share=0.45, eager=False)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        one.name: one
        for one in (
            # overhead is most of a step: for seeing that all works
            Profile("tiny-cpu", "pair", PAIR / "prompts.json", _PAIR, 40, alone=5, together=16, warm=4),
            # memory is most of a step, as on a large model's GPU
            Profile("inflated-cpu", "inflated", PAIR / "prompts.json", _PAIR, 40, alone=5, together=16, warm=4),
            # two of 16 GB beside each other want a GPU of 40 GB or more
            Profile(
                "llama3-8b-gpu",
                "mounted",
                _HERE / "questions.json",
                _LLAMA,
                128,
                alone=4,
                together=16,
                warm=2,
                on_gpu=True,
            ),
        )
    }
)
#: The folders of GRADER_MODELS, by profile: target and head.
MOUNTED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"llama3-8b-gpu": ("Meta-Llama-3-8B-Instruct", "EAGLE-LLaMA3-Instruct-8B")}
)
