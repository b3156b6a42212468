"""inotify: which changes are noticed, and that nothing is lost when hints are."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from inotify import calls

from alexa_ip_cam.events.recording import Watcher
from alexa_ip_cam.events.watch import InotifyWatcher


class Heard(list[tuple[str, str]]):
    def __call__(self, camera_id: str, path: Path) -> None:
        self.append((camera_id, path.name))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watcher(heard: Heard) -> Iterator[InotifyWatcher]:
    made = InotifyWatcher(heard)
    checked: Watcher = made  # the protocol that the service knows
    yield made
    checked.close()


@pytest.fixture
def folder(tmp_path: Path, watcher: InotifyWatcher) -> Path:
    path = tmp_path / "drop"
    path.mkdir()
    watcher.watch("porch", [path])
    return path


def test_a_file_that_is_written_and_closed(watcher: InotifyWatcher, folder: Path, heard: Heard) -> None:
    with (folder / "a.mp4").open("wb") as file:
        assert watcher.wait(1) == {"porch"}
        file.write(b"x" * 100_000)
        file.flush()
        assert watcher.wait(0.05) == set()  # what grows is no news
        assert heard == []
    assert watcher.wait(1) == {"porch"}
    assert heard == [("porch", "a.mp4")]


def test_a_file_that_is_moved_in(watcher: InotifyWatcher, folder: Path, heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"x")
    (tmp_path / "b").rename(folder / "b.mp4")
    assert watcher.wait(1) == {"porch"}
    assert heard == [("porch", "b.mp4")]


def test_a_file_that_is_linked_in(watcher: InotifyWatcher, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"x")
    os.link(tmp_path / "c", folder / "c.mp4")
    assert watcher.wait(1) == {"porch"}


def test_a_name_that_is_no_text(watcher: InotifyWatcher, folder: Path, heard: Heard) -> None:
    with open(os.fsencode(folder) + b"/\xff.mp4", "wb"):  # noqa: PTH123 - bytes
        pass
    assert watcher.wait(1) == {"porch"}
    assert heard == [("porch", os.fsdecode(b"\xff.mp4"))]


def test_two_cameras_in_one_directory(watcher: InotifyWatcher, folder: Path) -> None:
    watcher.watch("yard", [folder])
    (folder / "x").touch()
    assert watcher.wait(1) == {"porch", "yard"}
    watcher.watch("porch", [])
    (folder / "y").touch()
    assert watcher.wait(1) == {"yard"}
    watcher.watch("yard", [])
    (folder / "z").touch()
    assert watcher.wait(0.05) == set()


def test_a_directory_that_goes_and_comes_back(watcher: InotifyWatcher, folder: Path) -> None:
    for leave in (folder.rmdir, lambda: folder.rename(folder.with_name("away"))):
        leave()
        assert watcher.wait(1) == {"porch"}
        watcher.watch("porch", [folder])
        folder.mkdir()
        watcher.watch("porch", [folder])
        (folder / "x").touch()
        assert watcher.wait(1) == {"porch"}
        (folder / "x").unlink()
        watcher.wait(0)


def test_lost_hints_are_told_as_news_of_every_camera(watcher: InotifyWatcher, folder: Path, tmp_path: Path) -> None:
    """More than the kernel keeps for one who does not read (fs.inotify.max_queued_events)."""
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    watcher.watch("yard", [quiet])
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    for number in range(most // 2 + 10):
        (folder / str(number)).touch()
    assert watcher.wait(1) == {"porch", "yard"}
    assert watcher.wait(0) == set()


def test_it_can_be_woken(watcher: InotifyWatcher) -> None:
    started = time.monotonic()
    threading.Timer(0.05, watcher.wake).start()
    assert watcher.wait(20) == set()
    assert time.monotonic() - started < 10


def test_without_inotify_it_just_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left() -> int:
        raise calls.InotifyError("none")

    monkeypatch.setattr(calls, "inotify_init", none_left)
    watcher = InotifyWatcher()
    watcher.watch("porch", [tmp_path])
    (tmp_path / "x").touch()
    assert watcher.wait(0.05) == set()
    watcher.close()
    assert "looking again" in caplog.text


def test_a_directory_that_cannot_be_watched_is_told_once(
    watcher: InotifyWatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def used_up(*_: object) -> int:
        raise calls.InotifyError("used up")

    monkeypatch.setattr(calls, "inotify_add_watch", used_up)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    watcher.watch("porch", [tmp_path / "a", tmp_path / "b", tmp_path / "missing"])
    watcher.watch("porch", [tmp_path / "a"])
    assert caplog.text.count("cannot be watched") == 1
