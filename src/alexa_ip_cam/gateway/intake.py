"""Media of one upstream session: packets in, units with capture times out."""

import time
from collections import deque
from collections.abc import Callable

from alexa_ip_cam.gateway import sdp
from alexa_ip_cam.gateway.access_unit import Picture, PictureAssembler, Unit, packetise
from alexa_ip_cam.gateway.clock import TrackClock
from alexa_ip_cam.gateway.h264 import ParameterSets, begins_b_picture, sets_from_sprop
from alexa_ip_cam.gateway.rtp import parse_rtp, parse_sender_report

_RATE_WINDOW = 5.0  # seconds over which bit rate and frame rate are told
_USUAL_INTERVAL = 1 / 25


class Intake:
    """Takes the packets of a session (it is the session's sink) and hands out units.

    Args:
        keep_sound: whether sound is wanted.
        packet_bytes: the largest RTP payload made.
        emit: called with each unit and the monotonic time.
    """

    def __init__(self, *, keep_sound: bool, packet_bytes: int, emit: Callable[[Unit, float], None]) -> None:
        self.sets = ParameterSets()
        self.sound: sdp.Media | None = None  # what may be announced, once it flows
        self.sound_flows = False
        self.first_picture: float | None = None  # monotonic seconds
        self.latest_video: float | None = None  # when video last arrived, monotonic seconds
        self.interval = _USUAL_INTERVAL  # seconds between pictures, lately
        self.keyframe_nals: list[bytes] = []  # of the newest keyframe
        self._keep_sound = keep_sound
        self._packet_bytes = packet_bytes
        self._emit = emit
        self._assembler = PictureAssembler(self.sets, self._picture)
        self._video_index: int | None = None
        self._sound_index: int | None = None
        self._video_clock = TrackClock(sdp.VIDEO_RATE)
        self._sound_clock: TrackClock | None = None
        self._recent: deque[tuple[float, int]] = deque()
        self._recent_bytes = 0
        self._latest_capture: float | None = None

    def described(self, description: sdp.Description) -> None:
        """Choose the tracks: the first H.264 video, and the first sound that can be played."""
        for index, media in enumerate(description.media):
            if media.is_h264 and self._video_index is None:
                self._video_index = index
                for nal in sets_from_sprop(media.parameters().get("sprop-parameter-sets", "")):
                    self.sets.learn(nal)
            elif media.is_playable_sound and self._keep_sound and self._sound_index is None:
                self._sound_index, self.sound = index, media
                self._sound_clock = TrackClock(media.rate, self._video_clock)

    def rtp(self, index: int, data: memoryview) -> None:
        """Take an RTP packet; those of other tracks are passed over."""
        if index not in {self._video_index, self._sound_index}:
            return
        packet = parse_rtp(data)
        if packet is None:
            return
        now = time.monotonic()
        if index == self._video_index:
            self.latest_video = now
            self._assembler.push(packet, now)
        elif self._sound_clock is not None and packet.payload:
            self.sound_flows = True
            payload = bytes(packet.payload)
            capture = self._sound_clock.capture(packet.timestamp, now)
            self._emit(Unit(False, capture, False, (payload,), len(payload), packet.marker), now)

    def rtcp(self, index: int, data: memoryview) -> None:
        """Take a sender report; other reports are passed over."""
        report = parse_sender_report(data)
        if report is None:
            return
        if index == self._video_index:
            self._video_clock.report(report.timestamp, report.time)
        elif index == self._sound_index and self._sound_clock is not None:
            self._sound_clock.report(report.timestamp, report.time)

    @property
    def ready(self) -> bool:
        """Whether a description can be made: pictures flow and parameter sets are known."""
        return self.first_picture is not None and self.sets.complete

    @property
    def damaged(self) -> int:
        """Pictures given up because a part was missing."""
        return self._assembler.damaged

    @property
    def jumps(self) -> int:
        """How often the timestamps of the pictures jumped."""
        return self._video_clock.jumps

    def rates(self, now: float) -> tuple[float, float]:
        """Bits and pictures per second over the last seconds."""
        self._forget(now)
        if not self._recent:
            return 0.0, 0.0
        span = min(_RATE_WINDOW, max(0.2, now - self._recent[0][0]))
        return self._recent_bytes * 8 / span, len(self._recent) / span

    def _picture(self, picture: Picture) -> None:
        now = time.monotonic()
        reordered = begins_b_picture(picture.nals)
        capture = self._video_clock.capture(picture.timestamp, picture.arrival, reordered=reordered)
        if self._latest_capture is not None and 0 < capture - self._latest_capture < 2:
            self.interval += (capture - self._latest_capture - self.interval) / 8
        self._latest_capture = capture
        if self.first_picture is None:
            self.first_picture = now
        if picture.keyframe:
            self.keyframe_nals = picture.nals
        payloads = packetise(picture.nals, self._packet_bytes)
        size = sum(map(len, payloads))
        self._recent.append((now, size))
        self._recent_bytes += size
        self._forget(now)
        self._emit(Unit(True, capture, picture.keyframe, payloads, size), now)

    def _forget(self, now: float) -> None:
        recent = self._recent
        while recent and recent[0][0] < now - _RATE_WINDOW:
            self._recent_bytes -= recent.popleft()[1]
