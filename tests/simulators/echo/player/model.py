"""The player behind the Echo's RTSP client, in virtual time.

A deterministic model of AOSP's streaming player, 7.1.2 and 5.1.1: it looks at its buffer once a second, starts when
more than 3 s of media are buffered on every track, pauses below 1 s, resumes at 2 s, and never catches up.
It is driven by what came and when, so one recorded connection can be replayed through every variant.
"""

import math
from collections.abc import Callable, Sequence

from simulators.echo.depacketise import AccessUnit, audio_seconds
from simulators.echo.player.buffer import TrackBuffer
from simulators.echo.player.outcome import Outcome, Rebuffer
from simulators.echo.player.parameters import Mode, Parameters, Resume
from simulators.echo.player.render import NEVER, AudioSink, Clock, VideoPipeline
from simulators.echo.player.timeline import Timeline
from simulators.echo.reception import Received
from simulators.echo.recording import Capture
from simulators.echo.rtp import Bye, SenderReport
from simulators.echo.sdp import ActiveTrack


class Player:
    """One playback. Feed it what came in order of time, then ``finish``.

    ``tracks``: those set up; the first video and the first audio track are played. ``play_at``: when the answer to
    PLAY was parsed, on the clock of the fed items. ``live``: False makes the player treat the stream as a film, which
    it cannot play from a live source. ``capture``: gives the capture time of an access unit on the same clock.
    """

    def __init__(
        self,
        tracks: Sequence[ActiveTrack],
        *,
        play_at: float,
        live: bool = True,
        parameters: Parameters | None = None,
        capture: Capture | None = None,
    ) -> None:
        self._set = parameters or Parameters()
        self._tracks = tracks
        self._play_at = play_at
        self._capture = capture
        self._outcome = Outcome()
        self._timeline = Timeline([active.scale for active in tracks])
        self._buffers = [TrackBuffer(self._set.mode) for _ in tracks]
        self._clock = Clock()
        self._video = VideoPipeline(self._set, self._clock)
        self._audio = AudioSink(self._set, self._clock)
        self._numbers = {active.track.media: number for number, active in reversed(list(enumerate(tracks)))}
        self._now = 0.0
        self._poll_at = self._start_at = self._demand_at = self._watchdog_at = NEVER
        self._reports_due_at = play_at + self._set.report_patience_s
        self._started_at: float | None = None
        self._paused_at: float | None = None
        self._buffering = True
        self._held_by_poll = False
        self._units_in_window = 0
        if not live:
            self._outcome.fatal = "a=range makes the stream a film: the player pauses it and discards access units"

    def feed(self, item: Received) -> None:
        """Take what came. Items must come in order of time."""
        self.advance(item.t)
        if self._outcome.fatal is not None:
            return
        if isinstance(item.what, AccessUnit):
            self._take_unit(item.track, item.what)
        elif isinstance(item.what, SenderReport):
            self._take_report(item.track, item.what)
        elif isinstance(item.what, Bye):
            self._buffers[item.track].ended = True
            if not self._timeline.known:
                self._fake_times()

    def advance(self, to: float) -> None:
        """Let the player run until ``to`` seconds, with nothing coming."""
        while self._outcome.fatal is None:
            at, action = min(self._timers(), key=lambda timer: timer[0])
            if at > to:
                break
            self._now = max(self._now, at)
            action()
        self._now = max(self._now, to)

    def finish(self, at: float) -> Outcome:
        """Run until ``at`` seconds and tell what happened."""
        self.advance(at)
        if self._started_at is not None and self._buffering and self._outcome.rebuffers:
            last = self._outcome.rebuffers[-1]
            last.length_s = self._now - self._play_at - last.start_s
        self._outcome.late = self._video.late
        self._outcome.discarded = self._video.discarded
        self._outcome.dropped_early = self._timeline.dropped_early
        return self._outcome

    def _timers(self) -> list[tuple[float, Callable[[], None]]]:
        paused = self._paused_at is not None
        return [
            (self._reports_due_at, self._reports_due),
            (self._watchdog_at, self._watchdog),
            (self._poll_at, self._poll),
            (self._start_at, self._start),
            (self._audio.next_at(paused=paused), self._audio_step),
            (self._video.next_at(paused=paused), self._show),
            (self._demand_at, self._demand),
        ]

    # What comes.

    def _take_unit(self, number: int, unit: AccessUnit) -> None:
        self._units_in_window += 1
        if self._watchdog_at == NEVER:
            self._watchdog_at = self._now + self._set.watchdog_s
        self._outcome.damaged += not unit.complete
        self._timeline.add(number, unit)
        if self._now < self._play_at:
            return
        self._connect()
        if self._timeline.known:
            self._drain(number)

    def _take_report(self, number: int, report: SenderReport) -> None:
        was_known = self._timeline.known
        self._timeline.report(number, report)
        first = self._timeline.known and not was_known
        if first and self._timeline.every_track_waits and self._now >= self._play_at:
            self._connect()
            self._drain_all()

    def _connect(self) -> None:
        if self._outcome.connected_s is not None:
            return
        self._outcome.connected_s = self._now - self._play_at
        if self._set.mode is Mode.ANDROID_5:
            self._prepare()
        else:
            self._poll_at = self._now + self._set.poll_s

    def _prepare(self) -> None:
        self._outcome.prepared_s = self._now - self._play_at
        self._start_at = self._now + self._set.start_s

    def _drain_all(self) -> None:
        for number in range(len(self._tracks)):
            self._drain(number)

    def _drain(self, number: int) -> None:
        for timed in self._timeline.drain(number):
            self._buffers[number].push(timed)
        self._ask()

    def _fake_times(self) -> None:
        self._timeline.fake()
        self._drain_all()

    # Watching over the session.

    def _reports_due(self) -> None:
        self._reports_due_at = NEVER
        if self._timeline.known:
            return
        if self._timeline.reports or self._timeline.every_track_waits:
            self._fake_times()
        else:
            self._outcome.fatal = (
                f"TEARDOWN: neither sender report nor media on every track in {self._set.report_patience_s:g} s"
            )

    def _watchdog(self) -> None:
        if not self._units_in_window:
            self._outcome.fatal = f"TEARDOWN: no access unit in {self._set.watchdog_s:g} s"
        self._units_in_window = 0
        self._watchdog_at = self._now + self._set.watchdog_s

    # Buffering.

    def _all_buffered(self, seconds: float) -> bool:
        return all(buffer.ended or buffer.seconds >= seconds for buffer in self._buffers)

    def _poll(self) -> None:
        self._poll_at = self._now + self._set.poll_s + self._set.poll_drift_s
        marks = self._set
        if self._outcome.prepared_s is None:
            if all(buffer.ended or buffer.seconds > marks.prepared_above_s for buffer in self._buffers):
                self._prepare()
        elif any(not buffer.ended and buffer.seconds < marks.pause_below_s for buffer in self._buffers):
            self._begin_buffering(by_poll=True)
        if self._all_buffered(marks.resume_at_s):
            self._end_buffering()

    def _begin_buffering(self, *, by_poll: bool) -> None:
        if self._buffering:
            return
        self._buffering = True
        self._held_by_poll = by_poll and not self._video.has_room
        if self._started_at is None:
            return
        self._outcome.rebuffers.append(Rebuffer(self._now - self._play_at, 0.0))
        if self._set.mode is Mode.ANDROID_7:
            self._paused_at = self._now

    def _end_buffering(self) -> None:
        if not self._buffering:
            return
        self._buffering = False
        if self._started_at is not None and self._outcome.rebuffers:
            last = self._outcome.rebuffers[-1]
            if not last.length_s:
                last.length_s = self._now - self._play_at - last.start_s
        if self._paused_at is not None:
            self._clock.resume(self._paused_at, self._now)
            self._audio.shift(self._now - self._paused_at)
            self._paused_at = None
        self._ask()

    # Playing.

    def _start(self) -> None:
        self._start_at = NEVER
        self._started_at = self._now
        self._ask()

    def _ask(self) -> None:
        """The decoder asks at the next tick of its own."""
        if self._started_at is None:
            return
        ticks = math.ceil((self._now - self._started_at) / self._set.demand_s - 1e-6)
        self._demand_at = min(self._demand_at, self._started_at + ticks * self._set.demand_s)

    def _demand(self) -> None:
        self._demand_at = NEVER
        if self._buffering:
            held = self._set.resume is Resume.POLL and self._held_by_poll
            if held or not self._all_buffered(self._set.resume_at_s):
                return
            self._end_buffering()
        for media in ("video", "audio"):
            number = self._numbers.get(media)
            if number is not None and not self._feed_decoder(number, media):
                self._begin_buffering(by_poll=False)
                return

    def _feed_decoder(self, number: int, media: str) -> bool:
        """Give a track's decoder all it takes; False when the buffer is empty while it asks."""
        buffer = self._buffers[number]
        while self._video.has_room if media == "video" else self._audio.has_room:
            if not buffer:
                return buffer.ended
            timed = buffer.pop()
            if media == "video":
                self._video.put(self._now, timed)
            else:
                self._audio.put(self._now, timed.t, audio_seconds(self._tracks[number].track.form, timed.unit))
            if self._outcome.first_picture_s is not None:
                least = min(each.seconds for each in self._buffers)
                known = self._outcome.least_buffer_s
                self._outcome.least_buffer_s = least if known is None else min(known, least)
        return True

    def _audio_step(self) -> None:
        self._audio.step(self._now)
        self._ask()

    def _show(self) -> None:
        timed = self._video.show(self._now)
        self._ask()
        if timed is None:
            return
        since_play = self._now - self._play_at
        self._outcome.shown += 1
        if self._outcome.first_picture_s is None:
            self._outcome.first_picture_s = since_play
        elif self._outcome.moving_s is None:
            self._outcome.moving_s = since_play
        captured = self._capture(timed.unit) if self._capture else None
        if captured is not None:
            self._outcome.delays.append((since_play, self._now - captured))
