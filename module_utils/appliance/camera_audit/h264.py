"""The few fields of H.264 (ITU-T H.264) that the audit reads."""

from __future__ import annotations

import dataclasses

SLICE, IDR, SPS, PPS = 1, 5, 7, 8
STAP_A, FU_A = 24, 28

_B_SLICES = (1, 6)  # slice_type, table 7-6
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)  # 7.3.2.1.1
_NAMES = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2", 244: "High 4:4:4"}
_SIDE_MOST = 16384


class Broken(ValueError):  # noqa: N818 - reads as what it is
    """The bits end too early, or make no sense."""


@dataclasses.dataclass(frozen=True)
class Sps:
    """profile: its name (annex A.2); level: level_idc, 31 for 3.1; width and height in pixels after cropping."""

    profile: str
    level: int
    width: int
    height: int


class _Bits:
    def __init__(self, nal: bytes) -> None:
        # 7.3.1: 00 00 03 stands for 00 00.
        self._data = nal.replace(b"\0\0\x03", b"\0\0")
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte = self._at >> 3
            if byte >= len(self._data):
                raise Broken("it ends too early")
            value = value << 1 | self._data[byte] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def ue(self) -> int:
        """An exp-Golomb number (9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:
                raise Broken("a number is too large")
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        """A signed one (9.1.1)."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set with its NAL header (7.3.2.1.1). Raises Broken."""
    if len(nal) < 4 or nal[0] & 0x1F != SPS:
        raise Broken("it is no sequence parameter set")
    profile_idc, flags, level = nal[1], nal[2], nal[3]
    bits = _Bits(nal[4:])
    bits.ue()
    chroma, separate = 1, 0
    if profile_idc in _WITH_CHROMA:
        chroma = bits.ue()
        separate = bits.take(1) if chroma == 3 else 0
        bits.ue()
        bits.ue()
        bits.take(1)
        if bits.take(1):
            for number in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.ue()
    _skip_picture_order(bits)
    bits.ue()
    bits.take(1)
    wide, high = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    width, height = wide * 16, high * 16 * (2 - frames_only)
    if bits.take(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        across, down = (1, 1) if separate or chroma in (0, 3) else (2, 2 if chroma == 1 else 1)
        width -= (left + right) * across
        height -= (top + bottom) * down * (2 - frames_only)
    if not (0 < width <= _SIDE_MOST and 0 < height <= _SIDE_MOST):
        raise Broken("its size makes no sense")
    return Sps(_profile(profile_idc, flags), level, width, height)


def is_b_slice(nal: bytes) -> bool:
    """Whether a slice's NAL unit is of a B picture (slice header, 7.3.3); False when it cannot be read."""
    try:
        bits = _Bits(nal[1:24])
        bits.ue()
        return bits.ue() in _B_SLICES
    except Broken:
        return False


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.take(1)
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise Broken("a count is too large")
        for _ in range(count):
            bits.se()


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _profile(idc: int, flags: int) -> str:
    if idc == 66 and flags & 0x40:
        return "Constrained Baseline"
    return _NAMES.get(idc, f"profile {idc}")
