"""The player's queue of one track, and how much it thinks is buffered."""

from collections import deque

from simulators.echo.player.parameters import Mode
from simulators.echo.player.timeline import Timed


class TrackBuffer:
    """Access units waiting for the decoder. ``ended``: the server said goodbye."""

    def __init__(self, mode: Mode) -> None:
        self.ended = False
        self._mode = mode
        self._queue: deque[Timed] = deque()
        self._newest_in: float | None = None
        self._newest_out: float | None = None

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def seconds(self) -> float:
        """Buffered media: 7.1 counts from the newest taken out to the newest put in, 5.1 what lies in the queue."""
        if self._mode is Mode.ANDROID_5:
            times = [timed.t for timed in (self._queue[0], self._queue[-1])] if self._queue else [0.0]
            return max(times) - min(times)
        if self._newest_in is None or self._newest_out is None:
            return 0.0
        return round(self._newest_in - self._newest_out, 6)

    def push(self, timed: Timed) -> None:
        """Put an access unit in."""
        self._queue.append(timed)
        self._newest_in = timed.t if self._newest_in is None else max(self._newest_in, timed.t)
        if self._newest_out is None:
            self._newest_out = timed.t

    def pop(self) -> Timed:
        """Take the oldest out."""
        timed = self._queue.popleft()
        assert self._newest_out is not None
        self._newest_out = max(self._newest_out, timed.t)
        return timed
