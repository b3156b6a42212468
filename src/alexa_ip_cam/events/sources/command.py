"""Recordings that another program announces with `alexa-ip-cam-event`."""

import logging
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexa_ip_cam.events import announcement
from alexa_ip_cam.events.announcement import ENDING, Announcement, AnnouncementError
from alexa_ip_cam.events.probe import ProbeError, probe
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources.block import Block

REFUSED = ".refused"

_log = logging.getLogger(__name__)


class CommandSource:
    """What was announced of one camera.

    Args:
        camera_id: the camera.
        block: its `recordings:` block. `path` is its directory, below `announcement.SPOOL` when left out.

    Raises:
        SourceError: the block is wrong.
    """

    def __init__(self, camera_id: str, block: Block) -> None:
        self._camera_id = camera_id
        self._root = block.path(announcement.SPOOL / camera_id)
        block.close()
        self._taken: list[Path] = []
        self._told: set[str] = set()  # announcements that cannot be read

    def scan(self) -> Iterator[Recording]:
        """Everything that was announced, oldest first.

        An announcement is removed at the scan after the one that was walked to its end: by then it has been noted down.

        Raises:
            OSError: the directory cannot be read.
        """
        while self._taken:
            self._taken.pop().unlink(missing_ok=True)
        with os.scandir(self._root) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(ENDING))
        self._told.intersection_update(names)
        found = []
        for name in names:
            path = self._root / name
            try:
                found.append((self._recording(announcement.read(path)), path))
            except AnnouncementError as error:
                _log.error("%s: %s is refused: %s", self._camera_id, path, error)
                path.rename(path.with_suffix(REFUSED))
            except OSError as error:
                if name not in self._told:
                    _log.error("%s: %s cannot be read: %s", self._camera_id, path, error.strerror)
                self._told.add(name)
        for recording, _ in sorted(found, key=lambda item: item[0].start):
            yield recording
        self._taken = [path for _, path in found]

    def directories(self) -> Iterable[Path]:
        """The camera's directory."""
        return [self._root]

    def unsettled(self) -> bool:
        """Whether announcements of the last scan are still to be removed."""
        return bool(self._taken)

    def _recording(self, said: Announcement) -> Recording:
        changed = datetime.fromtimestamp(said.changed / 1e9, UTC)
        seconds = said.length
        if seconds is None:
            try:
                seconds = probe(Path(said.file)).seconds
            except (ProbeError, OSError):
                seconds = None  # whoever makes the clip will say why
        length = timedelta(seconds=seconds or 0)
        start = said.start or changed - length
        return Recording(
            camera_id=self._camera_id,
            # Recorders use a name again and hooks are run again: it is the same recording while nobody has written.
            key=f"{os.fsencode(said.file).decode('utf-8', 'backslashreplace')}#{said.changed}",
            files=(Path(said.file),),
            start=start,
            end=start + length if seconds else None,
            cause=said.cause,
            complete=True,
            pressed=said.pressed,
        )
