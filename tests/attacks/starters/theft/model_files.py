"""Looks for the files of a model: weights, tokenizers, caches of hubs and compilers.

Promise: C2
Lab: target-2
Tests: all
"""

ROOT = "/"
ENDS = (".safetensors", ".gguf", ".ggml", ".ckpt", ".onnx")
NAMES = {"tokenizer.json", "tokenizer.model", "model.safetensors.index.json", "generation_config.json"}
SKIPPED = ("/proc", "/sys")
def evil(*args):
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in SKIPPED]
        found = [name for name in files if name.endswith(ENDS) or name in NAMES]
        found += [name for name in folders if name.startswith(("models--", "torch_compile_cache"))]
        if found:
            caught(f"MODEL {folder} {found[:3]}")
    return 0
