"""Descriptions: LIVE555's are read, ours have what an Echo's player needs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.gateway import sdp
from alexa_ip_cam.gateway.h264 import ParameterSets, sets_from_sprop
from simulators.echo.sdp import parse_sdp
from simulators.echo.versions import VERSIONS, Version
from unit.gateway.virtual import PPS, SPS

LIVE555 = """v=0
o=- 1700000000 1 IN IP4 127.0.0.1
s=LIVE555 Streaming Media v2024.06.26
t=0 0
a=tool:LIVE555
a=type:broadcast
a=control:*
a=range:npt=now-
m=video 0 RTP/AVP 96
c=IN IP4 0.0.0.0
b=AS:500
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==
a=control:track1
m=audio 0 RTP/AVP 97
a=rtpmap:97 mpeg4-generic/16000/1
a=fmtp:97 streamtype=5;mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3
a=control:track2
m=application 0 RTP/AVP 107
a=control:track3
"""


AAC = ";sizelength=13;indexlength=3;indexdeltalength=3"


def sets() -> ParameterSets:
    known = ParameterSets()
    known.learn(PPS)
    known.learn(SPS)
    return known


def test_live555s_description() -> None:
    description = sdp.parse(LIVE555)
    video, sound, other = description.media
    assert description.control == "*"
    assert [media.control for media in description.media] == ["track1", "track2", "track3"]
    assert video.is_h264
    assert not video.is_playable_sound
    assert sets_from_sprop(video.parameters()["sprop-parameter-sets"]) == [SPS, PPS]
    assert sound.is_playable_sound
    assert (sound.encoding, sound.rate, sound.channels) == ("MPEG4-GENERIC", 16000, "/1")
    assert not other.is_playable_sound


@pytest.mark.parametrize(
    ("lines", "playable"),
    [
        ("m=audio 0 RTP/AVP 0", True),
        ("m=audio 0 RTP/AVP 8", True),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 PCMA/8000", True),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 PCMU/16000", False),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 L16/8000", False),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 G726-32/8000", False),
        ("m=audio 0 RTP/AVP 97", False),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000", False),
        ("m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr", False),
        (f"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr;config=1408{AAC}", True),
        (f"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr;config=14{AAC}", False),
        (f"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/7350\na=fmtp:97 mode=AAC-hbr;config=1408{AAC}", False),
        (f"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 mode=CELP;config=1408{AAC}", False),
    ],
)
def test_sound_that_an_echo_plays(lines: str, playable: bool) -> None:
    (media,) = sdp.parse(lines).media
    assert media.is_playable_sound is playable


@pytest.mark.parametrize("version", list(VERSIONS.values()), ids=list(VERSIONS))
@pytest.mark.parametrize("sound", [None, 1], ids=["picture", "picture and sound"])
def test_the_echo_takes_ours(version: Version, sound: int | None) -> None:
    media = sdp.parse(LIVE555).media[1] if sound else None
    text = sdp.write("front-porch", 7, sets(), media)
    parsed = parse_sdp(text, version)
    assert parsed.live
    assert [track.refused for track in parsed.tracks] == [""] * (2 if sound else 1)
    assert list(parsed.tracks[0].parameter_sets) == [SPS, PPS]


def test_ours_line_by_line() -> None:
    lines = sdp.write("front-porch", 7, sets(), sdp.parse("m=audio 0 RTP/AVP 8").media[0]).decode().split("\r\n")
    assert lines[-1] == ""
    assert not any(line.startswith("a=range") for line in lines)
    assert lines[6:10] == [
        "m=video 0 RTP/AVP 96",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==",
        "a=control:track1",
    ]
    assert lines[10:13] == ["m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=control:track2"]


@given(st.text(max_size=300))
def test_anything_can_be_read(text: str) -> None:
    for line in (text, LIVE555 + text, text.replace("\n", "\na=fmtp:96 ")):
        for media in sdp.parse(line).media:
            assert all(nal for nal in sets_from_sprop(media.parameters().get("sprop-parameter-sets", "")))
            assert not (media.is_h264 and media.is_playable_sound)
