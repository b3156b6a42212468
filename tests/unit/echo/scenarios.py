"""Made-up streams for the player's model: what comes when, by a few figures."""

from dataclasses import dataclass

from simulators.echo.codecs import Format
from simulators.echo.depacketise import AccessUnit
from simulators.echo.player import Outcome, Parameters, Player
from simulators.echo.reception import Received
from simulators.echo.rtp import SenderReport
from simulators.echo.sdp import ActiveTrack, Track

LATENCY_S = 0.033
BURST_AT_S = 0.02
CLOCK = 90_000
FIRST_MEDIA_S = 100.0

VIDEO = ActiveTrack(Track(1, "video", 96, "track1", Format("H264", CLOCK, 1, {}, None), ""), 0, "track1")
AUDIO = ActiveTrack(Track(2, "audio", 8, "track2", Format("PCMA", 8000, 1, {}, None), ""), 2, "track2")


@dataclass(frozen=True)
class Stream:
    """A live stream joined at PLAY (time 0). All in seconds.

    ``burst``: how far back the first picture was taken. ``span``: media time over which the burst's pictures are
    spread in place of their real one. ``idr_every``: keyframes; ``first_idr``: the first, by capture time. ``pause``:
    (begin, length) of a pause of the network. ``report_at``: when the sender report comes, None for never;
    ``report_for``: the capture time it is for (None: the first picture).
    """

    burst: float = 0.0
    fps: float = 15.0
    span: float | None = None
    first_idr: float | None = None
    idr_every: float = 4.0
    pause: tuple[float, float] | None = None
    report_at: float | None = 0.0
    report_for: float | None = None
    seconds: float = 20.0

    def pictures(self) -> list[tuple[float, float, float]]:
        """(capture time, media time, arrival time) of each picture."""
        interval = 1 / self.fps
        count = round(self.burst * self.fps)
        captured = [(number - count) * interval for number in range(count + int(self.seconds * self.fps))]
        return [(at, self._media(at, captured[0]), self._arrival(at)) for at in captured]

    def _media(self, captured: float, first: float) -> float:
        if self.span is None or captured >= 0:
            return captured
        return captured * self.span / -first

    def _arrival(self, captured: float) -> float:
        at = BURST_AT_S if captured < 0 else captured + LATENCY_S
        if self.pause and self.pause[0] <= at < sum(self.pause):
            return sum(self.pause)
        return at

    def received(self) -> list[Received]:
        """The stream as the model wants it; a picture is known to be whole when the next one comes."""
        pictures = self.pictures()
        first = pictures[0][0]
        idr_at = first if self.first_idr is None else self.first_idr
        items: list[Received] = []
        for number, (captured, media, _) in enumerate(pictures[:-1]):
            since_idr = (captured - idr_at) % self.idr_every
            idr = captured >= idr_at - 1e-6 and min(since_idr, self.idr_every - since_idr) < 0.5 / self.fps
            items.append(Received(pictures[number + 1][2], 0, picture(number, media, idr=idr)))
        if self.report_at is not None:
            media = pictures[0][1] if self.report_for is None else self.report_for
            items.append(Received(self.report_at, 0, SenderReport(1, 3e9 + media, ticks(media))))
        return sorted(items, key=lambda item: (item.t, isinstance(item.what, AccessUnit)))

    def capture_of(self, unit: AccessUnit) -> float:
        """When a picture of this stream was taken."""
        return self.pictures()[0][0] + unit.sequence / self.fps

    def play(self, parameters: Parameters | None = None) -> Outcome:
        """What the model makes of it."""
        first = self.pictures()[0][0]
        player = Player(
            [VIDEO],
            play_at=0.0,
            parameters=parameters,
            capture=lambda unit: first + unit.sequence / self.fps,
        )
        for item in self.received():
            player.feed(item)
        return player.finish(self.seconds - 1.0)


def ticks(media: float, scale: int = CLOCK) -> int:
    """RTP time of a media time."""
    return round((FIRST_MEDIA_S + media) * scale)


def picture(number: int, media: float, *, idr: bool = False, complete: bool = True) -> AccessUnit:
    """A picture with one slice."""
    nal = b"\x65\x88" if idr else b"\x41\x9a"
    return AccessUnit(ticks(media), number, (nal,), complete, 0.0, 0.0, 0.0)
