"""When is a file finished that somebody is writing, with nobody to say so?"""

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from alexa_ip_cam.events.mp4_boxes import is_whole
from alexa_ip_cam.events.probe import ProbeError, Video, probe

LOOK_AGAIN_SECONDS = 0.75
"""A file that has not changed for this long is looked into: two looks, a second apart."""

QUIET_SECONDS = 20.0
"""A file that nobody was seen to close, on a network share, and that does not say itself that it is whole, must not
have changed for this long: longer than a camera's upload pauses on a bad link."""

BROKEN_SECONDS = 120.0
"""A file that has not changed for this long is all there will be, whether it can be read or not."""

EMPTY_SECONDS = 3600.0
"""The same for one without a single byte: cameras make the file first and upload when they get to it."""

_PROBE_AGAIN_SECONDS = 5.0

Look = tuple[int, int, int]
"""Inode, bytes and time of change (ns) of a file: another one after every write."""


class State(Enum):
    """What is known of a file."""

    GROWING = "growing"
    SETTLING = "settling"  # a look within a second may tell more
    FINISHED = "finished"


def look_at(path: Path) -> Look:
    """What a file looks like.

    Raises:
        OSError: it is gone, or cannot be asked for.
    """
    about = os.stat(path)  # noqa: PTH116 - one call for all
    return about.st_ino, about.st_size, about.st_mtime_ns


class GrowingFile:
    """One file, from when it is first seen until it is finished.

    Args:
        path: the file.
        clock: a clock that only goes forward, seconds.
        closed_by_name: whether it has its name only since it is finished.
        size: its bytes when it is finished, if its name tells.
        old: whether it was there before we were and has been written long ago. Whoever makes the clip will see what is
            in it: a thousand of these are there when the service starts, and looking into each would take minutes.

    Attributes:
        video: what is in it, once that has been looked into.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        closed_by_name: bool = False,
        size: int | None = None,
        old: bool = False,
    ) -> None:
        self.video: Video | None = None
        self._path = path
        self._clock = clock
        self._closed_by_name = closed_by_name
        self._wanted_size = size
        self._head_start = BROKEN_SECONDS - LOOK_AGAIN_SECONDS if old else 0.0
        self._look: Look | None = None
        self._since = 0.0
        self._next_probe = 0.0

    def state(self, look: Look, closed: Look | None) -> State:
        """Judge the file.

        Args:
            look: what it looks like now.
            closed: what it looked like when somebody was seen to close it, or to move it here; None for never.

        Raises:
            OSError: it cannot be read now.
        """
        now = self._clock()
        if look != self._look:
            if self._look is not None:
                self._head_start = 0.0
            self._look, self._since, self._next_probe, self.video = look, now, 0.0, None
        still = now - self._since + self._head_start
        size = look[1]
        if size == 0:
            return State.FINISHED if now - self._since >= EMPTY_SECONDS else State.GROWING
        if still >= BROKEN_SECONDS:
            return State.FINISHED
        if still < LOOK_AGAIN_SECONDS or self._head_start:
            return State.SETTLING
        if (self._wanted_size is not None and size < self._wanted_size) or not self._can_be_read():
            return State.GROWING
        told = closed == look or self._closed_by_name or size == self._wanted_size
        return State.FINISHED if told or still >= QUIET_SECONDS or is_whole(self._path) else State.GROWING

    def _can_be_read(self) -> bool:
        """Whether ffprobe finds a video in it; asked again from time to time, because the place may be slow to say."""
        now = self._clock()
        if self.video is None and now >= self._next_probe:
            self._next_probe = now + _PROBE_AGAIN_SECONDS
            try:
                self.video = probe(self._path)
            except ProbeError:
                return False
        return self.video is not None
