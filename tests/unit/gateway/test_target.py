"""Request URIs and Transport headers, in every form that players send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.gateway.target import Channels, parse_transport, parse_uri


@pytest.mark.parametrize(
    ("uri", "authority", "camera", "token", "track", "plain"),
    [
        ("rtsp://h:443/cam/1-2", "h:443", "cam", "1-2", "", True),
        ("rtsp://h:443/cam/1-2/", "h:443", "cam", "1-2", "", True),
        ("rtsp://h:443//cam//1-2//track1/", "h:443", "cam", "1-2", "track1", True),
        ("RTSPS://[::1]:322/cam/1-2/track2", "[::1]:322", "cam", "1-2", "track2", True),
        ("rtsp://h/cam/1-2?a=b/track1", "h", "cam", "1-2", "track1", True),
        ("rtsp://h/cam?a=b", "h", "cam", "", "", True),
        ("rtsp://user:pass@h:1/cam", "h:1", "cam", "", "", True),
        ("rtsp://h:1\r\nX/cam", None, "cam", "", "", True),
        ("/cam/1-2", None, "cam", "1-2", "", True),
        ("rtsp://h", "h", "", "", "", True),
        ("rtsp://h/cam/1-2/x/track1", "h", "cam", "1-2", "track1", False),
        ("rtsp://h/track1", "h", "", "", "track1", True),
    ],
)
def test_uris(  # noqa: PLR0917 - one row of the table
    uri: str, authority: str | None, camera: str, token: str, track: str, plain: bool
) -> None:
    target = parse_uri(uri)
    assert target is not None
    found = (target.authority, target.camera_id, target.token, target.track, target.plain)
    assert found == (authority, camera, token, track, plain)
    assert target.path == (f"{camera}/{token}" if token else camera)


@pytest.mark.parametrize("uri", ["*", "", "cam", "?a"])
def test_no_uris(uri: str) -> None:
    assert parse_uri(uri) is None


@given(st.text(max_size=100))
def test_anything_can_be_parsed(text: str) -> None:
    target = parse_uri(text)
    if target is not None and target.authority is not None:
        assert target.authority.isascii()
        assert not set(target.authority) & set(' \r\n"/@')
    parse_transport(text)


@pytest.mark.parametrize(
    ("value", "channels"),
    [
        ("RTP/AVP/TCP;interleaved=0-1", (0, 1)),
        ("RTP/AVP/TCP;unicast;interleaved=4-5", (4, 5)),
        ("rtp/avp/tcp; unicast; interleaved = 4-7; mode=play", (4, 7)),
        ('RTP/AVP/TCP;unicast;interleaved=2;mode="PLAY"', (2, 3)),
        ("RTP/AVP;unicast;client_port=1-2,RTP/AVP/TCP;interleaved=0-1", (0, 1)),
        ("RTP/AVP/TCP;unicast", (None, None)),
    ],
)
def test_transports(value: str, channels: tuple[int | None, int | None]) -> None:
    assert parse_transport(value) == Channels(*channels)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "RTP/AVP;unicast;client_port=1-2",
        "RTP/AVP/UDP;unicast",
        "RTP/AVP/TCP;multicast",
        "RTP/AVP/TCP;interleaved=0-1;mode=RECORD",
        "RTP/AVP/TCP;interleaved=256-257",
        "RTP/AVP/TCP;interleaved=255",
        "RTP/AVP/TCP;interleaved=3-3",
        "RTP/AVP/TCP;interleaved=-1",
    ],
)
def test_transports_that_cannot_be(value: str) -> None:
    assert parse_transport(value) is None
