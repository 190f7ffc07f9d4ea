"""Trains the small pair: see the package."""

import json
import sys
from pathlib import Path

import torch

from worker.engine.training import eagle, target, tokenizing

PROMPTS = 256


def main() -> None:
    """Write target/, eagle/ and prompts.json into the folder named on the command line."""
    out = Path(sys.argv[1])
    torch.set_num_threads(2)
    tokenizer = tokenizing.make(out / "target")
    target.train(out / "target", tokenizer)
    eagle.train(out / "eagle", out / "target", tokenizer)
    rows = tokenizing.prompts(tokenizer, PROMPTS, seed=2024)
    (out / "prompts.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
