"""Taking away what dead owners left, and nothing of the living."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING

import pytest

from sandbox import SandboxError, resources, runs
from sandbox.cache import machines_dir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir()
    monkeypatch.setattr(runs, "STATE", directory)
    monkeypatch.setenv("ALEXA_IP_CAM_CACHE", str(tmp_path / "cache"))
    return directory


def record(state: Path, run: str, *things: tuple[str, str]) -> Path:
    directory = state / run
    directory.mkdir()
    (directory / "lock").touch()
    (directory / "resources").write_text(json.dumps(things))
    return directory


def test_things_of_a_dead_owner_go_last_made_first(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    monkeypatch.setattr(runs, "remove", lambda resource: removed.append(resource.name))
    record(state, "dead", ("directory", "first"), ("mount", "second"), ("cgroup", "third"))
    assert runs.clean() == ["dead"]
    assert removed == ["third", "second", "first"]
    assert runs.clean() == []


def test_a_living_owner_keeps_everything(state: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    directory = record(state, "alive", ("directory", str(mine)))
    with (directory / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert runs.clean() == []
        assert mine.is_dir()
    assert runs.clean() == ["alive"]
    assert not mine.exists()


def test_what_cannot_be_taken_away_stays_recorded(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stuck = tmp_path / "gone", tmp_path / "stuck"
    gone.mkdir()
    stuck.mkdir()
    record(state, "dead", ("directory", str(stuck)), ("directory", str(gone)))
    with monkeypatch.context() as patch:
        patch.setattr(resources, "mounted_below", lambda path: [path / "inner"] if path == stuck else [])
        with pytest.raises(SandboxError, match=f"{stuck} is kept, because {stuck}/inner is still mounted"):
            runs.clean()
    assert not gone.exists()
    assert runs.clean() == ["dead"]
    assert not stuck.exists()


def test_the_last_run_that_forwards_puts_the_hosts_setting_back(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "ip_forward"
    switch.write_text("1")
    monkeypatch.setattr(resources, "IP_FORWARD", switch)
    record(state, "dead", ("forwarding", "0"))
    alive = record(state, "living", ("forwarding", "0"))
    with (alive / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert runs.clean() == ["dead"]
        assert switch.read_text() == "1"
    assert runs.clean() == ["living"]
    assert switch.read_text() == "0"


@pytest.mark.usefixtures("state")
def test_disks_of_machines_from_before_the_hosts_last_boot_go() -> None:
    running = machines_dir() / "aic-1"
    forgotten = machines_dir().parent / "00000000-0000-4000-8000-000000000000" / "aic-2"
    running.mkdir()
    forgotten.mkdir(parents=True)
    runs.clean()
    assert running.is_dir()
    assert not forgotten.parent.exists()


def test_taking_away_what_was_never_made_is_no_error(tmp_path: Path) -> None:
    for kind in ("cgroup", "mount", "directory"):
        resources.remove(resources.Resource(kind, str(tmp_path / "never")))
    resources.remove(resources.Resource("link", "aic-never"))
