"""One track as one viewer gets it: own SSRC, sequence numbers and timestamps."""

import secrets
from dataclasses import dataclass, field

from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.rtp import SenderReport, append_rtp, bye, interleaved, sender_report

# A low start keeps 32 bits of a 90 kHz clock from wrapping for 13 hours; the Echo's player knows no wrap.
_FIRST_TICKS = 1000
_LAST_TICKS = (1 << 32) - 1


@dataclass(slots=True)
class Track:
    """State of one track of one viewer.

    Attributes:
        video: whether it carries the pictures.
        rate: ticks of its timestamps per second.
        payload_type: as announced in our SDP.
        channel: the interleaved channel of RTP; RTCP has ``rtcp_channel``.
        sequence: the number of the packet that comes next.
    """

    video: bool
    rate: int
    payload_type: int
    channel: int
    rtcp_channel: int
    ssrc: int = field(default_factory=lambda: secrets.randbelow((1 << 32) - 1) + 1)
    sequence: int = 1
    packets: int = 0
    octets: int = 0

    def ticks(self, seconds: float) -> int:
        """The RTP timestamp of this time on the viewer's timeline."""
        return _FIRST_TICKS + round(seconds * self.rate)

    def near_wrap(self, seconds: float) -> bool:
        """Whether ten minutes after this time the timestamps would wrap."""
        return self.ticks(seconds + 600) > _LAST_TICKS

    def append(self, out: list[bytes], unit: Unit, seconds: float) -> None:
        """Append the unit's packets, stamped with this time, to ``out``."""
        self.sequence = append_rtp(
            out,
            unit.payloads,
            channel=self.channel,
            payload_type=self.payload_type,
            sequence=self.sequence,
            timestamp=self.ticks(seconds) & _LAST_TICKS,
            ssrc=self.ssrc,
            marker=unit.marker,
        )
        self.packets += len(unit.payloads)
        self.octets += unit.size

    def report(self, zero: float, seconds: float) -> bytes:
        """A sender report for this time, framed; ``zero`` is the Unix time at 0 on the viewer's timeline."""
        ticks = self.ticks(seconds)
        # From the ticks, not from the clock: all reports of a viewer lie on one line exactly.
        time = zero + (ticks - _FIRST_TICKS) / self.rate
        report = SenderReport(self.ssrc, time, ticks & _LAST_TICKS)
        return interleaved(self.rtcp_channel, sender_report(report, self.packets, self.octets))

    def bye(self) -> bytes:
        """The end of the track, framed."""
        return interleaved(self.rtcp_channel, bye(self.ssrc))
