"""Models, GPUs and the doctor's look at both: what is wrong is told in words that say what to change."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from worker.engine import checkup, models, weights
from worker.engine.environment import command, environment
from worker.engine.errors import EngineError
from worker.engine.gpu import Gpu
from worker.engine.models import Place
from worker.engine.profiles import MOUNTED, PROFILES

LLAMA = PROFILES["llama3-8b-gpu"]
PYTHON = Path(sys.executable)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """What an operator mounts: two folders, each with its sums."""
    for name in MOUNTED[LLAMA.name]:
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(name.encode())
        files = ("config.json", "model.safetensors")
        sums = [f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}\n" for file in files]
        (folder / weights.SUMS).write_text("".join(sums))
    return tmp_path / "models"


def place(tmp_path: Path, mounted: Path | None = None) -> Place:
    return Place(PYTHON, tmp_path / "home", mounted)


def test_mounted_models_are_what_their_sums_say(tmp_path: Path, mounted: Path) -> None:
    found = models.find(LLAMA, place(tmp_path, mounted))
    first = hashlib.sha256(MOUNTED[LLAMA.name][0].encode()).hexdigest()[:12]
    assert (found.target, found.names["target"]) == (mounted / MOUNTED[LLAMA.name][0], first)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_changed_file_is_named(tmp_path: Path, mounted: Path, file: str) -> None:
    (mounted / MOUNTED[LLAMA.name][1] / file).write_bytes(b"another")
    with pytest.raises(EngineError, match=file):
        models.find(LLAMA, place(tmp_path, mounted))


def test_a_file_without_a_sum_or_a_sum_without_a_file_is_named(tmp_path: Path, mounted: Path) -> None:
    folder = mounted / MOUNTED[LLAMA.name][0]
    (folder / "more.safetensors").write_bytes(b"more")
    with pytest.raises(EngineError, match=r"more\.safetensors"):
        models.find(LLAMA, place(tmp_path, mounted))
    (folder / "more.safetensors").unlink()
    with (folder / weights.SUMS).open("a") as sums:
        sums.write(f"{'0' * 64}  gone.safetensors\n")
    with pytest.raises(EngineError, match=r"gone\.safetensors"):
        models.find(LLAMA, place(tmp_path, mounted))


def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path, mounted: Path) -> None:
    with pytest.raises(EngineError, match="GRADER_MODELS"):
        models.find(LLAMA, place(tmp_path))
    (mounted / MOUNTED[LLAMA.name][0] / weights.SUMS).unlink()
    with pytest.raises(EngineError, match="sha256sum"):
        models.find(LLAMA, place(tmp_path, mounted))
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError, match="no weights"):
        weights.digests(tmp_path / "empty")
    with pytest.raises(EngineError, match="cannot be read"):
        weights.digests(tmp_path / "nowhere")


def test_several_files_of_weights_have_one_name(tmp_path: Path) -> None:
    digests = {"a.safetensors": "1" * 64, "b.safetensors": "2" * 64, "config.json": "3" * 64}
    name = weights.short(digests)
    assert len(name) == 12
    assert name == weights.short({**digests, "config.json": "4" * 64})
    assert name != weights.short({**digests, "b.safetensors": "4" * 64})


def test_a_model_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with pytest.raises(EngineError, match="inflated model could not be made"):
        models.find(PROFILES["inflated-cpu"], Place(Path("/bin/false"), home))
    assert list(home.iterdir()) == []


def test_an_engines_process_sees_this_package_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GRADER_WORKER_TOKEN", "secret")
    told = environment(PYTHON, "1", tmp_path)
    assert (told["CUDA_VISIBLE_DEVICES"], told["HOME"]) == ("1", str(tmp_path))
    assert "CUDA_VISIBLE_DEVICES" not in environment(PYTHON, "")
    assert not any("PYTHONPATH" in name or "GRADER" in name or "secret" in value for name, value in told.items())
    assert command(PYTHON, "worker.engine.running")[-1] == "worker.engine.running"


class Smi:
    """nvidia-smi that says this of its GPUs."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def __call__(self, words: Sequence[str]) -> str:
        return "".join(f"{line}\n" for line in self._lines) if words[0].startswith("--query-gpu") else ""


FIRST, SECOND = "0, GPU-aa, NVIDIA A100, 40960, 12", "1, GPU-bb, NVIDIA A100, 40960, 3000"


def test_a_gpu_is_chosen_by_index_or_uuid_or_is_the_only_one() -> None:
    assert Gpu("", Smi(FIRST)).seen().uuid == "GPU-aa"
    assert Gpu("1", Smi(FIRST, SECOND)).seen().uuid == "GPU-bb"
    assert Gpu("GPU-aa", Smi(FIRST, SECOND)).seen().index == "0"
    for chosen, lines in (("", (FIRST, SECOND)), ("2", (FIRST, SECOND)), ("", ())):
        with pytest.raises(EngineError, match="chooses none"):
            Gpu(chosen, Smi(*lines)).seen()


def test_a_slice_that_does_not_tell_its_memory_is_taken_at_its_word() -> None:
    Gpu("", Smi("0, MIG-cc, NVIDIA A100, 40960, [N/A]")).check()


def test_a_gpu_in_use_and_a_driver_that_speaks_strangely_are_told() -> None:
    with pytest.raises(EngineError, match=r"3000 MiB .* cannot be seen"):
        Gpu("1", Smi(FIRST, SECOND)).check()
    with pytest.raises(EngineError, match="nobody understands"):
        Gpu("", Smi("No devices were found")).seen()


def test_without_a_driver_that_is_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match="no nvidia-smi"):
        Gpu("").seen()


def test_the_doctor_tells_each_thing(tmp_path: Path, mounted: Path) -> None:
    found = {one.what: one for one in checkup.examine(LLAMA, place(tmp_path, mounted), Gpu("", Smi(FIRST)))}
    assert list(found) == ["vLLM", "GPU", "models", "folder"]
    assert not found["vLLM"].works
    assert "cannot import vllm" in found["vLLM"].seen
    assert "GRADER_ENGINE_PYTHON" in found["vLLM"].fix
    assert (found["GPU"].works, found["models"].works, found["folder"].works) == (True, True, True)
    assert "12 of 40960 MiB" in found["GPU"].seen
    assert list((tmp_path / "home" / "leases").iterdir()) == []


def test_the_doctor_names_a_missing_interpreter_and_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = {
        one.what: one for one in checkup.examine(PROFILES["tiny-cpu"], Place(Path("/no/python"), tmp_path / "file"))
    }
    assert "/no/python" in found["vLLM"].seen
    assert not found["folder"].works
    assert found["models"].works
