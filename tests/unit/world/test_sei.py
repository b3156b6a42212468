from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from world import sei

WORDS = st.integers(min_value=0, max_value=2**64 - 1)


@given(WORDS, WORDS)
def test_a_marker_gives_back_its_numbers(frame: int, unix_ns: int) -> None:
    assert sei.parse(sei.build(frame, unix_ns)) == (frame, unix_ns)


def test_a_marker_is_laid_out_as_the_standard_says() -> None:
    nal = sei.build(0x1234, 0xABCD)
    assert nal[0] & 0x1F == 6, "nal_unit_type SEI"
    assert nal[1] == 5, "payloadType user_data_unregistered"
    assert nal[2] == 48, "payloadSize"
    assert nal[3:19] == sei.UUID
    assert nal[19:51] == b"0000000000001234000000000000abcd"
    assert nal[51:] == b"\x80", "rbsp_trailing_bits"


@given(WORDS, WORDS)
def test_a_marker_needs_no_emulation_prevention(frame: int, unix_ns: int) -> None:
    assert 0 not in sei.build(frame, unix_ns)


@pytest.mark.parametrize(
    "nal",
    [b"", b"\x06", b"\x65\x88\x84", b"\x06\x05\x30" + bytes(range(1, 17)) + b"0" * 32 + b"\x80", b"\x06\x01\x04abcd"],
)
def test_another_nal_unit_is_no_marker(nal: bytes) -> None:
    assert sei.parse(nal) is None


@pytest.mark.parametrize("cut", [1, 2, 20])
def test_a_damaged_marker_is_an_error(cut: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        sei.parse(sei.build(1, 2)[:-cut])


@pytest.mark.parametrize("number", [-1, 2**64])
def test_numbers_beyond_64_bits_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        sei.build(number, 0)
