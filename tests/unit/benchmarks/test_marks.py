"""Reading a stream for markers only."""

from __future__ import annotations

import pytest

from benchmarks.marks import Marks
from world import sei

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nv=0\n"


def interleaved(channel: int, payload: bytes) -> bytes:
    """A packet with an RTP header of twelve bytes."""
    data = bytes(12) + payload
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


def stap_a(*nals: bytes) -> bytes:
    """RFC 6184, section 5.7.1."""
    return b"\x18" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


STREAM = (
    ANSWER
    + interleaved(0, sei.build(7, 1_500_000_000))
    + interleaved(1, b"a report")
    + interleaved(0, b"\x65" + bytes(1400))
    + interleaved(0, stap_a(b"\x67sps", sei.build(8, 2_000_000_000)))
)


@pytest.mark.parametrize("size", [1, 7, 64, len(STREAM)])
def test_frames_and_answers_however_the_bytes_come(size: int) -> None:
    marks = Marks()
    for at in range(0, len(STREAM), size):
        marks.feed(STREAM[at : at + size], 3.0)
    assert [(frame.number, frame.captured, frame.at) for frame in marks.frames] == [(7, 1.5, 3.0), (8, 2.0, 3.0)]
    assert list(marks.answers) == [ANSWER]
    assert marks.received == len(STREAM)


def test_another_channel_is_not_looked_at() -> None:
    marks = Marks()
    marks.feed(interleaved(2, sei.build(1, 1)), 0.0)
    assert marks.frames == []


def test_stray_bytes_are_told() -> None:
    with pytest.raises(ValueError, match="neither packet nor message"):
        Marks().feed(b"\r\nRTSP/1.0 200 OK\r\n\r\n", 0.0)
