"""Decoder and renderer: what is inside the pipeline, the clock, what is shown and what comes too late."""

from collections import deque

from simulators.echo.player.parameters import Parameters
from simulators.echo.player.timeline import Timed

NEVER = float("inf")


class Clock:
    """Media time against real time; stands while paused."""

    def __init__(self) -> None:
        self.anchor: tuple[float, float] | None = None

    def due(self, media: float) -> float:
        """When ``media`` is to be shown. The clock must be anchored."""
        assert self.anchor is not None
        return self.anchor[1] + media - self.anchor[0]

    def resume(self, paused_at: float, now: float) -> None:
        """The pause that began at ``paused_at`` ends; an anchor set during it stood from its own moment on."""
        if self.anchor is not None:
            media, real = self.anchor
            self.anchor = (media, real + now - max(paused_at, real))


class VideoPipeline:
    """Takes access units from the buffer, decodes one after the other, shows them when they are due."""

    def __init__(self, parameters: Parameters, clock: Clock) -> None:
        self.late = 0
        self.discarded = 0
        self._parameters = parameters
        self._clock = clock
        self._frames: deque[tuple[float, Timed]] = deque()
        self._decoded_at = 0.0
        self._gate_open = not parameters.idr_gate
        self._shown_any = False

    @property
    def has_room(self) -> bool:
        """The decoder has an empty input buffer, so it asks for more."""
        return len(self._frames) < self._parameters.pipeline_frames

    def put(self, now: float, timed: Timed) -> None:
        """Hand an access unit to the decoder."""
        self._decoded_at = max(self._decoded_at, now) + self._parameters.decode_s
        self._gate_open = self._gate_open or timed.unit.idr
        if self._gate_open:
            self._frames.append((self._decoded_at, timed))
        else:
            self.discarded += 1

    def next_at(self, *, paused: bool) -> float:
        """When something is to be shown or thrown away next. The very first picture is shown while paused too."""
        if not self._frames or (paused and self._shown_any):
            return NEVER
        ready, timed = self._frames[0]
        if self._clock.anchor is None or not self._shown_any:
            return ready
        return max(ready, self._clock.due(timed.t))

    def show(self, now: float) -> Timed | None:
        """Take the first picture out; None when it is too late to be shown."""
        _, timed = self._frames.popleft()
        if self._clock.anchor is None:
            self._clock.anchor = (timed.t, now)
        if self._shown_any and now - self._clock.due(timed.t) > self._parameters.late_s:
            self.late += 1
            return None
        self._shown_any = True
        return timed


class AudioSink:
    """Sound that waits to be heard; while it plays it leads the clock."""

    def __init__(self, parameters: Parameters, clock: Clock) -> None:
        self._room_s = parameters.audio_sink_s
        self._clock = clock
        self._pieces: deque[tuple[float, float]] = deque()
        self._inside_s = 0.0
        self._head_ends: float | None = None

    @property
    def has_room(self) -> bool:
        """It asks for more."""
        return self._inside_s < self._room_s

    def put(self, now: float, media: float, seconds: float) -> None:
        """Add a piece of sound of ``seconds`` at media time ``media``."""
        self._pieces.append((media, seconds))
        self._inside_s += seconds
        if self._head_ends is None:
            self._play_head(now)

    def next_at(self, *, paused: bool) -> float:
        """When the piece that plays ends."""
        return NEVER if paused or self._head_ends is None else self._head_ends

    def step(self, now: float) -> None:
        """The piece that plays has ended."""
        self._inside_s -= self._pieces.popleft()[1]
        if self._pieces:
            self._play_head(now)
        else:
            self._head_ends, self._inside_s = None, 0.0

    def shift(self, seconds: float) -> None:
        """A pause of so many seconds has ended."""
        if self._head_ends is not None:
            self._head_ends += seconds

    def _play_head(self, now: float) -> None:
        media, seconds = self._pieces[0]
        self._clock.anchor = (media, now)
        self._head_ends = now + seconds
