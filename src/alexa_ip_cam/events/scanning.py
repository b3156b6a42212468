"""Looks for recordings: at once when a directory changes, and all over from time to time."""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from alexa_ip_cam.events.database import DatabaseError
from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.recording import NoticesClosing, Recording, Source, Watcher

SourceMaker = Callable[[], Source]
WatcherMaker = Callable[[Callable[[str, Path], None]], Watcher]

_AGAIN_SECONDS = 0.3  # until the next look at a file that may just have been finished
_AFTER_TROUBLE_SECONDS = 10.0
_BATCH = 100  # recordings per step on disk
_BATCH_SECONDS = 0.2
_JOIN_SECONDS = 5.0  # a dead network share holds a thread for longer; it is left to its fate

_log = logging.getLogger(__name__)


class Scanner:
    """Looks after all cameras, one thread for each, so that a share that hangs holds up no other camera.

    Args:
        outbox: who is told of what is found.
        sources: what makes each camera's source, by its id.
        watcher: makes the watcher; it is given what to call for each file that is closed.
        rescan_seconds: how often to look all over.
    """

    def __init__(
        self, outbox: Outbox, sources: dict[str, SourceMaker], watcher: WatcherMaker, rescan_seconds: float
    ) -> None:
        self._stopping = threading.Event()
        self._watcher = watcher(self._closed)
        self._requests: queue.SimpleQueue[tuple[str, list[Path]]] = queue.SimpleQueue()
        self._cameras = {
            name: _Camera(name, make, outbox, watch=self._watch, stopping=self._stopping, rescan_seconds=rescan_seconds)
            for name, make in sources.items()
        }
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        for camera in self._cameras.values():
            camera.thread.start()

    def stop(self) -> None:
        """End, without waiting for shares that do not answer."""
        self._stopping.set()
        self._watcher.wake()
        for camera in self._cameras.values():
            camera.look.set()
        end = time.monotonic() + _JOIN_SECONDS
        for thread in (self._thread, *(camera.thread for camera in self._cameras.values())):
            thread.join(max(0.0, end - time.monotonic()))
        if not self._thread.is_alive():
            self._watcher.close()

    def alive(self) -> bool:
        """Whether every thread still runs."""
        return self._thread.is_alive() and all(camera.thread.is_alive() for camera in self._cameras.values())

    def troubles(self) -> dict[str, str]:
        """What keeps a camera's recordings from being found, by camera."""
        return {name: camera.trouble for name, camera in self._cameras.items() if camera.trouble}

    def _watch(self, camera_id: str, directories: list[Path]) -> None:
        self._requests.put((camera_id, directories))
        self._watcher.wake()

    def _closed(self, camera_id: str, path: Path) -> None:
        self._cameras[camera_id].closed(path)

    def _listen(self) -> None:
        # The watcher is used by this thread alone.
        while not self._stopping.is_set():
            changed = self._watcher.wait(60.0)
            with contextlib.suppress(queue.Empty):
                while True:
                    camera_id, directories = self._requests.get_nowait()
                    self._watcher.watch(camera_id, directories)
                    changed.add(camera_id)  # what came between the look and the watch
            for camera_id in changed:
                self._cameras[camera_id].look.set()


class _Camera:
    """One camera's thread."""

    def __init__(
        self,
        camera_id: str,
        make: SourceMaker,
        outbox: Outbox,
        *,
        watch: Callable[[str, list[Path]], None],
        stopping: threading.Event,
        rescan_seconds: float,
    ) -> None:
        self.look = threading.Event()
        self.trouble = ""
        self.thread = threading.Thread(target=self._run, name=f"scan-{camera_id}", daemon=True)
        self._camera_id = camera_id
        self._make = make
        self._outbox = outbox
        self._watch = watch
        self._stopping = stopping
        self._rescan_seconds = rescan_seconds
        self._source = make()
        self._watched: set[Path] = set()

    def closed(self, path: Path) -> None:
        """A file was closed."""
        if isinstance(self._source, NoticesClosing):
            self._source.closed(path)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look.clear()
            wait = self._scan()
            self.look.wait(wait)

    def _scan(self) -> float:
        """Look once; in how many seconds to look again at the latest."""
        try:
            self._take(self._source.scan())
            directories = set(self._source.directories())
        except OSError as error:
            return self._troubled(str(error))
        except Exception as error:  # noqa: BLE001
            # What it has handed out it believes to be taken down: another one looks at everything again.
            self._source, self._watched = self._make(), set()
            if isinstance(error, DatabaseError):
                return self._troubled(str(error))
            _log.exception("%s: a fault of this program", self._camera_id)
            return self._troubled("a fault of the events service, see its log")
        self.trouble = ""
        if directories != self._watched:
            self._watched = directories
            self._watch(self._camera_id, list(directories))
        return _AGAIN_SECONDS if self._source.unsettled() else self._rescan_seconds

    def _troubled(self, reason: str) -> float:
        if reason != self.trouble:
            _log.warning("%s: recordings cannot be looked for: %s", self._camera_id, reason)
        self.trouble = reason
        return _AFTER_TROUBLE_SECONDS

    def _take(self, recordings: Iterable[Recording]) -> None:
        batch: list[Recording] = []
        began = time.monotonic()
        for recording in recordings:
            batch.append(recording)
            if len(batch) >= _BATCH or time.monotonic() - began > _BATCH_SECONDS:
                self._keep(batch)
                batch, began = [], time.monotonic()
                if self._stopping.is_set():
                    return
        self._keep(batch)

    def _keep(self, batch: list[Recording]) -> None:
        with self._outbox.batch():
            news = [recording for recording in batch if self._outbox.found(recording)]
        for recording in news:
            what = "found" if recording.complete else "being recorded"
            _log.info("%s: %s %s (%s)", recording.camera_id, what, recording.key, recording.cause)
