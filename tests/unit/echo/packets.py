"""RTP and RTCP bytes for the tests, written down here apart from the code under test (RFC 3550, RFC 6184)."""

import struct
from collections.abc import Iterable, Sequence

SSRC = 0x11223344
SPS = bytes.fromhex("6742c01fda014016e8")
PPS = bytes.fromhex("68ce3c80")


def rtp(
    sequence: int, timestamp: int, payload: bytes, *, marker: bool = False, ssrc: int = SSRC, payload_type: int = 96
) -> bytes:
    """One RTP packet."""
    head = struct.pack(">BBHII", 0x80, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + payload


def fragments(nal: bytes, size: int) -> list[bytes]:
    """FU-A payloads of a NAL unit, ``size`` bytes of it in each."""
    body = nal[1:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    indicator = nal[0] & 0xE0 | 28
    last = len(pieces) - 1
    return [
        bytes([indicator, (number == 0) << 7 | (number == last) << 6 | nal[0] & 0x1F]) + piece
        for number, piece in enumerate(pieces)
    ]


def aggregate(nals: Iterable[bytes]) -> bytes:
    """A STAP-A payload."""
    return b"\x78" + b"".join(len(nal).to_bytes(2) + nal for nal in nals)


def payloads(nals: Sequence[bytes], size: int) -> list[bytes]:
    """Payloads for one picture: small NAL units alone, large ones in fragments."""
    return [piece for nal in nals for piece in ([nal] if len(nal) <= size else fragments(nal, size))]


def sender_report(ntp: float, timestamp: int, *, ssrc: int = SSRC) -> bytes:
    """A sender report followed by a source description, as servers send them."""
    seconds = int(ntp)
    fraction = int((ntp - seconds) * 2**32)
    report = struct.pack(">BBHIIIIII", 0x80, 200, 6, ssrc, seconds, fraction, timestamp & 0xFFFFFFFF, 0, 0)
    return report + struct.pack(">BBHI", 0x81, 202, 2, ssrc) + b"\x01\x01x\x00"


def goodbye(*, ssrc: int = SSRC) -> bytes:
    """RTCP BYE."""
    return struct.pack(">BBHI", 0x81, 203, 1, ssrc)


def interleaved(channel: int, data: bytes) -> bytes:
    """A packet as it travels between RTSP messages."""
    return b"$" + struct.pack(">BH", channel, len(data)) + data
