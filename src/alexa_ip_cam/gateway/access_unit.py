"""From received RTP packets to access units, and from NAL units to the payloads that viewers get.

An access unit (one picture) ends where the RTP timestamp changes: LIVE555 sets the marker on every slice. It also makes
timestamps anew from the camera's clock, and where a sender report comes amid a picture, those of the slices after it
are off by some ticks; so a change ends a picture only when what follows may begin one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from alexa_ip_cam.gateway.h264 import (
    DELIMITER,
    FILLER,
    IDR_SLICE,
    PICTURE_TYPES,
    PPS,
    SLICE,
    SPS,
    ParameterSets,
    nal_type,
)
from alexa_ip_cam.gateway.rtp import RtpPacket

_STAP_A, _FU_A = 24, 28
_LARGEST_UNIT = 4 << 20  # LIVE555 passes pictures of at most 400 000 bytes
_MOST_NALS = 512
_WITHIN_PICTURE = 900  # ticks of 90 kHz: less than from one picture to the next
_TIMESTAMPS = 1 << 32


@dataclass(slots=True, eq=False)
class Unit:
    """One picture, or one packet of sound, ready to be sent.

    Attributes:
        video: whether it is a picture.
        capture: when it was captured, in seconds on this machine's monotonic clock.
        keyframe: whether a decoder can start here; the parameter sets are in it then.
        payloads: RTP payloads in order.
        size: bytes of all payloads.
        marker: whether the last packet carries the marker bit.
    """

    video: bool
    capture: float
    keyframe: bool
    payloads: tuple[bytes, ...]
    size: int
    marker: bool = True


@dataclass(slots=True)
class Picture:
    """A complete picture as received.

    Attributes:
        timestamp: its RTP timestamp.
        arrival: when its first packet arrived, monotonic seconds.
        nals: its NAL units; a keyframe has its parameter sets.
        keyframe: whether a decoder can start here.
    """

    timestamp: int
    arrival: float
    nals: list[bytes]
    keyframe: bool


class PictureAssembler:
    """Collects RTP packets of H.264 (RFC 6184: single NAL unit, STAP-A, FU-A) into pictures.

    Args:
        sets: parameter sets known so far (from the SDP); kept up to date from the stream.
        emit: called with each picture, when the first packet of the next one arrives.
    """

    def __init__(self, sets: ParameterSets, emit: Callable[[Picture], None]) -> None:
        self.sets = sets
        self.damaged = 0  # pictures given up because a part was missing or malformed
        self._emit = emit
        self._nals: list[bytes] = []
        self._size = 0
        self._timestamp: int | None = None  # of the packet before
        self._first_timestamp = 0  # of this picture
        self._arrival = 0.0
        self._broken = False
        self._fragments: bytearray | None = None
        self._next_sequence: int | None = None
        self._ssrc: int | None = None

    def push(self, packet: RtpPacket, arrival: float) -> None:
        """Take the next packet, which arrived now (monotonic seconds)."""
        if packet.ssrc != self._ssrc:
            self._ssrc, self._next_sequence = packet.ssrc, None
        gap = self._next_sequence is not None and packet.sequence != self._next_sequence
        self._next_sequence = (packet.sequence + 1) & 0xFFFF
        if packet.timestamp != self._timestamp:
            if gap:
                self._broken = True  # the end of the picture before may be what is missing, and so may our start
            if gap or not self._goes_on(packet):
                self._finish()
                self._first_timestamp, self._arrival = packet.timestamp, arrival
            self._timestamp = packet.timestamp
        if gap:
            self._broken, self._fragments = True, None
        if packet.payload:
            self._take(packet.payload)

    def _goes_on(self, packet: RtpPacket) -> bool:
        """Whether this packet, whose timestamp is another, still belongs to the picture before."""
        if self._timestamp is None or not self._nals:
            return False
        step = (packet.timestamp - self._timestamp + _TIMESTAMPS // 2) % _TIMESTAMPS - _TIMESTAMPS // 2
        return abs(step) < _WITHIN_PICTURE and _amid_picture(packet.payload)

    def _take(self, payload: memoryview) -> None:
        kind = payload[0] & 0x1F
        if 1 <= kind < _STAP_A:
            self._whole(bytes(payload))
        elif kind == _FU_A:
            self._fragment(payload)
        elif kind == _STAP_A:
            self._aggregate(payload)
        else:
            self._broken = True  # STAP-B, MTAP and FU-B belong to interleaved mode, which no camera uses

    def _aggregate(self, payload: memoryview) -> None:
        at, end = 1, len(payload)
        while at + 2 < end:
            size = payload[at] << 8 | payload[at + 1]
            at += 2
            if not 0 < size <= end - at:
                self._broken = True
                return
            self._whole(bytes(payload[at : at + size]))
            at += size

    def _fragment(self, payload: memoryview) -> None:
        if len(payload) < 3:
            self._broken, self._fragments = True, None
            return
        head = payload[1]
        if head & 0x80:  # start
            if self._fragments is not None:
                self._broken = True
            self._fragments = bytearray(((payload[0] & 0xE0) | (head & 0x1F),))
        if self._fragments is None:
            self._broken = True
            return
        self._fragments += payload[2:]
        if self._size + len(self._fragments) > _LARGEST_UNIT:
            self._broken, self._fragments = True, None
        elif head & 0x40:  # end
            nal, self._fragments = bytes(self._fragments), None
            self._whole(nal)

    def _whole(self, nal: bytes) -> None:
        kind = nal_type(nal)
        if kind in {DELIMITER, FILLER}:
            return
        self._size += len(nal)
        if self._size > _LARGEST_UNIT or len(self._nals) >= _MOST_NALS:
            self._broken = True
            return
        if kind in {SPS, PPS}:
            self.sets.learn(nal)
        self._nals.append(nal)

    def _finish(self) -> None:
        if self._fragments is not None:
            self._broken, self._fragments = True, None
        types = {nal_type(nal) for nal in self._nals}
        if self._broken:
            self.damaged += 1
        elif types.isdisjoint(PICTURE_TYPES):
            # Parameter sets or SEI with a timestamp of their own belong to the picture that follows.
            return
        else:
            keyframe = IDR_SLICE in types and self.sets.complete
            nals = self._with_sets(types) if keyframe else self._nals
            self._emit(Picture(self._first_timestamp, self._arrival, nals, keyframe))
        self._nals, self._size, self._broken = [], 0, False

    def _with_sets(self, types: set[int]) -> list[bytes]:
        if {SPS, PPS} <= types:
            return self._nals
        rest = [nal for nal in self._nals if nal_type(nal) not in {SPS, PPS}]
        return [*self.sets.in_order(), *rest]


def _amid_picture(payload: memoryview) -> bool:
    """Whether it begins with a slice that is not its picture's first: first_mb_in_slice, Exp-Golomb coded, is not 0."""
    if payload and payload[0] & 0x1F == _FU_A:
        payload = payload[1:] if payload[1:2].tobytes() >= b"\x80" else payload[:0]
    elif payload and payload[0] & 0x1F == _STAP_A:
        payload = payload[3:]
    return len(payload) > 1 and payload[0] & 0x1F in {SLICE, IDR_SLICE} and not payload[1] & 0x80


def packetise(nals: Iterable[bytes], largest: int) -> tuple[bytes, ...]:
    """RTP payloads of at most ``largest`` bytes for these NAL units (RFC 6184 sections 5.6 and 5.8)."""
    payloads: list[bytes] = []
    for nal in nals:
        if len(nal) <= largest:
            payloads.append(nal)
            continue
        indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
        room = largest - 2
        for at in range(1, len(nal), room):
            edge = (0x80 if at == 1 else 0) | (0x40 if at + room >= len(nal) else 0)
            payloads.append(bytes((indicator, edge | kind)) + nal[at : at + room])
    return tuple(payloads)
