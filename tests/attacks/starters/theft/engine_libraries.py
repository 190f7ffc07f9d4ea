"""Looks for the libraries and the code of an engine: by importing them, and among all files.

Promise: C2
Lab: target-2
Tests: all
"""

import importlib
ROOT = "/"
MODULES = ("vllm", "torch", "transformers", "safetensors", "tokenizers", "triton", "flashinfer", "cupy", "worker.engine",
           "worker.measuring", "worker.settings")
NAMES = {"vllm", "torch", "flashinfer"}
SKIPPED = ("/proc", "/sys")
def evil(*args):
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        caught(f"IMPORT {name}")
    for folder, folders, _ in os.walk(ROOT):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in SKIPPED]
        for name in NAMES & set(folders):
            if os.path.exists(f"{folder}/{name}/__init__.py"):
                caught(f"LIBRARY {folder}/{name}")
    return 0
