"""What one viewer is sent, and when: its start, its queue, and how it gets back when it has fallen behind."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.pacing import Pacing
from alexa_ip_cam.gateway.ring import Ring
from alexa_ip_cam.gateway.timeline import History, Timeline, history_start, squeezed_start
from alexa_ip_cam.gateway.track import Track

_REPORT_SECONDS = 5.0
_FRESH = 1.0  # seconds: what a viewer resumes with is not older
_GAP = 2.0  # seconds without pictures that are a fault of the camera, not a slow one
_IN_FLIGHT = 384 << 10  # bytes that sockets and the TLS proxy hold when the player reads no more
_IN_FLIGHT_SECONDS = 2.5  # of media at most: before that the player has not been starved yet
_BATCH = 64 << 10  # bytes joined into one write while a backlog is handed over


class Source(Protocol):
    """What a viewer needs of its camera."""

    ring: Ring
    first_picture_seconds: deque[float]  # from PLAY until the first keyframe was handed over, latest last
    cuts: int  # times a viewer fell so far behind that pictures were left out

    @property
    def interval(self) -> float:
        """Seconds between pictures, lately."""


@dataclass(frozen=True, slots=True)
class ViewerSettings:
    """How a viewer is started, and the bounds of its queue in seconds and bytes."""

    squeezed: bool
    history: History
    queue_seconds: float
    queue_bytes: int


class Viewer:
    """The media of one viewer.

    Args:
        source: its camera.
        tracks: what it has set up; with sound, nothing is re-timed.
        settings: how it starts.
        write: hands bytes to the connection, which calls `block` when it takes no more.
    """

    def __init__(
        self, source: Source, tracks: list[Track], settings: ViewerSettings, write: Callable[[bytes], None]
    ) -> None:
        self.tracks = tracks
        self.blocked = False
        self.paused = False
        self._source = source
        self._settings = settings
        self._write = write
        self._by_kind = {track.video: track for track in tracks}
        self._video = self._by_kind.get(True)
        self._sound = self._by_kind.get(False)
        self._retime = self._sound is None and not settings.squeezed
        self._timeline: Timeline | None = None
        self._pacing: Pacing | None = None
        self._queue: deque[Unit] = deque()
        self._queued = 0
        self._allowance = settings.queue_seconds
        self._waiting = True  # for a keyframe
        self._latest_sound = 0.0  # capture time of the newest sound handed over
        self._zero = 0.0  # Unix time at 0 on the timeline
        self._written = 0  # bytes of media
        self._on_the_way: deque[tuple[int, float]] = deque()  # bytes written, and the latest time among them
        self._asked: float | None = None  # when PLAY was asked for, until the first picture was handed over
        self._next_report = 0.0

    def start(self, answer: bytes, now: float) -> None:
        """Write PLAY's answer, a sender report per track, and the start, in this order (docs/gateway.md)."""
        self._asked, self._next_report = time.monotonic(), now + _REPORT_SECONDS
        ring = self._source.ring
        keyframes = ring.keyframes() if self._video else []
        edge = ring.edge if ring.edge is not None else now
        self._zero = time.time() - (edge - keyframes[0].capture if keyframes else 0.0)
        self._write(answer + b"".join(track.report(self._zero, 0.0) for track in self.tracks))
        if self._video is None:
            self._timeline, self._waiting, self._latest_sound = Timeline(edge, edge, None), False, edge
        elif keyframes:
            self._begin(now)

    def offer(self, unit: Unit, now: float) -> None:
        """Take a unit that has just arrived (it is in the ring already)."""
        if self.paused:
            return
        if self._waiting:
            if unit.keyframe and not self.blocked:
                if self._timeline is None:
                    self._begin(now)
                else:
                    self._resume(unit, now)
            return
        if unit.video not in self._by_kind:
            return
        self._enqueue((unit,))
        if not self.blocked:
            self._drain(now)
        elif unit.capture - self._queue[0].capture > self._allowance or self._queued > self._settings.queue_bytes:
            self._source.cuts += 1
            self._leave_out()

    def block(self) -> None:
        """The connection takes no more."""
        self.blocked = True
        if self._pacing and self._on_the_way:
            latest = self._on_the_way[-1][1]
            self._pacing.take_back(max(self._on_the_way[0][1], latest - _IN_FLIGHT_SECONDS))

    def unblock(self, now: float) -> None:
        """The connection has handed over everything it had."""
        self.blocked = False
        self._note_first_picture()
        if self.paused:
            return
        if self._waiting:
            if self._timeline is None:
                self._begin(now)
            else:
                self._resume_if_fresh(now)
        else:
            self._drain(now)

    def pause(self) -> None:
        """Send nothing until `resume`."""
        self.paused = True
        self._leave_out()

    def resume(self, now: float) -> None:
        """Go on from a keyframe; sequence numbers and timestamps go on too."""
        self.paused = False
        if not self.blocked:
            self.unblock(now)

    @property
    def spent(self) -> bool:
        """Whether the timestamps are about to wrap, for a player that is lost then."""
        timeline = self._timeline
        return (
            timeline is not None
            and not self._settings.squeezed
            and any(track.near_wrap(timeline.latest) for track in self.tracks)
        )

    def goodbye(self) -> bytes:
        """The end of every track."""
        return b"".join(track.bye() for track in self.tracks)

    def _begin(self, now: float) -> None:
        ring, settings = self._source.ring, self._settings
        keyframes, edge = ring.keyframes(), ring.edge
        if not keyframes or edge is None:
            return
        history = settings.history.at(self._source.interval)
        if settings.squeezed:
            pictures = sum(unit.video for unit in ring.since(keyframes[-1]))
            start = squeezed_start(keyframes, pictures)
        else:
            start = history_start(keyframes, edge, history, retime=self._retime)
        if start is None:
            return
        first = start.keyframe.capture
        self._timeline = Timeline(first, edge, start.seconds)
        if self._retime:
            self._pacing = Pacing(now, history.aim, history.least)
        self._waiting = False
        self._allowance = settings.queue_seconds + edge - first
        # Sound cannot be squeezed: it joins at the live edge.
        sound_from = edge if settings.squeezed else first
        self._latest_sound = sound_from - 1e-6
        self._enqueue(unit for unit in ring.since(start.keyframe) if unit.video or unit.capture >= sound_from)
        if not self.blocked:
            self._drain(now)

    def _resume_if_fresh(self, now: float) -> None:
        ring = self._source.ring
        keyframes = ring.keyframes()
        if keyframes and ring.edge is not None and ring.edge - keyframes[-1].capture <= _FRESH:
            self._resume(keyframes[-1], now)

    def _resume(self, keyframe: Unit, now: float) -> None:
        timeline = self._timeline
        if timeline is None or keyframe.capture <= timeline.latest_capture:
            return  # was handed over before: going on from it would turn time back
        if self._retime:
            timeline.close_gap(keyframe.capture, self._source.interval)
        self._waiting = False
        self._enqueue(self._source.ring.since(keyframe))
        self._drain(now)

    def _leave_out(self) -> None:
        self._queue.clear()
        self._queued = 0
        self._waiting = self._video is not None

    def _enqueue(self, units: Iterable[Unit]) -> None:
        for unit in units:
            if unit.video in self._by_kind:
                self._queue.append(unit)
                self._queued += unit.size

    def _drain(self, now: float) -> None:
        queue, timeline = self._queue, self._timeline
        if timeline is None:
            return
        while queue and not self.blocked:
            out: list[bytes] = []
            size = 0
            while queue and size < _BATCH:
                unit = queue.popleft()
                self._queued -= unit.size
                size += unit.size
                self._append(out, unit, timeline, now)
            data = b"".join(out)
            if self._pacing:
                self._note_on_the_way(len(data), timeline.latest)
            self._write(data)
        if self.blocked:
            return
        self._allowance = self._settings.queue_seconds
        self._note_first_picture()
        if self._pacing:
            self._pacing.handed(timeline.latest, now, self._source.interval)

    def _note_on_the_way(self, size: int, latest: float) -> None:
        """Remember up to which time everything has left the buffers between here and the player."""
        self._written += size
        sent = self._on_the_way
        sent.append((self._written, latest))
        while len(sent) > 1 and sent[1][0] <= self._written - _IN_FLIGHT:
            sent.popleft()

    def _append(self, out: list[bytes], unit: Unit, timeline: Timeline, now: float) -> None:
        if unit.video:
            if self._pacing:
                self._keep_pace(self._pacing, unit, timeline, now)
        elif unit.capture <= self._latest_sound:
            return
        else:
            self._latest_sound = unit.capture
        seconds = timeline.stamp(unit.capture)
        if now >= self._next_report:
            self._next_report = now + _REPORT_SECONDS
            out.extend(track.report(self._zero, seconds) for track in self.tracks)
        self._by_kind[unit.video].append(out, unit, seconds)

    def _keep_pace(self, pacing: Pacing, unit: Unit, timeline: Timeline, now: float) -> None:
        if not timeline.live:
            return
        interval = self._source.interval
        latest, position = timeline.latest, pacing.position(now, interval)
        gap = unit.capture - timeline.latest_capture
        edge = self._source.ring.edge
        if gap > max(_GAP, 5 * interval):
            timeline.close_gap(unit.capture, pacing.step_over(gap, latest - position, interval))
        elif edge is not None:
            timeline.run_at(pacing.slope(latest + edge - timeline.latest_capture - position))

    def _note_first_picture(self) -> None:
        if self._asked is not None and self._timeline is not None and self._video is not None:
            self._source.first_picture_seconds.append(time.monotonic() - self._asked)
            self._asked = None
