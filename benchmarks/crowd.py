"""Reads for many viewers in one thread, so that the machine's two or four cores are left to the appliance."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import ssl
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from benchmarks.viewer import Viewer

_CHUNK = 1 << 16
_SLOW_CHUNK = 4096
_MOST_AT_ONCE = 1 << 18
_LONGEST_WAIT_S = 0.05


class Crowd:
    """A context manager that runs the thread; all viewers are closed at its end.

    ``cpu_s``: processor seconds that reading has taken so far.
    """

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self.cpu_s = 0.0
        self._new: deque[Viewer] = deque()
        self._leaving: deque[Viewer] = deque()
        self._selector = selectors.DefaultSelector()
        self._waiting: list[tuple[float, int, Viewer]] = []
        self._order = itertools.count()
        self._look_at = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="crowd", daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        for viewer in self.viewers:
            viewer.close()
        self._selector.close()
        if self._error is not None and error is None:
            raise self._error

    def add(self, viewer: Viewer) -> Viewer:
        """Read for ``viewer`` from now on."""
        viewer.sock.setblocking(False)
        self.viewers.append(viewer)
        self._new.append(viewer)
        return viewer

    def drop(self, viewer: Viewer) -> None:
        """Close ``viewer``, as a device that is switched off."""
        self._leaving.append(viewer)

    @property
    def open(self) -> list[Viewer]:
        """Those whose server has not hung up."""
        return [viewer for viewer in self.viewers if viewer.closed_at is None]

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                self._turn()
        except BaseException as error:  # noqa: BLE001 - raised again where the crowd ends
            self._error = error

    def _turn(self) -> None:
        while self._new:
            self._read(self._new.popleft())
        while self._leaving:
            leaving = self._leaving.popleft()
            self._end(leaving)
            leaving.close()
        now = time.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._read(heapq.heappop(self._waiting)[2])
        wait = min(_LONGEST_WAIT_S, self._waiting[0][0] - now) if self._waiting else _LONGEST_WAIT_S
        for key, _ in self._selector.select(max(0.0, wait)):
            self._read(key.data)
        if now >= self._look_at:
            self._look_at = now + 1.0
            self.cpu_s = time.thread_time()
            for viewer in self.open:
                viewer.keep_alive(now)

    def _read(self, viewer: Viewer) -> None:
        """Read what there is, or as much as the viewer's rate allows, and see to it that reading goes on."""
        if viewer.closed_at is not None:
            return
        if viewer.rate == 0:
            self._wait(viewer, time.time() + _LONGEST_WAIT_S)
            return
        chunk = _CHUNK if viewer.rate is None else _SLOW_CHUNK
        taken = 0
        try:
            while taken < _MOST_AT_ONCE:
                data = viewer.sock.recv(chunk)
                if not data:
                    self._end(viewer)
                    return
                taken += len(data)
                viewer.take(data, time.time())
                if viewer.rate is not None:
                    self._wait(viewer, time.time() + len(data) / viewer.rate)
                    return
        except ssl.SSLWantReadError:
            self._watch(viewer)
            return
        except OSError:
            self._end(viewer)
            return
        self._wait(viewer, 0.0)  # there may be more inside TLS, where the selector does not see it

    def _watch(self, viewer: Viewer) -> None:
        with contextlib.suppress(KeyError):
            self._selector.register(viewer.sock, selectors.EVENT_READ, viewer)

    def _wait(self, viewer: Viewer, until: float) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(viewer.sock)
        heapq.heappush(self._waiting, (until, next(self._order), viewer))

    def _end(self, viewer: Viewer) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(viewer.sock)
        viewer.closed_at = time.time()
