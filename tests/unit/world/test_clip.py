from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import SandboxError
from world.clip import Clip, access_units, split_annex_b
from world.clips import check_clip
from world.profiles import Profile

DELIMITER = b"\x09\xf0"
SPS = b"\x67\x42\xc0\x1f\x01"
PPS = b"\x68\xce\x3c\x80"
FIRST_MB = 0x80  # ue(v) 0
LATER_MB = 0x40  # ue(v) 1


def picture(kind: int, *, size: int = 20, slices: int = 1) -> list[bytes]:
    return [bytes([kind, FIRST_MB if n == 0 else LATER_MB]) + b"\x11" * (size - 2) for n in range(slices)]


def annex_b(nals: list[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def loop(gops: int, gop: int, *, keyframe_size: int = 20) -> Clip:
    pictures = []
    for number in range(gops * gop):
        nals = (
            [SPS, PPS, *picture(0x65, size=keyframe_size - 9)] if number % gop == 0 else picture(0x41, size=5 + number)
        )
        pictures.append(tuple(nals))
    return Clip(tuple(pictures))


def test_nal_units_are_split_at_start_codes_of_either_length() -> None:
    assert split_annex_b(b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\0\1\x65\x88\x80") == [SPS, PPS, b"\x65\x88\x80"]


def test_slices_of_one_picture_stay_together() -> None:
    first = [DELIMITER, SPS, PPS, *picture(0x65, slices=4)]
    second = [DELIMITER, *picture(0x41, slices=4)]
    third = [*picture(0x41, slices=2)]
    assert access_units([*first, *second, *third]) == [first, second, third]


def test_a_frame_number_beyond_the_clip_wraps_around(tmp_path: Path) -> None:
    clip = loop(2, 3)
    path = tmp_path / "clip.h264"
    path.write_bytes(annex_b([nal for unit in clip.pictures for nal in unit]))
    loaded = Clip.load(path)
    assert loaded == clip
    assert loaded.nals(6 * 1_000_000_007 + 4) == clip.pictures[4]
    assert [loaded.is_keyframe(number) for number in range(6, 12)] == [True, False, False, True, False, False]
    assert loaded.parameter_sets() == (SPS, PPS)


@pytest.mark.parametrize("stream", [b"", annex_b(picture(0x41))])
def test_a_clip_must_begin_with_a_keyframe(tmp_path: Path, stream: bytes) -> None:
    path = tmp_path / "clip.h264"
    path.write_bytes(stream)
    with pytest.raises(ValueError, match="does not begin with a keyframe"):
        Clip.load(path)


def profile(**changes: object) -> Profile:
    return Profile(**{"name": "P", "manufacturer": "M", "model": "m", "path": "/p", "gop": 3, "gops": 2} | changes)  # type: ignore[arg-type]


def test_a_clip_as_ordered_passes() -> None:
    check_clip(loop(2, 3, keyframe_size=100), profile(keyframe_bytes=(100, 100)))


@pytest.mark.parametrize("limits", [(101, 200), (1, 99)])
def test_keyframes_of_another_size_are_refused(limits: tuple[int, int]) -> None:
    with pytest.raises(SandboxError, match=r"keyframes of 100 to 100 bytes are not within"):
        check_clip(loop(2, 3, keyframe_size=100), profile(keyframe_bytes=limits))


@pytest.mark.parametrize("clip", [loop(3, 2), loop(1, 6), loop(1, 3)])
def test_keyframes_at_other_places_are_refused(clip: Clip) -> None:
    with pytest.raises(SandboxError, match="keyframes at"):
        check_clip(clip, profile())
