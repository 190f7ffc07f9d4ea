"""Where vLLM's own environment is, and the pair that it runs in tests."""

import json
import os
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAIR = ROOT / "worker" / "engine" / "pair"
PROMPTS: dict[str, list[list[int]]] = json.loads((PAIR / "prompts.json").read_text(encoding="utf-8"))


@cache
def python() -> Path:
    """The interpreter that has vLLM; it need not exist."""
    return Path(os.environ.get("GRADER_VLLM_PYTHON") or ROOT / ".venv-vllm" / "bin" / "python")


def missing() -> str:
    """Why vLLM cannot be run here; empty where it can."""
    if python().exists():
        return ""
    return f"vLLM's environment is not there ({python()}): make .venv-vllm/ready, or set GRADER_VLLM_PYTHON"
