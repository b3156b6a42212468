"""Recordings that an Axis camera writes itself, to a network share or an SD card (AXIS OS edge storage).

Below the root, ``YYYYMMDD/HH/<recording>/YYYYMMDD_HH/<block>.mkv`` and beside each block an XML file; older firmware
has ``<recording>/0.mkv, 1.mkv`` right below the root, and no XML files beside the blocks. Names are in the camera's
local time and therefore jump by an hour twice a year; the times in the XML files are UTC and count. The folders and XML
files are the truth, `index.db` only fills in what they leave out.
"""

import fnmatch
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources import axis_index, axis_xml
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.dates import first_day, first_moment, hours_ago
from alexa_ip_cam.events.sources.local_time import to_utc
from alexa_ip_cam.events.sources.tree import Folder, Tree

ABANDONED_SECONDS = 600.0
"""A camera writes all the time while it records. One that lost its power never closes what it was writing: after this
long without a change, what is there is all there will be."""

_NAME = re.compile(r"(\d{8}_\d{6})_[0-9A-F]{4}_[0-9A-F]{12}", re.IGNORECASE)
_DAY = re.compile(r"\d{8}")
_HOUR = re.compile(r"\d{8}/\d{2}")
_BLOCK_FOLDER = re.compile(r"\d{8}_\d{2}")
_PAST_HOURS = 3  # one to come to its end, one for the night that has an hour twice, one for clocks that are wrong
_BLOCK_ENDINGS = (".mkv", ".mjpg")
_COMPLETE = "Complete"
_CONTINUOUS = "ACC_Continuous"  # AXIS Camera Station Edge calls these recordings triggered, too

_log = logging.getLogger(__name__)


Look = tuple[tuple[str, int, int], ...]
"""Every file of a recording: path, bytes and time of change (ns). Equal as long as nothing is written."""


class _Block(NamedTuple):
    path: Path
    start: datetime | None
    ended: bool  # by the camera's own word
    order: tuple[int, str]


class _Found(NamedTuple):
    recording: Recording | None
    waiting: bool  # whether another look will tell more


class AxisSource:
    """The recordings of one camera.

    Args:
        camera_id: the camera.
        block: its `recordings:` block. `path` is the directory that holds the folders of the days; `source` takes only
            recordings of that SourceToken, `triggers` only those whose TriggerName matches one of these patterns.
        clock: a clock that only goes forward, seconds.

    Raises:
        SourceError: the block is wrong.
    """

    def __init__(self, camera_id: str, block: Block, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._camera_id = camera_id
        self._root = block.path()
        self._zone: tzinfo = block.zone()
        self._cause = block.cause() or "motion"
        self._source = block.text("source")
        self._triggers = block.texts("triggers")
        block.close()
        self._clock = clock
        self._first_day = self._first_hour = ""
        self._tree = Tree(self._root, self._is_of_interest, rests=self._is_past, clock=clock)
        self._still: dict[str, tuple[Look, float]] = {}  # key: what it looked like, and since when

    def scan(self) -> Iterator[Recording]:
        """Everything that may be new, oldest first; one that is not complete comes again at every scan.

        What is complete counts as taken once the next one is asked for, and comes no more.

        Raises:
            OSError: the root cannot be read.
        """
        since = first_moment()
        self._first_day = f"{first_day(self._zone):%Y%m%d}"
        self._first_hour = f"{hours_ago(_PAST_HOURS, self._zone):%Y%m%d/%H}"
        found: list[tuple[Recording, Folder]] = []
        keys = set()
        for folder in self._tree.walk():
            for name in folder.news():
                if not _NAME.fullmatch(name):
                    continue
                keys.add(name)
                recording, waiting = self._read(Path(folder.path) / name)
                if recording is not None and recording.start >= since:
                    found.append((recording, folder))
                elif not waiting:
                    folder.done.add(name)
        self._still = {key: value for key, value in self._still.items() if key in keys}
        for recording, folder in sorted(found, key=lambda pair: pair[0].start):
            yield recording
            if recording.complete:
                folder.done.add(recording.key)
                self._still.pop(recording.key, None)

    def directories(self) -> Iterable[Path]:
        """The folders of the last days, and those of recordings that are being written."""
        yield from self._tree.hot()
        for key in self._still:
            yield from self._folders_of(key)

    def unsettled(self) -> bool:
        """Never: the camera itself says when a recording is complete."""
        return False

    def _is_of_interest(self, relative: str) -> bool:
        if not (_DAY.fullmatch(relative) or _HOUR.fullmatch(relative)):
            return False
        return relative[:8] >= self._first_day

    def _is_past(self, relative: str) -> bool:
        """Whether a folder is that of an hour so long past that no recording begins in it any more."""
        return bool(_HOUR.fullmatch(relative)) and relative < self._first_hour

    def _folders_of(self, key: str) -> Iterator[Path]:
        for parent in (self._root / key[:8] / key[9:11], self._root):
            folder = parent / key
            if folder.is_dir():
                yield folder
                yield from (Path(entry.path) for entry in _entries(folder) if _BLOCK_FOLDER.fullmatch(entry.name))

    def _read(self, folder: Path) -> _Found:
        key = folder.name
        about = axis_xml.read_recording(folder / "recording.xml")
        if about is not None and not self._is_wanted(about):
            return _Found(None, waiting=False)
        blocks, look = _blocks(folder)
        stop = about.stop if about else None
        ended = bool(blocks) and all(block.ended for block in blocks)
        entry = None if stop and ended else axis_index.look_up(self._root / "index.db", key)
        if entry is not None and entry.removed:
            return _Found(None, waiting=True)
        if entry is not None:
            stop = stop or entry.stop
            ended = ended or (entry.whole and {block.path.stem for block in blocks} == set(entry.blocks))
        abandoned = self._is_abandoned(key, look)
        if not blocks and abandoned:
            return _Found(None, waiting=False)
        complete = (stop is not None and ended) or abandoned
        if about is None and not complete:
            return _Found(None, waiting=True)  # being made, and not yet known to be an event
        known = [about and about.start, entry and entry.start, *(block.start for block in blocks)]
        start = next((moment for moment in known if moment), None) or self._named(key, look)
        if complete and stop is None:
            _log.warning("%s: the camera never closed %s; taking what there is", self._camera_id, key)
        files = tuple(block.path for block in blocks)
        end = stop if complete else None
        return _Found(Recording(self._camera_id, key, files, start, end, self._cause, complete), not complete)

    def _is_wanted(self, about: axis_xml.RecordingXml) -> bool:
        if about.trigger_type == "continuous" or (about.trigger or "").startswith(_CONTINUOUS):
            return False
        if self._source is not None and about.source != self._source:
            return False
        return not self._triggers or any(fnmatch.fnmatchcase(about.trigger or "", one) for one in self._triggers)

    def _named(self, key: str, look: Look) -> datetime:
        """The start that the folder's name tells, to the second."""
        local = datetime.strptime(key[:15], "%Y%m%d_%H%M%S")  # noqa: DTZ007 - the zone comes next
        near = datetime.fromtimestamp(min(changed for _, _, changed in look) / 1e9, UTC) if look else None
        return to_utc(local, self._zone, near=near)

    def _is_abandoned(self, key: str, look: Look) -> bool:
        now = self._clock()
        before, since = self._still.get(key, (None, now))
        if before != look:
            self._still[key] = (look, now)
            return False
        return now - since >= ABANDONED_SECONDS


def _blocks(folder: Path) -> tuple[list[_Block], Look]:
    """The blocks of a recording in their order, and what all its files look like."""
    blocks, look = [], []
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if _BLOCK_FOLDER.fullmatch(entry.name):
                inside = _entries(Path(entry.path))
                look += [_look(one) for one in inside]
                blocks += [_block(Path(one.path), legacy=False) for one in inside if one.name.endswith(_BLOCK_ENDINGS)]
            continue
        look.append(_look(entry))
        if entry.name.endswith(_BLOCK_ENDINGS):
            blocks.append(_block(Path(entry.path), legacy=True))
    if all(block.start for block in blocks):
        blocks.sort(key=lambda block: (block.start or datetime.max.replace(tzinfo=UTC), block.order))
    else:
        blocks.sort(key=lambda block: block.order)
    return blocks, tuple(sorted(look))


def _block(path: Path, *, legacy: bool) -> _Block:
    # Old firmware counts its blocks and writes no file beside them: recording.xml alone says that they are finished.
    number = int(path.stem) if legacy and path.stem.isdecimal() else 0
    about = axis_xml.read_block(path.with_suffix(".xml"))
    try:
        holds_something = path.stat().st_size > 0
    except OSError:
        holds_something = False
    ended = legacy if about is None else about.status == _COMPLETE and about.stop is not None
    return _Block(path, about and about.start, ended and holds_something, (number, str(path)))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing when it is gone."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _look(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return entry.path, -1, 0
    return entry.path, about.st_size, about.st_mtime_ns
