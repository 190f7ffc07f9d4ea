"""The target: a Llama of 0.9 million parameters, trained for a fixed number of steps on both kinds of text."""

import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from worker.engine.training import tokenizing

STEPS, BATCH, LENGTH, RATE = 900, 12, 160, 3e-3
_SHARE_FAMILIAR = 0.75


def architecture() -> LlamaConfig:
    """Hidden 128, 4 layers, grouped attention: small enough to commit, shaped like what it stands for."""
    return LlamaConfig(
        vocab_size=tokenizing.VOCABULARY, hidden_size=128, intermediate_size=384, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=1024, rms_norm_eps=1e-5,
        bos_token_id=tokenizing.BEGIN, eos_token_id=tokenizing.END, pad_token_id=tokenizing.PAD,
        tie_word_embeddings=False, initializer_range=0.02,
    )  # fmt: skip


def scheduled(step: int, steps: int, warm_up: int) -> float:
    """Share of the learning rate: a linear start, then half a cosine down to a fiftieth."""
    return min(1.0, (step + 1) / warm_up) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def train(folder: Path, tokenizer: Tokenizer, steps: int = STEPS) -> None:
    """Train it and write it as transformers and vLLM read it, in bfloat16."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(architecture())
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.05)
    rows = tokenizing.rows(tokenizer, 11, LENGTH + 1, _SHARE_FAMILIAR)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * scheduled(step, steps, warm_up=40)
        batch = torch.tensor([next(rows) for _ in range(BATCH)])
        logits = model(batch[:, :-1], use_cache=False).logits
        loss = functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            print(f"target: step {step} of {steps}, {loss.item():.3f} nat a token", flush=True)
    model.to(torch.bfloat16)
    model.config.dtype = "bfloat16"
    model.save_pretrained(folder, safe_serialization=True)
