"""A recorded H.264 clip that a simulated camera plays in a loop, as access units and NAL units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

NAL_SLICE = 1
NAL_IDR_SLICE = 5
NAL_SEI = 6
NAL_SPS = 7
NAL_PPS = 8
NAL_DELIMITER = 9

_START_CODE = re.compile(rb"\x00\x00\x01")
NAL_SLICES = (NAL_SLICE, NAL_IDR_SLICE)


def nal_type(nal: bytes) -> int:
    """Return nal_unit_type (ITU-T H.264, table 7-1) of a NAL unit without start code."""
    return nal[0] & 0x1F


def split_annex_b(stream: bytes) -> list[bytes]:
    """Return the NAL units of a byte stream (ITU-T H.264, annex B), without start codes and zero padding."""
    starts = [match.end() for match in _START_CODE.finditer(stream)]
    ends = [*(start - 3 for start in starts[1:]), len(stream)][: len(starts)]
    # A NAL unit ends in a non-zero byte (7.4.1), so that zeros before a start code are padding.
    return [stream[start:end].rstrip(b"\0") for start, end in zip(starts, ends, strict=True)]


def access_units(nals: list[bytes]) -> list[list[bytes]]:
    """Group NAL units into pictures; a slice with first_mb_in_slice = 0 is a picture's first.

    Holds for streams without redundant pictures and arbitrary slice order, which no encoder used here makes.
    """
    units: list[list[bytes]] = []
    has_slice = True
    for nal in nals:
        is_slice = nal_type(nal) in NAL_SLICES
        # ue(v) 0 is the single bit 1, so the byte after the NAL header has its top bit set.
        first_slice = is_slice and bool(nal[1] & 0x80)
        if has_slice and (first_slice or not is_slice):
            units.append([])
            has_slice = False
        units[-1].append(nal)
        has_slice = has_slice or is_slice
    return units


@dataclass(frozen=True)
class Clip:
    """Pictures of a loop, in order; the first is a keyframe."""

    pictures: tuple[tuple[bytes, ...], ...]

    @classmethod
    def load(cls, path: Path) -> Clip:
        """Read an Annex B file. Raises ValueError when it does not begin with a keyframe."""
        pictures = tuple(tuple(unit) for unit in access_units(split_annex_b(path.read_bytes())))
        clip = cls(pictures)
        if not pictures or not clip.is_keyframe(0):
            raise ValueError(f"{path}: the clip does not begin with a keyframe")
        return clip

    def nals(self, frame_number: int) -> tuple[bytes, ...]:
        """Return the NAL units of frame `frame_number` as the camera sends them, without its `sei` marker."""
        return self.pictures[frame_number % len(self.pictures)]

    def is_keyframe(self, frame_number: int) -> bool:
        """Say whether frame `frame_number` is an IDR picture."""
        return any(nal_type(nal) == NAL_IDR_SLICE for nal in self.nals(frame_number))

    def parameter_sets(self) -> tuple[bytes, bytes]:
        """Return SPS and PPS of the first picture."""
        kinds = {nal_type(nal): nal for nal in self.nals(0)}
        return kinds[NAL_SPS], kinds[NAL_PPS]
