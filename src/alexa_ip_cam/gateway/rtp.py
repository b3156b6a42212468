"""RTP and RTCP on the wire, inside RTSP's interleaved frames (RFC 3550, RFC 2326 section 10.12)."""

import struct
from typing import NamedTuple

# Seconds between 1900, where NTP counts from, and 1970.
_NTP_EPOCH = 2_208_988_800

_INTERLEAVED_RTP = struct.Struct(">BBHBBHII")  # "$", channel, length, then the RTP header of 12 bytes
RTP_HEADER_BYTES = 12
_MARKER = 0x80

_SENDER_REPORT = 200
_SOURCE_DESCRIPTION = 202
_BYE = 203


class RtpPacket(NamedTuple):
    """The parts of a received packet that the gateway needs; the payload is a view, not a copy."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: memoryview


class SenderReport(NamedTuple):
    """What a sender report says: this NTP time (Unix seconds) is that RTP timestamp."""

    ssrc: int
    time: float
    timestamp: int


_RTP_HEADER = struct.Struct(">BBHII")


def parse_rtp(data: memoryview) -> RtpPacket | None:
    """Take an RTP packet apart; None when it is none (RFC 3550 section 5.1)."""
    if len(data) < RTP_HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = _RTP_HEADER.unpack_from(data)
    if first >> 6 != 2:
        return None
    start, end = RTP_HEADER_BYTES + 4 * (first & 0x0F), len(data)
    if first & 0x10:  # header extension
        if start + 4 > end:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & 0x20:  # padding, whose last byte is its length
        if not 0 < data[end - 1] <= end - start:
            return None
        end -= data[end - 1]
    if start > end:
        return None
    return RtpPacket(bool(second & _MARKER), second & 0x7F, sequence, timestamp, ssrc, data[start:end])


def parse_sender_report(data: memoryview) -> SenderReport | None:
    """The sender report that a (compound) RTCP packet begins with, if it begins with one (section 6.4.1)."""
    if len(data) < 28 or data[0] >> 6 != 2 or data[1] != _SENDER_REPORT:
        return None
    ssrc, seconds, fraction, timestamp = struct.unpack_from(">IIII", data, 4)
    return SenderReport(ssrc, seconds - _NTP_EPOCH + fraction / 2**32, timestamp)


def interleaved(channel: int, data: bytes) -> bytes:
    """Frame a packet for the RTSP connection."""
    return struct.pack(">BBH", 0x24, channel, len(data)) + data


def append_rtp(
    out: list[bytes],
    payloads: tuple[bytes, ...],
    *,
    channel: int,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    marker: bool,
) -> int:
    """Append interleaved RTP packets with these payloads to ``out``; the marker goes to the last of them.

    Returns:
        The sequence number of the packet that comes next.
    """
    pack = _INTERLEAVED_RTP.pack
    last = len(payloads) - 1
    for index, payload in enumerate(payloads):
        kind = payload_type | _MARKER if marker and index == last else payload_type
        length = RTP_HEADER_BYTES + len(payload)
        out.append(pack(0x24, channel, length, 0x80, kind, sequence, timestamp, ssrc))
        out.append(payload)
        sequence = (sequence + 1) & 0xFFFF
    return sequence


def sender_report(report: SenderReport, packets: int, octets: int) -> bytes:
    """A compound packet of sender report and source description (sections 6.1, 6.4.1, 6.5)."""
    since_1900 = round((report.time + _NTP_EPOCH) * 2**32)
    head = struct.pack(
        ">BBHIQIII",
        0x80,
        _SENDER_REPORT,
        6,
        report.ssrc,
        since_1900 & 0xFFFF_FFFF_FFFF_FFFF,
        report.timestamp,
        packets & 0xFFFF_FFFF,
        octets & 0xFFFF_FFFF,
    )
    name = b"gateway"
    items = bytes((1, len(name))) + name + b"\0"  # CNAME, then the end of the list
    items += b"\0" * (-len(items) % 4)
    description = struct.pack(">BBHI", 0x81, _SOURCE_DESCRIPTION, 1 + len(items) // 4, report.ssrc) + items
    return head + description


def receiver_report(ssrc: int) -> bytes:
    """An empty receiver report: a sign of life (section 6.4.2)."""
    return struct.pack(">BBHI", 0x80, 201, 1, ssrc)


def bye(ssrc: int) -> bytes:
    """The end of a stream (section 6.6)."""
    return struct.pack(">BBHI", 0x81, _BYE, 1, ssrc)
