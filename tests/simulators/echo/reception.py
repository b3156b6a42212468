"""Interleaved packets to what the player works on: access units, sender reports, goodbyes.

It keeps a list of faults on the side: things a server must never do to this player, whether or not the player
would show it at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulators.echo.depacketise import AccessUnit, Assembler, assembler_for
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Packet
from simulators.echo.rtp import Bye, RtpPacket, SenderReport, parse_rtcp, parse_rtp
from simulators.echo.sdp import ActiveTrack

LARGEST_SEQUENCE_STEP = 20
LARGEST_REPORT_ERROR_S = 0.005
_NTP_ROUNDING_S = 1e-5
_HALF_CLOCK = 1 << 31
_CLOCK = 1 << 32


@dataclass(frozen=True, slots=True)
class Received:
    """What came for the track number ``track`` (place in the list of active tracks) at ``t`` seconds."""

    t: float
    track: int
    what: AccessUnit | SenderReport | Bye


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a server must not do; ``t`` in seconds since the TCP connect began."""

    t: float
    reason: str


@dataclass(slots=True)
class _TrackState:
    """What is remembered of one track to judge the next packet."""

    active: ActiveTrack
    ssrc: int | None = None
    assembler: Assembler | None = None
    sequence: int | None = None
    newest: int | None = None
    report: SenderReport | None = None
    ended: bool = False


class Reception:
    """Takes the packets of one session in their order."""

    def __init__(self, tracks: Sequence[ActiveTrack]) -> None:
        self.faults: list[Fault] = []
        self._states = [_TrackState(active) for active in tracks]

    def feed(self, packet: Packet) -> list[Received]:
        """What ``packet`` completes. Raises ``FatalCheck`` for a channel that was not asked for."""
        for number, state in enumerate(self._states):
            if packet.channel == state.active.channel:
                return [Received(packet.t, number, unit) for unit in self._media(packet, state)]
            if packet.channel == state.active.channel + 1:
                return [Received(packet.t, number, report) for report in self._control(packet, state)]
        raise FatalCheck(f"{len(packet.data)} bytes on channel {packet.channel}, which was not set up")

    def _media(self, packet: Packet, state: _TrackState) -> list[AccessUnit]:
        if state.ended:
            self._fault(packet, f"RTP on channel {packet.channel} after RTCP BYE: the track has ended for good")
        parsed = parse_rtp(packet.data)
        if parsed is None:
            self._fault(packet, f"malformed RTP packet on channel {packet.channel}")
            return []
        if parsed.ssrc != state.ssrc or state.assembler is None:
            if state.ssrc is not None:
                self._fault(packet, f"SSRC on channel {packet.channel} changed")
            state.ssrc, state.sequence, state.newest = parsed.ssrc, None, None
            state.assembler = assembler_for(state.active.track.form)
        self._judge_order(packet, parsed, state)
        return state.assembler.feed(packet.t, parsed)

    def _judge_order(self, packet: Packet, parsed: RtpPacket, state: _TrackState) -> None:
        if state.sequence is not None:
            step = (parsed.sequence - state.sequence + (1 << 15)) % (1 << 16) - (1 << 15)
            if step < 0 or step > LARGEST_SEQUENCE_STEP:
                self._fault(packet, f"sequence number on channel {packet.channel} jumps by {step}")
        if state.newest is not None:
            step = (parsed.timestamp - state.newest + _HALF_CLOCK) % _CLOCK - _HALF_CLOCK
            if step < 0:
                self._fault(packet, f"RTP time on channel {packet.channel} goes back by {-step}")
            elif parsed.timestamp < state.newest:
                self._fault(packet, f"RTP time on channel {packet.channel} wraps, which the player does not know")
        state.sequence, state.newest = parsed.sequence, parsed.timestamp

    def _control(self, packet: Packet, state: _TrackState) -> list[SenderReport | Bye]:
        found = list(parse_rtcp(packet.data))
        for report in found:
            if isinstance(report, Bye):
                # As the last word before the server closes, it spares the player a long wait.
                state.ended = True
                continue
            if state.report is not None:
                ticks = (report.rtp - state.report.rtp + _HALF_CLOCK) % _CLOCK - _HALF_CLOCK
                error = (report.ntp - state.report.ntp) - ticks / state.active.scale
                if abs(error) > LARGEST_REPORT_ERROR_S + _NTP_ROUNDING_S:
                    self._fault(
                        packet,
                        f"sender report on channel {packet.channel} is {error * 1000:+.1f} ms off the first one's line",
                    )
            else:
                state.report = report
        return found

    def _fault(self, packet: Packet, reason: str) -> None:
        self.faults.append(Fault(packet.t, reason))
