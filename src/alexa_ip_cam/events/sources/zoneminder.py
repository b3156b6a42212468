"""Events that ZoneMinder records, read from its directories: its database is not needed.

A monitor's directory has a folder for each event, by one of three schemes: ``YY/MM/DD/HH/MM/SS`` (deep),
``YYYY-MM-DD/<id>`` (medium) or ``<id>`` (shallow). In it is the video, ``<id>-video….<ending>``. ZoneMinder 1.36 gives
it that name with its first byte, writes nothing but a header for many seconds, and ends it with an MP4's index of
fragments; later versions write ``incomplete.<ending>`` and give the name by a rename or a second link at the end. The
file was changed last when its last picture was written: its end less its length is the start of the event, to a tenth
of a second. (1.36.33 watched at work; zm_event.cpp of 1.37.)
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexa_ip_cam.events.mp4_boxes import is_whole
from alexa_ip_cam.events.probe import ProbeError, probe
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.dates import first_day, first_moment
from alexa_ip_cam.events.sources.growing import BROKEN_SECONDS, EMPTY_SECONDS, Look, look_at
from alexa_ip_cam.events.sources.local_time import to_utc
from alexa_ip_cam.events.sources.tree import Folder, Tree

_DEEP = re.compile(r"\d\d/\d\d/\d\d/\d\d/\d\d/\d\d")
_MEDIUM = re.compile(r"\d{4}-\d\d-\d\d/\d+")
_SHALLOW = re.compile(r"\d+")
_ON_THE_WAY = re.compile(r"\d{4}-\d\d-\d\d|\d\d(?:/\d\d){0,4}")
_VIDEO = re.compile(r"\d+-video\b[^/]*\.(?:mp4|mkv|webm)")
_INCOMPLETE = re.compile(r"incomplete\.(?:mp4|mkv|webm)")
_HEADER_BYTES = 4096  # no more than that was written: nothing but a header, or an event of pictures alone


class ZoneMinderSource:
    """The events of one monitor.

    Args:
        camera_id: the camera.
        block: its `recordings:` block. `path` is the monitor's directory below ZoneMinder's events.
        clock: a clock that only goes forward, seconds.

    Raises:
        SourceError: the block is wrong.
    """

    def __init__(self, camera_id: str, block: Block, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._camera_id = camera_id
        self._root = block.path()
        self._zone = block.zone()
        self._cause = block.cause() or "motion"
        block.close()
        self._tree = Tree(self._root, self._is_on_the_way, clock=clock)
        self._active: set[Path] = set()
        self._clock = clock
        self._still: dict[Path, tuple[Look, float]] = {}  # unfinished videos, and since when they look so

    def scan(self) -> Iterator[Recording]:
        """Everything that may be new, oldest first; one that is not complete comes again at every scan.

        What is complete counts as taken once the next one is asked for, and comes no more.

        Raises:
            OSError: the directory cannot be read.
        """
        found: list[tuple[Recording, Folder, str]] = []
        for folder in self._tree.walk():
            for name in folder.news():
                relative = f"{folder.relative}/{name}" if folder.relative else name
                if not _is_event(relative):
                    continue
                recording = self._read(relative)
                if recording is None:
                    continue
                if recording.start < first_moment():
                    folder.done.add(name)
                else:
                    found.append((recording, folder, name))
        self._active = {self._root / recording.key for recording, _, _ in found if not recording.complete}
        self._still = {path: seen for path, seen in self._still.items() if path.parent in self._active}
        for recording, folder, name in sorted(found, key=lambda item: item[0].start):
            yield recording
            if recording.complete:
                folder.done.add(name)

    def directories(self) -> Iterable[Path]:
        """The folders in which an event may begin, and those of events that go on."""
        return [*self._tree.hot(), *self._active]

    def unsettled(self) -> bool:
        """Never: ZoneMinder writes or renames something when a video is complete."""
        return False

    def _is_on_the_way(self, relative: str) -> bool:
        if not _ON_THE_WAY.fullmatch(relative):
            return False
        day = relative.replace("-", "").replace("/", "")
        oldest = f"{first_day(self._zone):%Y%m%d}"
        if "-" not in relative:
            oldest = oldest[2:]
        return day[: len(oldest)] >= oldest[: len(day)]

    def _read(self, relative: str) -> Recording | None:
        folder = self._root / relative
        try:
            with os.scandir(folder) as listed:
                entries = list(listed)
            changes = {entry.name: entry.stat().st_mtime for entry in entries if not entry.is_dir()}
        except OSError:
            return None  # gone
        videos = sorted(name for name in changes if _VIDEO.fullmatch(name))
        waiting = [name for name in changes if _INCOMPLETE.fullmatch(name)]
        if not videos and not waiting:
            return None  # just begun, or an event of single pictures
        name = (videos or waiting)[0]
        complete = bool(videos) and not waiting and self._is_finished(folder / name)
        changed = datetime.fromtimestamp(changes[name], UTC)
        start = self._named(relative, changed) or self._guessed(folder / name, changes, changed, complete=complete)
        return Recording(
            self._camera_id,
            relative,
            (folder / name,),
            start,
            max(changed, start) if complete else None,
            self._cause,
            complete,
        )

    def _is_finished(self, path: Path) -> bool:
        """Whether all is there that will be: the file says so, or nobody has written to it for long."""
        try:
            if is_whole(path):
                return True
            look, now = look_at(path), self._clock()
        except OSError:
            return False  # gone, or not to be read now
        before, since = self._still.get(path, (look, now))
        self._still[path] = (look, since if look == before else now)
        longest = BROKEN_SECONDS if look[1] > _HEADER_BYTES else EMPTY_SECONDS
        return now - self._still[path][1] >= longest

    def _named(self, relative: str, changed: datetime) -> datetime | None:
        """The start that the folders of the deep scheme tell."""
        if not _DEEP.fullmatch(relative):
            return None
        try:
            local = datetime.strptime(relative, "%y/%m/%d/%H/%M/%S")  # noqa: DTZ007 - the zone comes next
        except ValueError:
            return None
        return to_utc(local, self._zone, near=changed)

    def _guessed(self, path: Path, changes: dict[str, float], changed: datetime, *, complete: bool) -> datetime:
        """The start as the files tell it: the oldest one while the event goes on, the video's length afterwards."""
        if complete and changed >= first_moment():
            try:
                return changed - timedelta(seconds=probe(path).seconds or 0)
            except (ProbeError, OSError):
                return changed  # whoever makes the clip will say why
        return datetime.fromtimestamp(min(changes.values()), UTC)


def _is_event(relative: str) -> bool:
    return any(scheme.fullmatch(relative) for scheme in (_DEEP, _MEDIUM, _SHALLOW))
