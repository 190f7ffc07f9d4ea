"""What a process in vLLM's own environment is started with: one package of ours, and nothing of the worker's."""

import os
from pathlib import Path

#: Nothing but `worker.engine` can be imported of ours: beside this package may lie libraries of other versions.
_BOOT = """\
import runpy, sys, types
worker = types.ModuleType("worker")
worker.__path__ = [sys.argv.pop(1)]
sys.modules["worker"] = worker
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""
#: No network, no statistics sent anywhere, and the engine in the process that we can kill.
_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


def command(python: Path, module: str, *words: str) -> list[str]:
    """Runs `module` of this package as a program with that interpreter."""
    return [str(python), "-c", _BOOT, str(Path(__file__).resolve().parents[1]), module, *words]


def environment(python: Path, gpu: str | None = None, home: Path | None = None) -> dict[str, str]:
    """Nothing of the worker's own environment: it may hold the worker's token.

    `gpu` chooses one, "" is the one that there is, None is the processor. What libraries keep lies in `home`.
    """
    told = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home or python.parent.parent),
        "LANG": "C.UTF-8",
        **_SETTINGS,
    }
    told |= {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "CUDA_HOME") if name in os.environ}
    if home is not None:
        # what is compiled is loaded again: from here, because /tmp may forbid to run anything
        told |= {"TORCHINDUCTOR_CACHE_DIR": str(home / "inductor"), "TRITON_CACHE_DIR": str(home / "triton")}
    if gpu is not None:
        # unset rather than empty: in a container that was given one GPU, or one slice of it, that is the one
        return told | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
    # one thread, and Intel's OpenMP where it is installed: on two cores that is 61 ms a token against 3
    omp = python.parent.parent / "lib" / "libiomp5.so"
    return told | {"OMP_NUM_THREADS": "1"} | ({"LD_PRELOAD": str(omp)} if omp.exists() else {})
