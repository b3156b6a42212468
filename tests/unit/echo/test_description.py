"""What the player reads out of a session description, and what it dies of."""

import base64

import pytest

from simulators.echo.fatal import FatalCheck
from simulators.echo.sdp import Sdp, parse_sdp
from simulators.echo.versions import ANDROID_5, ANDROID_7, ANDROID_11
from unit.echo.packets import PPS, SPS

SPROP = f"{base64.b64encode(SPS).decode()},{base64.b64encode(PPS).decode()}"
SESSION = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\na=control:*\r\nt=0 0\r\n"
VIDEO = (
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    f"a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets={SPROP}\r\na=control:track1\r\n"
)
AAC = (
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\n"
    "a=fmtp:97 streamtype=5;mode=AAC-hbr;sizeLength=13;indexLength=3;indexDeltaLength=3;config=1408\r\n"
    "a=control:track2\r\n"
)
PCMA = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track2\r\n"


def parsed(text: str) -> Sdp:
    return parse_sdp(text.encode())


def test_clean_description() -> None:
    sdp = parsed(SESSION + VIDEO + AAC)
    assert sdp.live
    assert sdp.control == "*"
    assert [(track.index, track.media, track.control, track.refused) for track in sdp.tracks] == [
        (1, "video", "track1", ""),
        (2, "audio", "track2", ""),
    ]
    assert sdp.tracks[0].parameter_sets == [SPS, PPS]
    assert sdp.tracks[0].form.rate == 90_000
    assert sdp.tracks[1].form.rate == 16_000


def test_bare_line_feeds_do() -> None:
    assert parsed((SESSION + VIDEO).replace("\r\n", "\n")).tracks[0].refused == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\n" + VIDEO,
        SESSION + "\r\n" + VIDEO,
        SESSION + "x\r\n" + VIDEO,
        SESSION + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
        SESSION + VIDEO.replace("96 H264", "96"),
        SESSION + VIDEO.replace("a=control:track1\r\n", ""),
        SESSION + VIDEO.replace("H264/90000", "H264"),
        SESSION + VIDEO.replace("42C01F", "42C0"),
        SESSION + VIDEO.replace(SPROP, SPROP.rstrip("=")),
        SESSION + VIDEO.replace(SPROP, SPROP + ","),
        SESSION + VIDEO.replace(SPROP, ",".join(reversed(SPROP.split(",")))),
        SESSION + VIDEO.replace(SPROP, SPROP + "," + base64.b64encode(b"\x06abc").decode()),
        SESSION + AAC.replace(";config=1408", ""),
        SESSION + AAC.replace("16000", "17000"),
        SESSION + AAC.replace("sizeLength=13;", ""),
        SESSION + AAC.replace("indexLength=3;", ""),
        SESSION + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/16000\r\na=control:1\r\n",
    ],
    ids=[
        "empty", "version", "empty line", "short line", "datachannel", "no blank in rtpmap", "no control", "no clock",
        "short profile", "unpadded sprop", "trailing comma", "PPS first", "SEI in sprop", "AAC without config",
        "AAC rate", "AAC without sizeLength", "AAC without indexLength", "LATM without config",
    ],
)  # fmt: skip
def test_fatal(text: str) -> None:
    with pytest.raises(FatalCheck):
        parsed(text)


@pytest.mark.parametrize(
    "media",
    [
        VIDEO.replace("H264/", "h264/"),
        VIDEO.replace("H264/", "H265/"),
        VIDEO.replace(f";sprop-parameter-sets={SPROP}", ""),
        VIDEO.replace("a=rtpmap:96 H264/90000\r\n", ""),
        AAC.replace("AAC-hbr", "CELP-vbr"),
        AAC.replace("MPEG4-GENERIC", "mpeg4-generic"),
        PCMA.replace("PCMA/8000", "L16/8000"),
        PCMA.replace("PCMA/8000", "AMR/16000"),
        PCMA.replace("PCMA/8000", "opus/48000/2"),
    ],
    ids=["lower case", "H265", "no sprop", "no rtpmap", "AAC mode", "aac lower case", "L16", "AMR rate", "opus"],
)
def test_refused_track_is_skipped(media: str) -> None:
    tracks = parsed(SESSION + media + PCMA).tracks
    assert tracks[0].refused
    assert tracks[1].refused == ""


def test_framesize_replaces_sprop() -> None:
    text = VIDEO.replace(f";sprop-parameter-sets={SPROP}", "") + "a=framesize:96 1280-720\r\n"
    assert parsed(SESSION + text).tracks[0].refused == ""


def test_last_line_without_line_feed_is_lost() -> None:
    with pytest.raises(FatalCheck, match="control"):
        parsed((SESSION + VIDEO).removesuffix("\r\n"))


@pytest.mark.parametrize(
    ("line", "live"),
    [
        ("a=range:npt=now-\r\n", True),
        ("a=range:clock=20260101T000000Z-\r\n", True),
        ("a=range:npt=0-\r\n", False),
        ("a=range:npt=0-12.5\r\n", False),
        ("a=range:npt=0-\r\na=LiveStream:integer;1\r\n", True),
    ],
)
def test_live_or_film(line: str, live: bool) -> None:
    assert parsed(SESSION + line + VIDEO).live is live


def test_range_of_a_track_does_not_count() -> None:
    assert parsed(SESSION + VIDEO + "a=range:npt=0-\r\n").live


def test_android_5_aborts_without_rtpmap() -> None:
    text = SESSION + VIDEO + PCMA.replace("a=rtpmap:8 PCMA/8000\r\n", "")
    assert parse_sdp(text.encode(), ANDROID_7).tracks[1].refused
    with pytest.raises(FatalCheck, match="rtpmap"):
        parse_sdp(text.encode(), ANDROID_5)


def test_android_11_ignores_a_short_profile_and_knows_range_with_colon() -> None:
    text = SESSION + "a=range:npt:0-\r\n" + VIDEO.replace("42C01F", "42C0")
    assert not parse_sdp(text.encode(), ANDROID_11).live
