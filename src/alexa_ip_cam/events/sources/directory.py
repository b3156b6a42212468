"""A drop folder: where a camera puts its recordings by FTP, SMB or NFS, or where another program writes them."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexa_ip_cam.events.probe import ProbeError, probe
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources.block import Block
from alexa_ip_cam.events.sources.dates import first_day, first_moment
from alexa_ip_cam.events.sources.growing import BROKEN_SECONDS, GrowingFile, Look, State, look_at
from alexa_ip_cam.events.sources.patterns import FOREIGN, LAYOUTS, Named, day_of_folder, read_name
from alexa_ip_cam.events.sources.tree import Folder, Tree

_MOST_CLOSED = 1000  # remembered; older ones are told by other signs

_log = logging.getLogger(__name__)


class DirectorySource:
    """The recordings of one camera.

    Args:
        camera_id: the camera.
        block: its `recordings:` block. `path` is the folder, `layout` how the files are named, `prefix` what a file's
            name must begin with where several cameras share the folder.
        clock: a clock that only goes forward, seconds.

    Raises:
        SourceError: the block is wrong.
    """

    def __init__(self, camera_id: str, block: Block, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._camera_id = camera_id
        self._root = block.path()
        self._layout = LAYOUTS[block.choice("layout", tuple(LAYOUTS))]
        self._zone = block.zone(self._layout.zone)
        self._cause = block.cause()
        self._prefix = block.text("prefix") or ""
        block.close()
        self._clock = clock
        self._tree = Tree(self._root, self._is_of_interest, clock=clock)
        self._growing: dict[str, GrowingFile] = {}
        self._closed: dict[str, Look] = {}
        self._settling = False
        self._is_first = True
        self._told_foreign = False

    def scan(self) -> Iterator[Recording]:
        """Everything that may be new, oldest first; one that is not complete comes again at every scan.

        What is complete counts as taken once the next one is asked for, and comes no more.

        Raises:
            OSError: the folder cannot be read.
        """
        self._settling = False
        found: list[tuple[Recording, Folder, str]] = []
        seen = set()
        for folder in self._tree.walk():
            subfolders = set(folder.folders)
            for name in folder.news():
                if name in subfolders:
                    continue
                path = f"{folder.path}/{name}"
                recording = self._read(folder, name, path)
                if recording is None:
                    self._growing.pop(path, None)
                    folder.done.add(name)
                else:
                    seen.add(path)
                    found.append((recording, folder, name))
        self._is_first = False
        self._growing = {path: file for path, file in self._growing.items() if path in seen}
        for recording, folder, name in sorted(found, key=lambda item: item[0].start):
            yield recording
            if recording.complete:
                folder.done.add(name)
                self._growing.pop(f"{folder.path}/{name}", None)
                self._closed.pop(f"{folder.path}/{name}", None)

    def directories(self) -> Iterable[Path]:
        """The folders in which something new may appear."""
        return self._tree.hot()

    def unsettled(self) -> bool:
        """Whether the last scan saw a file that may just have been finished."""
        return self._settling

    def closed(self, path: Path) -> None:
        """Somebody was seen to close a file that was written, or to move one here."""
        try:
            self._closed[str(path)] = look_at(path)
        except OSError:
            return  # gone again
        while len(self._closed) > _MOST_CLOSED:
            del self._closed[next(iter(self._closed))]

    def _is_of_interest(self, relative: str) -> bool:
        if relative.rpartition("/")[2].startswith("."):
            return False
        day = day_of_folder(relative)
        return day is None or day >= f"{first_day(self._zone):%Y%m%d}"

    def _read(self, folder: Folder, name: str, path: str) -> Recording | None:
        """What a file is; None when it is nothing, now and later."""
        if name.startswith(".") or not name.startswith(self._prefix):
            return None
        relative = f"{folder.relative}/{name}" if folder.relative else name
        if FOREIGN.search(relative):
            self._tell_foreign(relative)
            return None
        if self._layout.pattern.search(relative) is None:
            return None
        try:
            look = look_at(Path(path))
        except OSError:
            return None  # gone, or a link that leads nowhere
        changed = datetime.fromtimestamp(look[2] / 1e9, UTC)
        named = read_name(self._layout, relative, self._zone, near=changed)
        if named is None or (named.start or changed) < first_moment():
            return None
        return self._judge(path, relative, named, look, changed)

    def _judge(self, path: str, relative: str, named: Named, look: Look, changed: datetime) -> Recording:
        file = self._growing.get(path)
        if file is None:
            file = self._growing[path] = GrowingFile(
                Path(path),
                clock=self._clock,
                closed_by_name=self._layout.closed_by_name,
                size=named.size,
                old=self._is_first and time.time() - look[2] / 1e9 > BROKEN_SECONDS,
            )
        try:
            state = file.state(look, self._closed.get(path))
        except OSError as error:
            _log.info("%s: %s cannot be read yet: %s", self._camera_id, relative, error)
            state = State.GROWING
        self._settling |= state is State.SETTLING
        complete = state is State.FINISHED
        start, end = named.start, named.end
        if complete:
            start, end = self._times(file, Path(path), named, changed)
        return Recording(
            camera_id=self._camera_id,
            # A name may have bytes that are no UTF-8, which a database of texts does not take.
            key=os.fsencode(relative).decode("utf-8", "backslashreplace"),
            files=(Path(path),),
            start=start or changed,
            end=end if complete else None,
            cause=self._cause or named.cause or "motion",
            complete=complete,
        )

    def _times(
        self, file: GrowingFile, path: Path, named: Named, changed: datetime
    ) -> tuple[datetime | None, datetime | None]:
        """Start and end of a finished file."""
        if named.start is not None and named.end is not None:
            return named.start, named.end
        video = file.video
        if video is None and named.start is None:
            try:
                video = probe(path)
            except (ProbeError, OSError):
                video = None  # whoever makes the clip will say why
        length = timedelta(seconds=video.seconds) if video is not None and video.seconds else None
        if named.start is None:
            return (changed - length if length else changed), changed
        return named.start, named.start + length if length else None

    def _tell_foreign(self, relative: str) -> None:
        if not self._told_foreign:
            self._told_foreign = True
            _log.error(
                "%s: %s is one of Hikvision's containers, which hold many recordings each and are overwritten in turn; "
                "no clips can be made of them. Let the camera upload its videos by FTP (layout: hikvision)",
                self._camera_id,
                relative,
            )
