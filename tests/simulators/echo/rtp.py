"""RTP packets and RTCP reports (RFC 3550), as far as the player looks into them."""

from collections.abc import Iterator
from dataclasses import dataclass

_SENDER_REPORT = 200
_BYE = 203
_SHORTEST_SENDER_REPORT = 28


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet: header fields and payload, padding and extension taken off."""

    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The anchor of a track: RTP time ``rtp`` was NTP time ``ntp`` (seconds since 1900)."""

    ssrc: int
    ntp: float
    rtp: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender says that the track has ended."""


def parse_rtp(data: bytes) -> RtpPacket | None:
    """The packet, or None when it is malformed, which the player ignores."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    start = 12 + 4 * (data[0] & 0x0F)
    end = len(data)
    if data[0] & 0x10:
        if end < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if data[0] & 0x20:
        end -= data[-1]
    if end < start:
        return None
    return RtpPacket(
        sequence=int.from_bytes(data[2:4]),
        timestamp=int.from_bytes(data[4:8]),
        ssrc=int.from_bytes(data[8:12]),
        marker=bool(data[1] & 0x80),
        payload=data[start:end],
    )


def parse_rtcp(data: bytes) -> Iterator[SenderReport | Bye]:
    """The sender reports and goodbyes of a compound packet; the rest of it is left after a malformed part."""
    at = 0
    while at + 4 <= len(data) and data[at] >> 6 == 2:
        size = 4 * (int.from_bytes(data[at + 2 : at + 4]) + 1)
        part = data[at : at + size]
        if len(part) < size:
            return
        if part[1] == _SENDER_REPORT and size >= _SHORTEST_SENDER_REPORT:
            seconds, fraction = int.from_bytes(part[8:12]), int.from_bytes(part[12:16])
            yield SenderReport(int.from_bytes(part[4:8]), seconds + fraction / 2**32, int.from_bytes(part[16:20]))
        elif part[1] == _BYE:
            yield Bye()
        at += size
