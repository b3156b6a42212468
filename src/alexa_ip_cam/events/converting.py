"""Has clips made of what was found, a few at a time."""

import logging
import threading
import time
from collections import Counter

from alexa_ip_cam.events.clip import ClipError, ClipMaker
from alexa_ip_cam.events.database import DatabaseError, insist
from alexa_ip_cam.events.outbox import Job, Outbox

_WORKERS = 2
_WAIT_SECONDS = 60.0
_AFTER_TROUBLE_SECONDS = 10.0
_JOIN_SECONDS = 10.0

_log = logging.getLogger(__name__)


class Converter:
    """Threads that make clips.

    Args:
        outbox: who has the recordings.
        maker: who makes the clips.
    """

    def __init__(self, outbox: Outbox, maker: ClipMaker) -> None:
        self.counts: Counter[str] = Counter()
        """``made`` and ``failed`` since the start."""
        self._outbox = outbox
        self._maker = maker
        self._stopping = threading.Event()
        # A clip that takes minutes is made again after a restart; nobody waits for it.
        self._threads = [
            threading.Thread(target=self._run, name=f"convert-{one}", daemon=True) for one in range(_WORKERS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more."""
        self._stopping.set()
        self._outbox.database.notify()
        end = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def alive(self) -> bool:
        """Whether every thread still runs."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        database = self._outbox.database
        while True:
            seen = database.changes
            if self._stopping.is_set():
                return
            try:
                job = self._outbox.next_to_convert()
                again = None if job is not None else self._outbox.convert_again_at()
            except DatabaseError as error:
                _log.error("the recordings cannot be read: %s", error)
                self._stopping.wait(_AFTER_TROUBLE_SECONDS)
                continue
            if job is not None:
                self._convert(job)
            elif again is not None:
                database.wait(seen, min(_WAIT_SECONDS, max(0.05, (again - self._outbox.now()) / 1000)))
            else:
                database.wait(seen, _WAIT_SECONDS)

    def _convert(self, job: Job) -> None:
        recording, began = job.recording, time.monotonic()
        try:
            clip = self._maker.make(recording)
        except ClipError as error:
            self._failed(job, str(error), permanent=error.permanent)
        except Exception:  # noqa: BLE001
            # A fault of ours with one recording must not stop the others.
            _log.exception("%s: a fault of this program with %s", recording.camera_id, recording.key)
            self._failed(job, "a fault of the events service, see its log", permanent=False)
        else:
            insist(lambda: self._outbox.clip_ready(job, clip.media, clip.identity, clip.size), self._stopping)
            self.counts["made"] += 1
            _log.info("%s: clip %s in %.1f s", recording.camera_id, clip.identity, time.monotonic() - began)

    def _failed(self, job: Job, reason: str, *, permanent: bool) -> None:
        recording = job.recording
        insist(lambda: self._outbox.clip_failed(job, reason, permanent=permanent), self._stopping)
        self.counts["failed"] += 1
        how = "no clip is made" if permanent else "no clip yet"
        log = _log.warning if permanent or job.tries == 0 else _log.info
        log("%s: %s of %s: %s", recording.camera_id, how, recording.key, reason)
