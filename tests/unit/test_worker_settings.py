"""A worker's settings: where they come from, and what a wrong one is told."""

from pathlib import Path

import pytest

from worker import settings
from worker.settings import BadSettings, read_settings, worker_name


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BROKER", "URL", "WORKER_TOKEN", "SLOTS", "QUEUES", "SANDBOX"):
        monkeypatch.delenv(f"GRADER_{name}", raising=False)
    monkeypatch.setenv("GRADER_HOME", str(tmp_path))
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "secrets")
    return tmp_path


def test_the_defaults_are_a_worker_beside_its_grader(home: Path) -> None:
    (home / "worker-token").write_text("beside\n")
    found = read_settings()
    assert (found.url, found.queue_names(), found.sandbox) == ("http://127.0.0.1:8000", ["cpu"], "auto")
    assert found.slots >= 1
    assert found.token() == "beside"


def test_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_QUEUES", "cpu, gpu")
    monkeypatch.setenv("GRADER_URL", "https://grader.example/")
    monkeypatch.setenv("GRADER_WORKER_TOKEN", "set")
    found = read_settings()
    assert (found.queue_names(), found.url, found.token()) == (["cpu", "gpu"], "https://grader.example", "set")


def test_secrets_come_from_files(home: Path) -> None:
    (home / "secrets").mkdir()
    (home / "secrets" / "grader_worker_token").write_text("from a file\n")
    (home / "secrets" / "grader_broker").write_text("redis://broker:6379/0")
    found = read_settings()
    assert (found.token(), found.distant_broker()) == ("from a file", "redis://broker:6379/0")


def test_without_a_token_it_is_told_where_to_get_one() -> None:
    with pytest.raises(BadSettings, match="GRADER_WORKER_TOKEN"):
        read_settings().token()


def test_a_broker_in_memory_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadSettings, match="GRADER_BROKER=redis://"):
        read_settings().distant_broker()


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_SLOTS", "0")
    monkeypatch.setenv("GRADER_QUEUES", "cpu,tpu")
    monkeypatch.setenv("GRADER_URL", "grader:8000")
    with pytest.raises(BadSettings) as caught:
        read_settings()
    assert all(name in str(caught.value) for name in ("GRADER_SLOTS", "GRADER_QUEUES", "GRADER_URL"))


def test_no_two_workers_share_a_name() -> None:
    assert worker_name() != worker_name()
