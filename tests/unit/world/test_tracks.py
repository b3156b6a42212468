from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from world import sei
from world.camera.tracks import AAC_CONFIG, Aac, Pcmu, Video, audio_track, split_adts
from world.clip import Clip

SPS = b"\x67\x42\xc0\x1f\x01"
PPS = b"\x68\xce\x3c\x80"
IDR = b"\x65\x88\x11"
DELTA = b"\x41\x9a\x11"
DELIMITER = b"\x09\xf0"


def video(pictures: list[list[bytes]], parameter_sets: str = "both") -> Video:
    return Video(Clip(tuple(map(tuple, pictures))), Fraction(30), parameter_sets, aggregate=False)


def split_lengths(unit: bytes) -> list[bytes]:
    nals = []
    while unit:
        length = int.from_bytes(unit[:4], "big")
        nals.append(unit[4 : 4 + length])
        unit = unit[4 + length :]
    return nals


def test_each_picture_begins_with_its_marker() -> None:
    track = video([[SPS, PPS, IDR], [DELTA]])
    assert split_lengths(track.unit(2, 77)) == [sei.build(2, 77), SPS, PPS, IDR]
    assert split_lengths(track.unit(3, 78)) == [sei.build(3, 78), DELTA]


def test_the_marker_follows_a_delimiter() -> None:
    track = video([[DELIMITER, SPS, PPS, IDR]])
    assert split_lengths(track.unit(0, 1)) == [DELIMITER, sei.build(0, 1), SPS, PPS, IDR]


@pytest.mark.parametrize(
    ("where", "in_band", "in_sdp"), [("both", True, True), ("band", True, False), ("sdp", False, True)]
)
def test_parameter_sets_are_where_the_profile_wants_them(where: str, in_band: bool, in_sdp: bool) -> None:
    track = video([[SPS, PPS, IDR]], where)
    assert (SPS in split_lengths(track.unit(0, 1))) is in_band
    assert (PPS in split_lengths(track.unit(0, 1))) is in_band
    assert (SPS.hex() in track.caps) is in_sdp
    assert (PPS.hex() in track.caps) is in_sdp


def test_mu_law_packets_follow_each_other_round_the_loop() -> None:
    samples = bytes(range(160)) + bytes(range(90, 250))
    track = Pcmu(samples)
    assert [track.unit(number, 0) for number in range(3)] == [samples[:160], samples[160:], samples[:160]]
    assert track.rate == 50


def adts(frame: bytes) -> bytes:
    # syncword without CRC, then LC at 16 kHz mono, then the 13-bit length over three bytes
    length = 7 + len(frame)
    return bytes([0xFF, 0xF1, 0x60, 0x40 | length >> 11, length >> 3 & 0xFF, (length & 7) << 5 | 0x1F, 0xFC]) + frame


def test_aac_frames_come_without_their_adts_headers(tmp_path: Path) -> None:
    frames = (b"a" * 90, b"b" * 300, b"c")
    path = tmp_path / "sound.aac"
    path.write_bytes(b"".join(map(adts, frames)))
    assert split_adts(path.read_bytes()) == frames
    track = audio_track("aac", path)
    assert [track.unit(number, 0) for number in range(4)] == [*frames, frames[0]]
    assert Aac(frames).rate == Fraction(125, 8)


def test_the_audio_config_says_lc_16_khz_mono() -> None:
    bits = int.from_bytes(AAC_CONFIG, "big")
    assert (bits >> 11, bits >> 7 & 15, bits >> 3 & 15) == (2, 8, 1)


def test_an_unknown_kind_of_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="opus"):
        audio_track("opus", path)
