"""URLs, requests, answers and framing, as the player has them."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.echo.dialect import (
    Response,
    ServerRequest,
    build_request,
    check_play_answer,
    parse_head,
    parse_session,
)
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Framer, Item, Packet
from simulators.echo.urls import base_url, play_url, session_url, track_url
from simulators.echo.versions import ANDROID_5, ANDROID_7
from unit.echo.packets import interleaved

HOST = "rtsp://cams.example.com:443"
SESSION = f"{HOST}/porch/1-2"


class TestUrls:
    def test_plain_url_stays(self) -> None:
        assert session_url(f"{SESSION}?x=1") == f"{SESSION}?x=1"

    def test_credentials_are_taken_out(self) -> None:
        assert session_url("rtsp://u:p@cams.example.com/a/b") == "rtsp://cams.example.com:554/a/b"

    @pytest.mark.parametrize("uri", ["rtsps://h/a", "http://h/a", "rtsp:///a", "porch"])
    def test_other_urls_are_refused(self, uri: str) -> None:
        with pytest.raises(ValueError, match="rtsp://"):
            session_url(uri)

    def test_base(self) -> None:
        assert base_url({}, SESSION) == SESSION
        assert base_url({"content-location": f"{HOST}/l"}, SESSION) == f"{HOST}/l"
        both = {"content-base": f"{HOST}/b/", "content-location": f"{HOST}/l"}
        assert base_url(both, SESSION) == f"{HOST}/b/"
        assert base_url({"content-base": "/x/"}, SESSION) == f"{SESSION}/x/"

    def test_rtsps_is_fatal(self) -> None:
        with pytest.raises(FatalCheck, match="rtsp://"):
            base_url({"content-base": "rtsps://cams.example.com/porch/"}, SESSION)
        with pytest.raises(FatalCheck, match="rtsp://"):
            track_url(SESSION, "rtsps://cams.example.com/porch/track1", ANDROID_7)

    @pytest.mark.parametrize(
        ("base", "control", "seven", "five"),
        [
            (f"{HOST}/a/b/", "t", f"{HOST}/a/b/t", f"{HOST}/a/b/t"),
            (f"{HOST}/a/b", "t", f"{HOST}/a/b/t", f"{HOST}/a/t"),
            (HOST, "t", f"{HOST}/t", f"{HOST}/t"),
            (f"{HOST}/a?x=1", "t", f"{HOST}/a?x=1/t", f"{HOST}/t"),
            (f"{HOST}/a/", "RTSP://o/t", "RTSP://o/t", "RTSP://o/t"),
        ],
    )
    def test_track(self, base: str, control: str, seven: str, five: str) -> None:
        assert track_url(base, control, ANDROID_7) == seven
        assert track_url(base, control, ANDROID_5) == five

    def test_play(self) -> None:
        base = f"{SESSION}/"
        assert play_url(None, base, SESSION, ANDROID_7) == SESSION
        assert play_url("*", base, SESSION, ANDROID_7) == base
        assert play_url("all", base, SESSION, ANDROID_7) == f"{base}all"


def test_request_has_own_headers_first_and_cseq_last() -> None:
    text = build_request("PLAY", f"{HOST}/a/", [("Session", "12")], 4, ANDROID_7)
    assert text == (
        b"PLAY rtsp://cams.example.com:443/a/ RTSP/1.0\r\n"
        b"Session: 12\r\n"
        b"User-Agent: Fire OS/6.0 stagefright/1.2 (Linux;Android 7.1.2)\r\n"
        b"CSeq: 4\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("value", "identifier", "timeout"),
    [
        ("12", "12", 60),
        ("12;timeout=30", "12", 30),
        ("12;x=1; timeout=15", "12", 15),
        ("12;timeout=14", "12", 60),
        ("12;timeout=soon", "12", 60),
        ("12 ;timeout=30", "12 ", 30),
    ],
)
def test_session_header(value: str, identifier: str, timeout: int) -> None:
    assert parse_session(value) == (identifier, timeout)


class TestPlayAnswer:
    URL = f"{SESSION}/track1"

    @pytest.mark.parametrize(
        "headers",
        [{}, {"range": "npt=now-"}, {"rtp-info": "nonsense"}],
    )
    def test_harmless(self, headers: dict[str, str]) -> None:
        check_play_answer(headers, [self.URL])

    def test_numeric_range_with_exact_info(self) -> None:
        info = f"url={self.URL};seq=1;rtptime=5"
        check_play_answer({"range": "npt=0.000-", "rtp-info": info}, [self.URL])

    @pytest.mark.parametrize(
        "headers",
        [
            {"range": "clock=20260101T000000Z-"},
            {"range": "npt=0.000-"},
            {"range": "npt=0.000-", "rtp-info": f"url={URL}/;seq=1;rtptime=5"},
            {"range": "npt=0.000-", "rtp-info": f"url={URL};rtptime=5"},
            {"range": "npt=0.000-", "rtp-info": f"url={URL};seq=1"},
        ],
    )
    def test_fatal(self, headers: dict[str, str]) -> None:
        with pytest.raises(FatalCheck):
            check_play_answer(headers, [self.URL])


@pytest.mark.parametrize(
    "lines",
    [
        ["RTSP/1.0 200"],
        ["RTSP/1.0 2x0 OK"],
        ["hello there you"],
        ["RTSP/1.0 200 OK", "CSeq 1"],
        ["RTSP/1.0 200 OK", " folded"],
    ],
)
def test_fatal_heads(lines: list[str]) -> None:
    with pytest.raises(FatalCheck):
        parse_head(lines)


def test_head_with_folded_and_double_headers() -> None:
    head = parse_head(["RTSP/1.0 200 All is well", "A: 1", "B: x", "\ty", "a: 2"])
    assert head == Response(200, "All is well", {"a": "2", "b": "x y"})


def pushed(stream: bytes, cuts: list[int] | None = None) -> tuple[list[Item], FatalCheck | None]:
    framer = Framer()
    items: list[Item] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts or []), len(stream)]
    for begin, end in pairwise(edges):
        found, fatal = framer.push(stream[begin:end], 1.0)
        items += found
        if fatal:
            return items, fatal
    return items, None


ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc"
REQUEST = b"OPTIONS * RTSP/1.0\nCSeq: 9\n\n"
PACKET = interleaved(1, b"x" * 300)
WHOLE = [
    Response(200, "OK", {"cseq": "1", "content-length": "3"}, b"abc", 1.0),
    Packet(1.0, 1, b"x" * 300),
    ServerRequest("OPTIONS", {"cseq": "9"}),
    Packet(1.0, 1, b"x" * 300),
]


@given(st.lists(st.integers(0, 2000), max_size=20))
@settings(max_examples=50, deadline=None)
def test_framing_however_it_is_cut(cuts: list[int]) -> None:
    assert pushed(ANSWER + PACKET + REQUEST + PACKET, cuts) == (WHOLE, None)


@pytest.mark.parametrize("stray", [b"\r\n", b"\x00", b"x\r\n", b"GET / HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize("before", [ANSWER, PACKET, b""], ids=["answer", "packet", "nothing"])
def test_stray_bytes_are_fatal(before: bytes, stray: bytes) -> None:
    items, fatal = pushed(before + stray + PACKET)
    assert len(items) == bool(before)
    assert fatal is not None


def test_content_length_must_be_exact() -> None:
    _, fatal = pushed(ANSWER.replace(b"Length: 3", b"Length: 2") + PACKET)
    assert fatal is not None
    assert pushed(ANSWER.replace(b"Length: 3", b"Length: x"))[1] is not None


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None)
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    pushed(data)
