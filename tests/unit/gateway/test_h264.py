"""What is read in slices, beside what ffprobe reads there."""

import re
import subprocess

import pytest

from alexa_ip_cam.gateway.h264 import IDR_SLICE, SLICE, begins_b_picture, nal_type

_FILM = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=25", "-t", "4", "-c:v", "libx264")
_KINDS = ("-show_frames", "-show_entries", "frame=pict_type", "-of", "csv=p=0")


@pytest.mark.parametrize("options", ["-bf 3", "-bf 0", "-bf 3 -x264-params slices=4", "-profile:v baseline"])
def test_b_pictures_are_told_from_others(options: str) -> None:
    encode = ["ffmpeg", "-v", "error", *_FILM, *options.split(), "-f", "h264", "-"]
    film = subprocess.run(encode, check=True, capture_output=True).stdout
    look = ["ffprobe", "-v", "error", *_KINDS, "-f", "h264", "-"]
    looked = subprocess.run(look, check=True, input=film, capture_output=True).stdout
    expected = re.findall(rb"^[IPB]", looked, re.MULTILINE)
    nals = [nal.rstrip(b"\0") for nal in re.split(b"\0\0\1", film)[1:]]
    pictures = [nal for nal in nals if nal_type(nal) in {SLICE, IDR_SLICE} and nal[1] & 0x80]
    assert len(pictures) == len(expected) == 100
    assert sum(begins_b_picture([b"\x06\x05\x80", nal]) for nal in pictures) == expected.count(b"B")


def test_what_has_no_slice_begins_no_b_picture() -> None:
    assert not begins_b_picture([])
    assert not begins_b_picture([b"\x06\xa0", b"\x41"])
