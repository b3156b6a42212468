"""Which clips have to go: the oldest, when they are too old or their disk is too full."""

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from alexa_ip_cam.media_id import Media, clip_path

MOST_AT_ONCE = 500
"""Clips deleted in one go; the rest is for the next, so that nothing else waits for long."""

_log = logging.getLogger(__name__)


class KeptClip(Protocol):
    """A clip that is kept."""

    @property
    def camera_id(self) -> str:
        """Its camera."""

    @property
    def identity(self) -> str:
        """Its media id."""

    @property
    def start(self) -> datetime:
        """Aware."""


class Clips(Protocol):
    """Who knows of every clip: `outbox.Outbox`."""

    def clips_by_age(self) -> Iterator[KeptClip]:
        """Every clip that is kept, oldest first."""

    def deleted(self, identity: str) -> None:
        """The file is gone: tell whoever knew of it."""


class Outcome(NamedTuple):
    """What was done. `more`: whether there is more to do at once."""

    deleted: int
    more: bool


class Retention:
    """Deletes clips.

    Args:
        directory: the directory of all clips.
        keep: how old a clip may grow.
        disk_percent: how full the disk may be.
        now: the time of day.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keep: timedelta,
        disk_percent: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._keep = keep
        self._disk_percent = disk_percent
        self._now = now

    def run(self, clips: Clips) -> Outcome:
        """Delete what has to go, and tell of it; also of clips that somebody else has deleted.

        The file goes first: on a full disk nothing could be noted down before. A clip whose file is gone and whose
        deletion could not be noted is the oldest again at the next run.

        Raises:
            OSError: a file cannot be deleted.
            DatabaseError: a deletion could not be noted.
        """
        oldest = self._now() - self._keep
        excess = self._excess()
        deleted = 0
        for clip in clips.clips_by_age():
            path = self._path(clip)
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                size = -1
            if size >= 0 and clip.start >= oldest and excess <= 0:
                break
            if deleted >= MOST_AT_ONCE:
                return Outcome(deleted, more=True)
            path.unlink(missing_ok=True)
            excess -= max(size, 0)
            clips.deleted(clip.identity)
            deleted += 1
            _log.info("%s: deleted %s", clip.camera_id, clip.identity)
        self._remove_folders(oldest)
        return Outcome(deleted, more=False)

    def _path(self, clip: KeptClip) -> Path:
        media = Media(clip.camera_id, clip.start, timedelta(), "motion")  # length and cause are not in the path
        return self._directory / clip_path(media, clip.identity).removeprefix("/clips/")

    def _excess(self) -> float:
        """Bytes that the disk is too full by."""
        usage = shutil.disk_usage(self._directory)
        # Not what is kept for root: a disk is full when we cannot write to it any more.
        room = usage.used + usage.free
        return usage.used - room * self._disk_percent / 100

    def _remove_folders(self, oldest: datetime) -> None:
        """Remove the empty folders of days of which no clip will be made any more."""
        last = f"{oldest.astimezone(UTC) - timedelta(days=2):%Y-%m-%d}"
        for folder in self._directory.glob("*/*-*-*"):
            if folder.name < last:
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()
