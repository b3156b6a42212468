"""The marker that every picture of a simulated camera carries.

An SEI NAL unit of type user_data_unregistered (ITU-T H.264, D.1.7): a constant UUID, then 32 ASCII hexadecimal
digits, 16 for the frame's number and 16 for its capture time. Neither the UUID nor the digits contain a zero byte,
so that the NAL unit never needs emulation prevention and is the same on every path.
"""

from __future__ import annotations

UUID = bytes.fromhex("6b1f94d2a8c34e7591b7e2f35d8a46cc")

_NAL_TYPE_SEI = 6
_USER_DATA_UNREGISTERED = 5
_DIGITS = 16
_SIZE = len(UUID) + 2 * _DIGITS
_HEAD = bytes([_NAL_TYPE_SEI, _USER_DATA_UNREGISTERED, _SIZE]) + UUID
_TRAILING_BITS = b"\x80"


def build(frame: int, unix_ns: int) -> bytes:
    """Return the NAL unit (without start code) for frame number `frame`, captured at `unix_ns` nanoseconds.

    Raises ValueError when a number is negative or needs more than 64 bits.
    """
    for number in (frame, unix_ns):
        if not 0 <= number < 1 << 64:
            raise ValueError(f"{number} does not fit into 64 bits")
    return _HEAD + b"%016x%016x" % (frame, unix_ns) + _TRAILING_BITS


def parse(nal: bytes) -> tuple[int, int] | None:
    """Return (frame number, capture time in Unix nanoseconds), or None when `nal` is not such a marker.

    Raises ValueError when it is one, but damaged.
    """
    if nal[0:1] != _HEAD[0:1] or nal[1 : len(_HEAD)] != _HEAD[1:]:
        return None
    digits = nal[len(_HEAD) : len(_HEAD) + 2 * _DIGITS]
    if len(digits) != 2 * _DIGITS or nal[len(_HEAD) + 2 * _DIGITS :] != _TRAILING_BITS:
        raise ValueError(f"damaged marker of {len(nal)} bytes")
    return int(digits[:_DIGITS], 16), int(digits[_DIGITS:], 16)
