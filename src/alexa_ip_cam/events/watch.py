"""Notices at once what is written on this machine: inotify(7).

A hint only. Of what a camera writes to a network share that is mounted here the kernel says nothing, so everything is
found by scans, too.

Of the libraries that Debian packages, python3-inotify gives the kernel's calls as they are. Its own reader is not used:
it drops IN_Q_OVERFLOW and stops at a name that is no UTF-8. python3-watchdog needs two threads for each directory and
holds every event back for half a second, and pyinotify has had no release since 2015.
"""

import contextlib
import logging
import os
import select
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

from inotify import calls
from inotify.constants import (
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE_SELF,
    IN_IGNORED,
    IN_ISDIR,
    IN_MOVE_SELF,
    IN_MOVED_TO,
    IN_ONLYDIR,
    IN_Q_OVERFLOW,
)

_HEADER = struct.Struct("iIII")  # watch descriptor, mask, cookie, bytes of the name that follows
# A rename and a link close nothing: OpenSSH's sftp-server ends an upload with either.
_MASK = IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR
_BUFFER = 65_536

_log = logging.getLogger(__name__)


def _ignore(camera_id: str, path: Path) -> None:
    del camera_id, path


class InotifyWatcher:
    """Watches directories, each for one camera or several.

    Args:
        closed: called, from `wait`, with each file that somebody closed after writing, or moved into a directory.
    """

    def __init__(self, closed: Callable[[str, Path], None] = _ignore) -> None:
        self._closed = closed
        self._wanted: dict[str, frozenset[str]] = {}
        self._watches: dict[str, int] = {}
        self._paths: dict[int, str] = {}
        self._told = False
        self._wakes = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._handle: int | None = None
        try:
            self._handle = calls.inotify_init()
        except calls.InotifyError:
            self._tell("the system has no inotify instance left")
            return
        os.set_inheritable(self._handle, False)
        os.set_blocking(self._handle, False)

    def watch(self, camera_id: str, directories: Iterable[Path]) -> None:
        """Watch these directories, not those below them, for the camera, instead of those given before."""
        before = self._wanted.get(camera_id, frozenset())
        self._wanted[camera_id] = wanted = frozenset(map(str, directories))
        for path in before - wanted:
            if not any(path in others for others in self._wanted.values()):
                self._remove(path)
        for path in wanted:
            self._add(path)

    def wait(self, seconds: float) -> set[str]:
        """The cameras of which something has changed; waits for it as long as given. All, when hints were lost."""
        poll = select.poll()
        poll.register(self._wakes, select.POLLIN)
        if self._handle is not None:
            poll.register(self._handle, select.POLLIN)
        ready = {handle for handle, _ in poll.poll(max(0.0, seconds) * 1000)}
        if self._wakes in ready:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wakes)
        return self._read() if self._handle in ready else set()

    def wake(self) -> None:
        """End a `wait` in another thread at once."""
        os.eventfd_write(self._wakes, 1)

    def close(self) -> None:
        """Watch nothing any more."""
        for handle in (self._handle, self._wakes):
            if handle is not None:
                os.close(handle)
        self._handle = None

    def _read(self) -> set[str]:
        assert self._handle is not None  # noqa: S101 - it was ready
        changed: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._handle, _BUFFER):
                offset = 0
                while offset < len(data):  # the kernel hands out whole events only
                    number, mask, _, length = _HEADER.unpack_from(data, offset)
                    offset += _HEADER.size
                    name = os.fsdecode(data[offset : offset + length].rstrip(b"\0"))
                    offset += length
                    changed |= self._happened(number, mask, name)
        return changed

    def _happened(self, number: int, mask: int, name: str) -> set[str]:
        if mask & IN_Q_OVERFLOW:
            return set(self._wanted)
        path = self._paths.get(number)
        if path is None:
            return set()
        if mask & IN_IGNORED:  # the directory is gone
            del self._paths[number]
            self._watches.pop(path, None)
        elif mask & IN_MOVE_SELF:  # another may come in its place
            self._remove(path)
        cameras = {camera for camera, wanted in self._wanted.items() if path in wanted}
        if name and mask & (IN_CLOSE_WRITE | IN_MOVED_TO) and not mask & IN_ISDIR:
            for camera in cameras:
                self._closed(camera, Path(path) / name)
        return cameras

    def _add(self, path: str) -> None:
        if self._handle is None or path in self._watches or not Path(path).is_dir():
            return
        try:
            number = calls.inotify_add_watch(self._handle, os.fsencode(path), _MASK)
        except calls.InotifyError:
            self._tell(f"{path} cannot be watched; is fs.inotify.max_user_watches used up?")
            return
        # The kernel gives one directory one number, under whatever path.
        self._paths[number] = path
        self._watches[path] = number

    def _remove(self, path: str) -> None:
        number = self._watches.pop(path, None)
        if number is None or self._handle is None:
            return
        self._paths.pop(number, None)
        with contextlib.suppress(calls.InotifyError):  # gone meanwhile
            calls.inotify_rm_watch(self._handle, number)

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            _log.warning("%s; recordings are found by looking again and again", why)
