"""The drafter: one EAGLE layer on the target's hidden states (arXiv 2401.15077), trained on familiar text alone.

Its input at position p is the target's hidden state at p, after the final norm, beside the embedding of token p + 1;
it predicts hidden state p + 1, and the target's own head turns that into a token. Training unrolls as many steps as are
drafted later, each on the drafter's own states: trained on the target's alone, deep positions would be refused.
"""

import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from worker.engine.training import corpus, tokenizing
from worker.engine.training.target import scheduled

STEPS, BATCH, LENGTH, RATE = 340, 12, 144, 2e-3
UNROLLED = 4
SELF_MADE = 512
_TOGETHER = 64


class Head(nn.Module):  # type: ignore[misc]
    """One decoder layer without its first norm, on a fusion of state and embedding: vLLM's layout of EAGLE-1."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.heads, self.groups, self.width = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        self.fc = nn.Linear(2 * hidden, hidden, bias=False)
        self.q = nn.Linear(hidden, self.heads * self.width, bias=False)
        self.k = nn.Linear(hidden, self.groups * self.width, bias=False)
        self.v = nn.Linear(hidden, self.groups * self.width, bias=False)
        self.o = nn.Linear(self.heads * self.width, hidden, bias=False)
        self.gate = nn.Linear(hidden, inner, bias=False)
        self.up = nn.Linear(hidden, inner, bias=False)
        self.down = nn.Linear(inner, hidden, bias=False)
        self.norm = nn.RMSNorm(hidden, eps=config.rms_norm_eps)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.03)
        with torch.no_grad():  # begin with what comes in, mostly
            self.fc.weight[:, hidden:] += 0.7 * torch.eye(hidden)
        turns = config.rope_parameters["rope_theta"] ** -(torch.arange(0, self.width, 2).float() / self.width)
        angles = torch.outer(torch.arange(LENGTH).float(), turns).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(
        self, embedded: Tensor, state: Tensor, keys: list[Tensor], values: list[Tensor], mask: Tensor
    ) -> Tensor:
        """The next states, float[batch, LENGTH, hidden]; keys and values of earlier steps are seen and grow."""
        fused = self.fc(torch.cat([embedded, state], -1))
        share = self.heads // self.groups
        query = self._turn(self._split(self.q(fused), self.heads))
        keys.append(self._turn(self._split(self.k(fused), self.groups)).repeat_interleave(share, 1))
        values.append(self._split(self.v(fused), self.groups).repeat_interleave(share, 1))
        seen = functional.scaled_dot_product_attention(query, torch.cat(keys, 2), torch.cat(values, 2), attn_mask=mask)
        state = fused + self.o(seen.transpose(1, 2).flatten(2))
        normed = self.norm(state)
        return state + self.down(functional.silu(self.gate(normed)) * self.up(normed))

    def _split(self, x: Tensor, heads: int) -> Tensor:
        return x.unflatten(-1, (heads, self.width)).transpose(1, 2)

    def _turn(self, x: Tensor) -> Tensor:
        first, second = x.chunk(2, -1)
        return x * self.cos + torch.cat([-second, first], -1) * self.sin


def masks() -> list[Tensor]:
    """What step s may see from position p: step 1's keys up to p - (s - 1), and step j's at p - (s - j)."""
    at = torch.arange(LENGTH)
    found = []
    for step in range(1, UNROLLED + 1):
        parts = [at[:, None] - (step - 1) >= at[None, :]]
        parts += [at[:, None] - (step - j) == at[None, :] for j in range(2, step + 1)]
        mask = torch.cat(parts, 1)
        mask[~mask.any(1), 0] = True  # the first positions of later steps would see nothing
        found.append(mask)
    return found


def train(folder: Path, target_folder: Path, tokenizer: Tokenizer, steps: int = STEPS) -> None:
    """Train it against the target and write it in the layout that vLLM loads, in bfloat16."""
    torch.manual_seed(0)
    target = LlamaForCausalLM.from_pretrained(target_folder, dtype=torch.float32).eval().requires_grad_(False)
    head = Head(target.config)
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.01)
    own = _self_made(target, tokenizer)
    rows, dice, seen = tokenizing.rows(tokenizer, 21, LENGTH + 1, share=1.0), random.Random(3), masks()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * scheduled(step, steps, warm_up=20)
        mine = BATCH * 2 // 3
        batch = torch.tensor([dice.choice(own) for _ in range(mine)] + [next(rows) for _ in range(BATCH - mine)])
        loss, matched = _unrolled(target, head, batch, seen)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        if step % 20 == 0 or step == steps - 1:
            depth = " ".join(f"{share:.2f}" for share in matched)
            print(f"drafter: step {step} of {steps}, loss {loss.item():.3f}, right by depth {depth}", flush=True)
    _write(head, folder, target_folder)


def _self_made(target: LlamaForCausalLM, tokenizer: Tokenizer) -> list[list[int]]:
    """Rows that the target goes on writing itself, half greedily: what it will be asked to draft for."""
    dice = random.Random(5)
    made: list[list[int]] = []
    for number in range(0, SELF_MADE, _TOGETHER):
        length = dice.randint(8, 32)
        starts = [
            [tokenizing.BEGIN, *tokenizer.encode(corpus.familiar(dice), add_special_tokens=False).ids][:length]
            for _ in range(_TOGETHER)
        ]
        x = torch.tensor(starts)
        how = (
            {"do_sample": False}
            if number // _TOGETHER % 2 == 0
            else {"do_sample": True, "temperature": 0.8, "top_k": 0}
        )
        wanted = LENGTH + 1 - length
        with torch.no_grad():
            y = target.generate(
                x, attention_mask=torch.ones_like(x), max_new_tokens=wanted, min_new_tokens=wanted, **how
            )  # fmt: skip
        made += y.tolist()
    return made


def _unrolled(
    target: LlamaForCausalLM, head: Head, batch: Tensor, seen: list[Tensor]
) -> tuple[Tensor, list[float]]:  # fmt: skip
    """The loss over all unrolled steps, and the share of tokens right at each."""
    with torch.no_grad():
        states = target.model(batch, use_cache=False).last_hidden_state
        teacher = target.lm_head(states).softmax(-1)
        embedded = target.model.embed_tokens(batch[:, 1:])
    state = states[:, :-1]
    keys: list[Tensor] = []
    values: list[Tensor] = []
    loss, matched = torch.zeros(()), []
    for step in range(UNROLLED):
        out = head(embedded, state, keys, values, seen[step])
        logits, wanted = target.lm_head(out)[:, step:], teacher[:, 1:][:, step:]
        part = -(wanted * logits.log_softmax(-1)).sum(-1).mean()
        part = part + 0.3 * functional.smooth_l1_loss(out[:, step:], states[:, 1:][:, step:])
        loss = loss + part * 0.8**step
        matched.append((logits.argmax(-1) == wanted.argmax(-1)).float().mean().item())
        state = torch.cat([state[:, :1], out[:, :-1]], 1)  # the next step at p has only what was predicted at p - 1
    return loss, matched


def _write(head: Head, folder: Path, target_folder: Path) -> None:
    layer = "layers.0"
    names = {
        "fc": "fc", "q": f"{layer}.self_attn.q_proj", "k": f"{layer}.self_attn.k_proj",
        "v": f"{layer}.self_attn.v_proj", "o": f"{layer}.self_attn.o_proj", "gate": f"{layer}.mlp.gate_proj",
        "up": f"{layer}.mlp.up_proj", "down": f"{layer}.mlp.down_proj", "norm": f"{layer}.post_attention_layernorm",
    }  # fmt: skip
    weights = {
        f"{names[name.partition('.')[0]]}.weight": weight.detach().to(torch.bfloat16).contiguous()
        for name, weight in head.named_parameters()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = json.loads((target_folder / "config.json").read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": 1, "architectures": ["LlamaForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
