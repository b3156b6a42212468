"""Clips that have to go: oldest first, told of, whatever happens in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.retention import MOST_AT_ONCE, Retention
from alexa_ip_cam.media_id import Media, clip_path, media_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = b"m" * 32


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "events.db", interfaces=["media"], clock=NOW.timestamp)
    yield opened
    opened.close()


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    path = tmp_path / "clips"
    path.mkdir()
    return path


def add(outbox: Outbox, clips: Path, start: datetime, *, camera: str = "porch", size: int = 1000) -> Path:
    """A clip that was made and told."""
    outbox.found(Recording(camera, f"{start}", (Path("/x"),), start, start, "motion", complete=True))
    job = outbox.next_to_convert()
    assert job is not None
    media = Media(camera, start, timedelta(seconds=5), "motion")
    identity = media_id(KEY, media)
    path = clips / clip_path(media, identity).removeprefix("/clips/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    outbox.clip_ready(job, media, identity, size)
    return path


def retention(clips: Path, *, days: float = 30, percent: float = 99) -> Retention:
    return Retention(clips, keep=timedelta(days=days), disk_percent=percent, now=lambda: NOW)


def disk(monkeypatch: pytest.MonkeyPatch, *, total: int, used: int) -> None:
    usage = shutil.disk_usage("/")._replace(total=total, used=used, free=total - used)
    monkeypatch.setattr("alexa_ip_cam.events.retention.shutil.disk_usage", lambda _: usage)


def test_by_age(outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, total=1_000_000, used=0)
    old = [add(outbox, clips, NOW - timedelta(days=31, hours=hours)) for hours in range(3)]
    young = add(outbox, clips, NOW - timedelta(days=29))
    assert retention(clips).run(outbox) == (3, False)
    assert [path.exists() for path in (*old, young)] == [False, False, False, True]
    assert [clip.identity for clip in outbox.clips_by_age()] == [young.stem]
    assert retention(clips).run(outbox) == (0, False)


def test_by_disk_the_oldest_of_all_cameras_go_first(
    outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2500 bytes too many: three clips of 1000."""
    paths = [
        add(outbox, clips, NOW - timedelta(hours=10 - number), camera=("porch", "yard")[number % 2])
        for number in range(6)
    ]
    disk(monkeypatch, total=10_000, used=8_500)
    assert retention(clips, percent=60).run(outbox) == (3, False)
    assert [path.exists() for path in paths] == [False] * 3 + [True] * 3


def test_a_deletion_is_told(outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, total=1_000_000, used=0)
    path = add(outbox, clips, NOW - timedelta(days=40))
    retention(clips).run(outbox)
    with outbox.database.look() as sql:
        rows = sql.execute("SELECT kind, identity FROM messages").fetchall()
    assert [tuple(row) for row in rows] == [("MediaDeleted", path.stem)]


def test_a_clip_that_somebody_deleted_is_told_too(outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, total=1_000_000, used=0)
    add(outbox, clips, NOW - timedelta(days=2)).unlink()
    kept = add(outbox, clips, NOW - timedelta(days=1))
    assert retention(clips).run(outbox) == (1, False)
    assert [clip.identity for clip in outbox.clips_by_age()] == [kept.stem]


def test_when_it_cannot_be_noted_it_is_noted_next_time(
    outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: the file goes first, and that makes room."""
    disk(monkeypatch, total=1_000_000, used=0)
    path = add(outbox, clips, NOW - timedelta(days=40))
    real = outbox.deleted

    def full(identity: str) -> None:
        raise OSError(28, identity)

    monkeypatch.setattr(outbox, "deleted", full)
    with pytest.raises(OSError, match="28"):
        retention(clips).run(outbox)
    assert not path.exists()
    monkeypatch.setattr(outbox, "deleted", real)
    assert retention(clips).run(outbox) == (1, False)


def test_the_work_of_one_run_is_bounded(outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, total=1_000_000, used=0)
    with outbox.batch():
        for number in range(MOST_AT_ONCE + 5):
            add(outbox, clips, NOW - timedelta(days=40, seconds=number), size=1)
    assert retention(clips).run(outbox) == (MOST_AT_ONCE, True)
    assert retention(clips).run(outbox) == (5, False)


def test_empty_folders_of_days_past_go(outbox: Outbox, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, total=1_000_000, used=0)
    path = add(outbox, clips, NOW - timedelta(days=40))
    (clips / "porch/2026-11-22").mkdir(parents=True)
    retention(clips).run(outbox)
    assert not path.parent.exists()
    assert (clips / "porch/2026-11-22").exists()
