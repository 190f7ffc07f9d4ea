"""Looks for the settings of an engine, in its environment and in those and the arguments of every process it sees.

Promise: C2
Lab: target-2
Tests: all
"""

WORDS = (b"GRADER_", b"VLLM", b"CUDA", b"NVIDIA", b"HF_H", b"HF_T", b"HUGGING", b"MODELS", b"engine-python")
def evil(*args):
    told = [f"{name}={value}".encode() for name, value in os.environ.items()]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for what in ("environ", "cmdline"):
            try:
                with open(f"/proc/{pid}/{what}", "rb") as file:
                    told += file.read().split(b"\0")
            except OSError:
                pass
    for one in told:
        if any(word in one for word in WORDS):
            caught(f"SETTING {one[:60]}")
    return 0
