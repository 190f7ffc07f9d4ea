"""Makes a small model as expensive as a large one without changing what it says.

    python -m worker.engine.inflating SRC DST

Layers whose output projections are zero are added, which pass on what they get, and the feed-forward parts are padded
with zeros. The tokens are those of the same function; a pass now reads hundreds of times as many weights, which is what
a large model's pass costs. The drafter of the small one fits. (Padding changes the order of sums in bfloat16: compare
the inflated model's speculation with the inflated model's own plain decoding, never with the small one's.)
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

LAYERS, INNER = 6, 16384
_FIRST = "model.layers.0."
_OUTPUTS = ("o_proj", "down_proj")


def inflate(source: Path, target: Path, layers: int = LAYERS, inner: int = INNER) -> int:
    """Write the model of `source` into `target` with `layers` more layers, each `inner` wide; its parameters."""
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    weights = load_file(str(source / "model.safetensors"))
    own, narrow, hidden = config["num_hidden_layers"], config["intermediate_size"], config["hidden_size"]
    if inner < narrow:
        raise ValueError(f"inner = {inner}: the model is {narrow} wide already")
    for layer in range(own):
        _pad(weights, f"model.layers.{layer}.mlp.", narrow, inner, hidden)
    first = [name for name in weights if name.startswith(_FIRST)]
    for layer in range(own, own + layers):
        for name in first:
            copy = weights[name].clone()
            if any(part in name for part in _OUTPUTS):
                copy.zero_()
            weights[name.replace(_FIRST, f"model.layers.{layer}.")] = copy
    target.mkdir(parents=True, exist_ok=True)
    save_file(weights, str(target / "model.safetensors"), metadata={"format": "pt"})
    config |= {"num_hidden_layers": own + layers, "intermediate_size": inner}
    (target / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    for path in source.iterdir():
        if path.name.startswith(("tokenizer", "generation_config")):
            shutil.copy(path, target / path.name)
    return sum(one.numel() for one in weights.values())


def _pad(weights: dict[str, torch.Tensor], mlp: str, narrow: int, inner: int, hidden: int) -> None:
    for part in ("gate_proj", "up_proj", "down_proj"):
        name = f"{mlp}{part}.weight"
        wide = torch.zeros((hidden, inner) if part == "down_proj" else (inner, hidden), dtype=weights[name].dtype)
        if part == "down_proj":
            wide[:, :narrow] = weights[name]
        else:
            wide[:narrow] = weights[name]
        weights[name] = wide


if __name__ == "__main__":
    print(inflate(Path(sys.argv[1]), Path(sys.argv[2])), "parameters")
