"""A viewer that opens the same URL again as soon as it is cut off, and notes when pictures came."""

from __future__ import annotations

import contextlib
import itertools
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from benchmarks.direct import Way
from benchmarks.viewer import RefusedError, Viewer, view
from home import Home

_PAUSE_S = 0.1
_PATIENCE_S = 2.0


class PatientViewer:
    """A context manager; watches from entering to leaving. ``cuts``: how often it was cut off or refused."""

    def __init__(self, home: Home, way: Way) -> None:
        self._home = home
        self._way = way
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.times: list[float] = []
        self.cuts = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_picture(self, patience: float = 30.0) -> None:
        """Wait for the next picture. Raises TimeoutError."""
        before, deadline = len(self.times), time.monotonic() + patience
        while len(self.times) == before:
            if time.monotonic() > deadline:
                raise TimeoutError("no picture comes")
            time.sleep(0.05)

    @property
    def longest_gap(self) -> float:
        """Seconds between two pictures, at most."""
        return max(later - earlier for earlier, later in itertools.pairwise(self.times))

    def _watch(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError, RefusedError, ValueError):
                viewer = view(self._way, address=self._home.appliance.address, roots_pem=self._home.roots_pem)
                try:
                    self._read(viewer)
                finally:
                    viewer.close()
            if not self._stop.is_set():
                self.cuts += 1
                time.sleep(_PAUSE_S)

    def _read(self, viewer: Viewer) -> None:
        viewer.sock.settimeout(_PATIENCE_S)
        known = 0
        while not self._stop.is_set():
            with contextlib.suppress(ssl.SSLWantReadError):
                data = viewer.sock.recv(1 << 16)
                if not data:
                    return
                viewer.take(data, time.time())
                viewer.keep_alive(time.time())
            frames = viewer.marks.frames
            self.times += [frame.at for frame in list(frames)[known:]]
            known = len(frames)
