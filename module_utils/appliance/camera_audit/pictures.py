"""Measures a video track from its RTP packets (RFC 3550, RFC 6184)."""

from __future__ import annotations

from .h264 import FU_A, IDR, PPS, SLICE, SPS, STAP_A, Broken, Sps, is_b_slice, parse_sps

_CLOCK = 90_000  # Hz; RFC 6184, 5.1
_HEAD = 32  # bytes of a NAL unit that are looked at: more than a slice header's first fields
_MOST_SPS_BYTES = 1024
_MOST_PICTURES = 20_000


class PictureMeter:
    """Counts pictures, keyframes and bytes; what is malformed is counted as bytes and otherwise left out."""

    def __init__(self) -> None:
        self.sps: Sps | None = None
        self.sets_in_band = False
        self.b_frames = False
        self.nal_bytes = 0
        self.keyframe_bytes = 0
        self.keyframe_numbers: list[int] = []
        self.times: list[int] = []
        """RTP timestamps of the pictures begun, without wrap."""
        self._sizes: list[int] = []
        self._stamp = -1
        self._last_stamp = 0
        self._is_key = False
        self._fragment_size = 0
        self._fragment_head = bytearray()
        self._kinds: set[int] = set()

    def push(self, packet: bytes) -> None:
        """Take one RTP packet."""
        payload = _payload(packet)
        if payload is None or len(self.times) >= _MOST_PICTURES:
            return
        stamp = int.from_bytes(packet[4:8], "big")
        if stamp != self._stamp:
            self._next(stamp)
        self._sizes[-1] += len(payload)
        self._take(payload)

    @property
    def is_keyframe_complete(self) -> bool:
        """Whether a keyframe has come as a whole, which is seen by what follows it."""
        return bool(self.keyframe_numbers) and self.keyframe_numbers[0] < len(self.times) - 1

    def second_keyframe_complete(self) -> bool:
        """Whether two keyframes have come as a whole."""
        return len(self.keyframe_numbers) > 1 and self.keyframe_numbers[1] < len(self.times) - 1

    def fps(self) -> float | None:
        """Pictures a second of media time; None with fewer than three."""
        span = (max(self.times) - min(self.times)) / _CLOCK if len(self.times) > 2 else 0
        return (len(self.times) - 1) / span if span > 0 else None

    def longest_gop(self) -> tuple[float, int] | None:
        """Seconds and pictures of the longest distance of two keyframes."""
        pairs = zip(self.keyframe_numbers, self.keyframe_numbers[1:], strict=False)
        gaps = [((self.times[b] - self.times[a]) / _CLOCK, b - a) for a, b in pairs]
        return max(gaps, default=None)

    def bitrate(self) -> float | None:
        """Bits a second, over whole distances of keyframes where there are any, otherwise over all."""
        keys = self.keyframe_numbers
        first, last = (keys[0], keys[-1]) if len(keys) > 1 else (0, len(self.times) - 1)
        span = (self.times[last] - self.times[first]) / _CLOCK if self.times else 0
        return sum(self._sizes[first:last]) * 8 / span if span > 0 else None

    def _next(self, stamp: int) -> None:
        self.finish()
        if self.times:
            # Nearest to the one before, so that a wrap is a step like any other.
            step = (stamp - self._stamp + (1 << 31)) % (1 << 32) - (1 << 31)
            self._last_stamp += step
        self.times.append(self._last_stamp)
        self._sizes.append(0)
        self._stamp, self._is_key = stamp, False
        self._fragment_size = 0

    def finish(self) -> None:
        """Count the picture that was begun."""
        if self._is_key:
            self.keyframe_bytes = max(self.keyframe_bytes, self._sizes[-1])

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        if 1 <= kind < STAP_A:
            self._nal(payload, len(payload))
        elif kind == STAP_A:
            at = 1
            while at + 2 < len(payload):
                size = payload[at] << 8 | payload[at + 1]
                nal = payload[at + 2 : at + 2 + size]
                if not nal:
                    return
                self._nal(nal, len(nal))
                at += 2 + size
        elif kind == FU_A and len(payload) > 2:
            if payload[1] & 0x80:
                self._fragment_head = bytearray([payload[0] & 0xE0 | payload[1] & 0x1F])
                self._fragment_size = 1
            if self._fragment_size:
                self._fragment_size += len(payload) - 2
                self._fragment_head += payload[2 : 2 + max(0, _MOST_SPS_BYTES - len(self._fragment_head))]
                if payload[1] & 0x40:
                    self._nal(bytes(self._fragment_head), self._fragment_size)
                    self._fragment_size = 0

    def _nal(self, head: bytes, size: int) -> None:
        kind = head[0] & 0x1F
        self.nal_bytes = max(self.nal_bytes, size)
        if kind in (SLICE, IDR) and is_b_slice(head[:_HEAD]):
            self.b_frames = True
        if kind == IDR and not self._is_key:
            self._is_key = True
            self.keyframe_numbers.append(len(self.times) - 1)
        elif kind in (SPS, PPS):
            self._kinds.add(kind)
            self.sets_in_band = {SPS, PPS} <= self._kinds
            if kind == SPS:
                self._see(head[:_MOST_SPS_BYTES])

    def _see(self, nal: bytes) -> None:
        try:
            self.sps = parse_sps(nal)
        except Broken:
            return


def _payload(packet: bytes) -> bytes | None:
    """What follows the RTP header (RFC 3550, 5.1), without padding; None for what is no RTP packet."""
    if len(packet) < 13 or packet[0] >> 6 != 2:
        return None
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < at + 4:
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[at:end] or None
