"""A camera, a viewer's link and an Echo in virtual time: hours of streaming in seconds, every phase of a group."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.ring import Ring
from alexa_ip_cam.gateway.timeline import History
from alexa_ip_cam.gateway.track import Track
from alexa_ip_cam.gateway.viewer import Viewer, ViewerSettings
from simulators.echo import Packet, Recording
from simulators.echo.depacketise import AccessUnit
from simulators.echo.player import Outcome, Parameters, replay
from simulators.echo.reception import Fault
from simulators.echo.sdp import ActiveTrack, parse_sdp
from simulators.echo.versions import ANDROID_7

HISTORY = History(3.2, 2.3, 4.0)
SPS, PPS = bytes.fromhex("6742c01fda014016e8"), bytes.fromhex("68ce3c80")
ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n"
EPOCH = 1000.0  # so that no time is zero by accident

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==\r\na=control:track1\r\n"
    "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track2\r\n"
)


def slice_nal(*, keyframe: bool, capture: float, size: int) -> bytes:
    """A slice that tells when it was captured; first_mb_in_slice is 0."""
    head = b"\x65\xb8" if keyframe else b"\x41\xb8"
    return head + b"%015.6f" % capture + b"\x55" * max(0, size - 17)


def capture_of(unit: AccessUnit) -> float | None:
    """When the picture was captured, as written into it."""
    for nal in unit.nals:
        if nal[0] & 0x1F in {1, 5}:
            return float(nal[2:17])
    return None


def picture(capture: float, *, keyframe: bool, size: int = 4000) -> Unit:
    """A picture of about this many bytes."""
    nal = slice_nal(keyframe=keyframe, capture=capture, size=size)
    payloads = (SPS, PPS, nal) if keyframe else (nal,)
    return Unit(True, capture, keyframe, payloads, sum(map(len, payloads)))


def sound(capture: float) -> Unit:
    """20 ms of G.711."""
    return Unit(False, capture, False, (b"\xd5" * 160,), 160, False)


@dataclass
class Source:
    """A camera's last seconds, as `Viewer` wants them."""

    interval: float
    ring: Ring = field(default_factory=lambda: Ring(HISTORY.cap, 20.0, 16 << 20))
    first_picture_seconds: deque[float] = field(default_factory=deque)
    cuts: int = 0


@dataclass
class Camera:
    """Pictures at ``fps`` with a keyframe every ``group`` pictures; silent in ``outages`` (start, length)."""

    fps: float = 30.0
    group: int = 62
    with_sound: bool = False
    size: int = 4000
    key_size: int = 40_000
    outages: Sequence[tuple[float, float]] = ()

    def units(self, seconds: float) -> Iterator[tuple[float, Unit]]:
        """(time of arrival, unit) in order; a picture is known to be whole when the next one begins."""
        timed: list[tuple[float, Unit]] = []
        for number in range(int(seconds * self.fps)):
            capture = EPOCH + number / self.fps
            keyframe = number % self.group == 0
            size = self.key_size if keyframe else self.size
            timed.append((capture + 1 / self.fps, picture(capture, keyframe=keyframe, size=size)))
        if self.with_sound:
            times = (EPOCH + number * 0.02 for number in range(int(seconds * 50)))
            timed += [(capture + 0.005, sound(capture)) for capture in times]
        timed.sort(key=lambda entry: entry[0])
        for arrival, unit in timed:
            if not any(start <= unit.capture - EPOCH < start + length for start, length in self.outages):
                yield arrival, unit


class Link:
    """What lies between gateway and player: holds ``room`` bytes while it is paused, at ``pauses`` (start, length).

    Times are seconds since PLAY.
    """

    def __init__(self, pauses: Sequence[tuple[float, float]] = (), room: int = 200_000) -> None:
        self.delivered: list[tuple[float, bytes]] = []
        self.viewer: Viewer | None = None
        self._pauses = [(start, start + length) for start, length in pauses]
        self._room = room
        self._held: list[bytes] = []
        self._now = 0.0
        self._played = 0.0

    def begin(self, now: float) -> None:
        """PLAY is being answered."""
        self._played = self._now = now

    def write(self, data: bytes) -> None:
        """Take bytes."""
        if not self._paused():
            self.delivered.append((self._now, data))
            return
        self._held.append(data)
        if sum(map(len, self._held)) > self._room and self.viewer is not None:
            self.viewer.block()

    def advance(self, now: float) -> None:
        """Let time pass; what was held arrives when a pause ends."""
        self._now = now
        if self._held and not self._paused():
            self.delivered += [(now, data) for data in self._held]
            self._held.clear()
            if self.viewer is not None and self.viewer.blocked:
                self.viewer.unblock(now)

    def _paused(self) -> bool:
        since = self._now - self._played
        return any(start <= since < end for start, end in self._pauses)


def active_tracks(*, with_sound: bool) -> tuple[ActiveTrack, ...]:
    """The tracks as the simulated Echo sets them up."""
    tracks = parse_sdp(_SDP.encode(), ANDROID_7).tracks[: 2 if with_sound else 1]
    return tuple(ActiveTrack(track, 2 * number, f"track{number + 1}") for number, track in enumerate(tracks))


def gateway_tracks(*, with_sound: bool) -> list[Track]:
    """The same tracks on the gateway's side."""
    tracks = [Track(True, 90000, 96, 0, 1)]
    return [*tracks, Track(False, 8000, 8, 2, 3)] if with_sound else tracks


@dataclass
class Run:
    """One viewing: what it was sent, and what became of it."""

    recording: Recording
    source: Source
    play_at: float

    @property
    def faults(self) -> list[Fault]:
        """What a server must never do."""
        return self.recording.received()[1]

    def outcomes(self, variants: Mapping[str, Parameters] | None = None) -> dict[str, Outcome]:
        """What each variant of the player makes of it."""

        def capture(unit: AccessUnit) -> float | None:
            at = capture_of(unit)
            return None if at is None else at - self.play_at

        return replay(self.recording, variants, capture=capture)

    def outcome(self, parameters: Parameters | None = None) -> Outcome:
        """What the usual player makes of it."""
        return self.outcomes({"it": parameters or Parameters()})["it"]


def run(
    camera: Camera,
    *,
    join: float,
    seconds: float = 6.0,
    link: Link | None = None,
    squeezed: bool = False,
    warm: bool = True,
) -> Run:
    """Join ``join`` seconds after the camera began and watch for ``seconds``.

    ``warm``: whether the gateway has had the stream all the time; False lets it begin at the join.
    """
    link = link or Link()
    source = Source(1 / camera.fps)
    settings = ViewerSettings(squeezed, HISTORY, 3.5, 16 << 20)
    viewer = Viewer(source, gateway_tracks(with_sound=camera.with_sound), settings, link.write)
    link.viewer = viewer
    play_at = EPOCH + join
    started = False
    for arrival, unit in camera.units(join + seconds + 1):
        if arrival > play_at and not started:
            started = True
            link.begin(play_at)
            viewer.start(ANSWER, play_at)
        if arrival > play_at + seconds:
            break
        if warm or arrival > play_at:
            if started:
                link.advance(arrival)
            source.ring.add(unit)
            if started:
                viewer.offer(unit, arrival)
    return Run(_recording(link, play_at, seconds, with_sound=camera.with_sound), source, play_at)


def _recording(link: Link, play_at: float, seconds: float, *, with_sound: bool) -> Recording:
    stream = [(at - play_at, data) for at, data in link.delivered]
    assert stream[0][1].startswith(ANSWER)
    stream[0] = (stream[0][0], stream[0][1].removeprefix(ANSWER))
    packets = [packet for at, data in stream for packet in _frames(at, data)]
    return Recording(active_tracks(with_sound=with_sound), True, 0.0, seconds, 0, tuple(packets))


def _frames(at: float, data: bytes) -> Iterator[Packet]:
    """Every write holds whole frames."""
    while data:
        assert data[0] == 0x24
        size = int.from_bytes(data[2:4], "big")
        assert len(data) >= 4 + size
        yield Packet(at, data[1], data[4 : 4 + size])
        data = data[4 + size :]
