"""NAL units of H.264 (ITU-T H.264 section 7) and the parameter sets a decoder must have first."""

import base64
import binascii
from collections.abc import Iterable

SLICE, IDR_SLICE, SPS, PPS, DELIMITER, FILLER = 1, 5, 7, 8, 9, 12
PICTURE_TYPES = frozenset(range(1, 6))

_LARGEST_PARAMETER_SET = 4096  # they take some tens of bytes; a scaling matrix some hundreds


def nal_type(nal: bytes) -> int:
    """The type of a NAL unit that is not empty."""
    return nal[0] & 0x1F


def begins_b_picture(nals: Iterable[bytes]) -> bool:
    """Whether the first slice is bidirectionally predicted: such a picture is sent after one that is shown later."""
    first = next((nal for nal in nals if nal_type(nal) in {SLICE, IDR_SLICE}), b"")
    # first_mb_in_slice 0, then slice_type 1 or 6, both Exp-Golomb coded (ITU-T H.264 sections 7.3.3 and 9.1).
    return len(first) > 1 and (first[1] & 0xF0 == 0b1010_0000 or first[1] & 0xFC == 0b1001_1100)


class ParameterSets:
    """The latest sequence and picture parameter sets of a stream, by their ids."""

    def __init__(self) -> None:
        self._sequence: dict[int, bytes] = {}
        self._picture: dict[int, bytes] = {}

    def learn(self, nal: bytes) -> None:
        """Keep the NAL unit if it is a parameter set; anything else is passed over."""
        kind = nal_type(nal)
        if kind not in {SPS, PPS} or len(nal) > _LARGEST_PARAMETER_SET:
            return
        # The id stands right behind the header: three bytes of profile and level come first in an SPS.
        number = _unsigned_exp_golomb(nal[4:12] if kind == SPS else nal[1:9])
        if number is None:
            return
        if kind == SPS and number < 32:
            self._sequence[number] = nal
        elif kind == PPS and number < 256:
            self._picture[number] = nal

    @property
    def complete(self) -> bool:
        """Whether a decoder could start with these."""
        return bool(self._sequence and self._picture)

    def in_order(self) -> list[bytes]:
        """Every set, the sequence's before the pictures'."""
        return [*self._sequence.values(), *self._picture.values()]

    @property
    def profile_level_id(self) -> str:
        """Profile, constraints and level of the first SPS, six hexadecimal digits (RFC 6184 section 8.1)."""
        return next(iter(self._sequence.values()))[1:4].hex().upper()

    @property
    def sprop(self) -> str:
        """The value of sprop-parameter-sets: padded base64, SPS first (RFC 6184 section 8.1)."""
        return ",".join(base64.b64encode(nal).decode() for nal in self.in_order())


def sets_from_sprop(value: str) -> list[bytes]:
    """The NAL units in a sprop-parameter-sets value; items that are not base64 are passed over."""
    nals = []
    for item in value.split(","):
        item = item.strip().rstrip("=")  # noqa: PLW2901
        try:
            nal = base64.b64decode(item + "=" * (-len(item) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if nal:
            nals.append(nal)
    return nals


def annex_b(nals: Iterable[bytes]) -> bytes:
    """A byte stream with start codes (annex B), as decoders' command lines take it."""
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def _unsigned_exp_golomb(data: bytes) -> int | None:
    """The ue(v) number (section 9.1) that ``data`` begins with; None when it is not whole."""
    bits = len(data) * 8
    value = int.from_bytes(data, "big")
    zeros = bits - value.bit_length()
    if 2 * zeros + 1 > bits:
        return None
    return (value >> (bits - 2 * zeros - 1)) - 1
