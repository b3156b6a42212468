"""A connection as it was, to be replayed through the player's model as often as wanted."""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.echo.depacketise import AccessUnit
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Packet
from simulators.echo.reception import Fault, Received, Reception
from simulators.echo.sdp import ActiveTrack

Capture = Callable[[AccessUnit], float | None]


@dataclass(frozen=True, slots=True)
class Recording:
    """All packets of a session. Times in seconds since the TCP connect began, ``started_unix_ns`` in Unix time.

    ``live``: the player takes the stream as live. ``fatal``: what ended the connection, if the player would not
    have survived it.
    """

    tracks: tuple[ActiveTrack, ...]
    live: bool
    play_at: float
    ended_at: float
    started_unix_ns: int
    packets: tuple[Packet, ...]
    fatal: FatalCheck | None = None

    def received(self) -> tuple[list[Received], list[Fault]]:
        """What the player works on, in order, and the server's faults."""
        reception = Reception(self.tracks)
        items = [item for packet in self.packets for item in reception.feed(packet)]
        return items, reception.faults

    def video(self) -> list[AccessUnit]:
        """The pictures, damaged ones too."""
        number = next((n for n, active in enumerate(self.tracks) if active.track.media == "video"), None)
        items, _ = self.received()
        return [item.what for item in items if item.track == number and isinstance(item.what, AccessUnit)]


def capture_clock(parse: Callable[[bytes], tuple[int, int] | None], started_unix_ns: int) -> Capture:
    """A function from access unit to capture time, in seconds since the TCP connect began, or None.

    ``parse`` reads a NAL unit and gives (frame number, capture time in Unix nanoseconds) if it carries them.
    """

    def capture(unit: AccessUnit) -> float | None:
        for nal in unit.nals:
            found = parse(nal)
            if found is not None:
                return (found[1] - started_unix_ns) / 1e9
        return None

    return capture
