"""What speculation must count, worked out without vLLM: plain torch drafts along a known text, one request at a time.

Greedy decoding never depends on the drafter, so the text is that of plain decoding; the oracle drafts at every place
where a step would begin and sees how far each draft goes. An independent witness of vLLM's counters.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

_LAYER = "layers.0."


class Drafter:
    """One EAGLE layer, run token by token with its own keys and values."""

    def __init__(self, target: LlamaForCausalLM, folder: Path) -> None:
        self._target, self._config = target, target.config
        self._weights = {name: one.float() for name, one in load_file(str(folder / "model.safetensors")).items()}
        width = self._config.head_dim
        self._turns = self._config.rope_parameters["rope_theta"] ** -(torch.arange(0, width, 2).float() / width)

    def draft(self, embedded: Tensor, states: Tensor, k: int) -> list[int]:
        """k tokens from float[n, hidden] embeddings of tokens 1 … n and states of tokens 0 … n - 1."""
        at = torch.arange(len(states))
        state, keys, values = self._step(embedded, states, at, None, None)
        tokens: list[int] = []
        while True:
            state = state[-1:]
            tokens.append(int(self._target.lm_head(state).argmax()))
            if len(tokens) == k:
                return tokens
            at = at[-1:] + 1
            said = self._target.model.embed_tokens(torch.tensor(tokens[-1:]))
            state, keys, values = self._step(said, state, at, keys, values)

    def _step(
        self, embedded: Tensor, states: Tensor, at: Tensor, keys: Tensor | None, values: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        config, n = self._config, len(states)
        fused = torch.cat([embedded, states], -1) @ self._weights["fc.weight"].T
        query = self._turned(self._heads(fused, "q", config.num_attention_heads), at)
        key = self._turned(self._heads(fused, "k", config.num_key_value_heads), at)
        value = self._heads(fused, "v", config.num_key_value_heads)
        if keys is not None and values is not None:
            key, value = torch.cat([keys, key], 1), torch.cat([values, value], 1)
        share, length = config.num_attention_heads // config.num_key_value_heads, key.shape[1]
        mask = torch.arange(length - n, length)[:, None] >= torch.arange(length)[None]
        seen = functional.scaled_dot_product_attention(
            query, key.repeat_interleave(share, 0), value.repeat_interleave(share, 0), attn_mask=mask
        )
        state = fused + seen.transpose(0, 1).flatten(1) @ self._weights[f"{_LAYER}self_attn.o_proj.weight"].T
        scale = self._weights[f"{_LAYER}post_attention_layernorm.weight"]
        normed = functional.rms_norm(state, (config.hidden_size,), scale, config.rms_norm_eps)
        gate, up, down = (self._weights[f"{_LAYER}mlp.{part}_proj.weight"].T for part in ("gate", "up", "down"))
        return state + (functional.silu(normed @ gate) * (normed @ up)) @ down, key, value

    def _heads(self, x: Tensor, part: str, heads: int) -> Tensor:
        y = x @ self._weights[f"{_LAYER}self_attn.{part}_proj.weight"].T
        return y.view(len(x), heads, self._config.head_dim).transpose(0, 1)

    def _turned(self, x: Tensor, at: Tensor) -> Tensor:
        angles = torch.outer(at.float(), self._turns).repeat(1, 2)
        first, second = x.chunk(2, -1)
        return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


def counted(
    target: Path, head: Path, k: int, prompts: Sequence[Sequence[int]], texts: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """The counters of drafting k tokens a step along `texts`, what the target said after each prompt.

    Steps near a text's end, where not all of a draft can be compared, are left out: compare rates, not counts.
    """
    model = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32).eval().requires_grad_(False)
    drafter = Drafter(model, head)
    drafts, per_pos = 0, [0] * k
    for prompt, text in zip(prompts, texts, strict=True):
        tokens = torch.tensor([*prompt, *text])
        states = model.model(tokens[None]).last_hidden_state[0]
        embedded = model.model.embed_tokens(tokens)
        at = len(prompt)  # the token that the step before brought of its own
        while at < len(tokens) - k - 1:
            drafted = drafter.draft(embedded[1 : at + 1], states[:at], k)
            held = 0
            while held < k and drafted[held] == int(tokens[at + 1 + held]):
                held += 1
            drafts += 1
            for position in range(held):
                per_pos[position] += 1
            at += held + 1
    return {"drafts": drafts, "draft_tokens": k * drafts, "accepted": sum(per_pos), "per_pos": per_pos}


if __name__ == "__main__":
    asked = json.loads(sys.stdin.read())
    asked["target"], asked["head"] = Path(asked["target"]), Path(asked["head"])
    print(json.dumps(counted(**asked)))
