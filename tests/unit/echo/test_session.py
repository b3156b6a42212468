"""The conversation, to the letter, and each thing that ends it."""

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from simulators.echo import ANDROID_5, ANDROID_11, EchoSession, FatalCheck, Packet
from simulators.echo.session import tls_context
from unit.echo.chain import Chain
from unit.echo.packets import interleaved, rtp, sender_report
from unit.echo.server import AUDIO_PART, IDR, SESSION_PART, URL, Answer, Request, Server, answer, media, video_part

AGENT = "User-Agent: Fire OS/6.0 stagefright/1.2 (Linux;Android 7.1.2)"
SHORT_PATIENCE_S = 0.2
VIDEO = frozenset({"video"})


def run(
    server: Server,
    talk: Callable[[EchoSession], Coroutine[Any, Any, None]],
    *,
    patience_s: float = 3.0,
    **settings: Any,
) -> EchoSession:
    """Open a session with ``server`` over plain TCP, talk, close."""

    async def play() -> EchoSession:
        async with server.run() as port:
            session = EchoSession(
                URL, address="127.0.0.1", port=port, roots_pem=None, patience_s=patience_s, **settings
            )
            try:
                await talk(session)
            finally:
                await session.close()
                await server.closed.wait()
            return session

    return asyncio.run(play())


async def opened(session: EchoSession) -> None:
    await session.open()


def test_conversation_to_the_letter() -> None:
    server = Server()
    session = run(server, opened)
    assert [(request.method, request.url) for request in server.requests] == [
        ("DESCRIBE", URL),
        ("SETUP", f"{URL}/track1"),
        ("SETUP", f"{URL}/track2"),
        ("PLAY", f"{URL}/"),
        ("TEARDOWN", URL),
    ]
    assert [request.headers for request in server.requests] == [
        ["Accept: application/sdp", AGENT, "CSeq: 1"],
        ["Transport: RTP/AVP/TCP;interleaved=0-1", AGENT, "CSeq: 2"],
        ["Transport: RTP/AVP/TCP;interleaved=2-3", "Session: 4711", AGENT, "CSeq: 3"],
        ["Session: 4711", AGENT, "CSeq: 4"],
        ["Session: 4711", AGENT, "CSeq: 5"],
    ]
    assert list(session.steps_ms) == ["tcp", "tls", "describe", "setup", "play"]
    assert list(session.steps_ms.values()) == sorted(session.steps_ms.values())
    assert session.steps_ms["play"] < 1000
    assert (session.session_id, session.timeout_s) == ("4711", 60)


def test_connect_only() -> None:
    server = Server()

    async def connect(session: EchoSession) -> None:
        await session.connect()

    run(server, connect)
    assert server.requests == []


def test_video_alone() -> None:
    server = Server()
    session = run(server, opened, media=VIDEO)
    assert [request.method for request in server.requests] == ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]
    assert [active.channel for active in session.tracks] == [0]


def test_unsupported_first_track_leaves_its_session_empty() -> None:
    server = Server(sdp=SESSION_PART + AUDIO_PART.replace("PCMA", "L16") + video_part())
    run(server, opened)
    assert server.requests[1].headers[:2] == ["Transport: RTP/AVP/TCP;interleaved=0-1", "Session: "]


def test_refused_setup_drops_one_track() -> None:
    def setup(request: Request) -> bytes:
        if request.url.endswith("track1"):
            return answer(request, status="461 Unsupported transport")
        return answer(request, "Session: 9", "Transport: x")

    server = Server(answers={"SETUP": setup})
    session = run(server, opened)
    assert [(active.track.media, active.channel) for active in session.tracks] == [("audio", 0)]


def test_android_5_cuts_the_base_and_android_11_leaves_without_teardown() -> None:
    def describe(request: Request) -> bytes:
        return answer(request, body=SESSION_PART + video_part())

    five, eleven = Server(answers={"DESCRIBE": describe}), Server(answers={"DESCRIBE": describe})
    run(five, opened, version=ANDROID_5)
    run(eleven, opened, version=ANDROID_11)
    assert five.requests[1].url == "rtsp://cams.example.com:443/porch/track1"
    assert [request.method for request in five.requests][-1] == "TEARDOWN"
    assert eleven.requests[1].url == f"{URL}/track1"
    assert [request.method for request in eleven.requests] == ["DESCRIBE", "SETUP", "PLAY"]
    assert "Android 11" in eleven.requests[0].headers[1]


def test_keep_alive_comes_again_and_again() -> None:
    seen: list[Request] = []
    twice = asyncio.Event()

    def options(request: Request) -> bytes:
        seen.append(request)
        if len(seen) == 2:
            twice.set()
        return answer(request, status="454 Session Not Found")  # the player does not look at it

    async def wait(session: EchoSession) -> None:
        await session.open()
        begin = time.monotonic()
        await asyncio.wait_for(twice.wait(), 5)
        assert time.monotonic() - begin > 0.1
        assert session.fatal is None

    run(Server(answers={"OPTIONS": options}), wait, keepalive_share=0.001)
    assert (seen[0].url, seen[0].headers[0]) == (URL, "Session: 4711")


def test_redirect_of_describe() -> None:
    def describe(request: Request) -> bytes:
        if request.url == URL:
            return answer(request, f"Location: {URL}/new", status="302 Found")
        return answer(request, body=SESSION_PART + video_part())

    server = Server(answers={"DESCRIBE": describe})
    run(server, opened)
    assert [(request.url, request.cseq) for request in server.requests[:3]] == [
        (URL, "1"),
        (f"{URL}/new", "1"),
        (f"{URL}/new/track1", "2"),
    ]


def test_request_of_the_server_is_refused() -> None:
    def play(request: Request) -> bytes:
        return b"OPTIONS * RTSP/1.0\r\nCSeq: 77\r\n\r\n" + answer(request)

    async def wait(session: EchoSession) -> None:
        await session.open()
        await asyncio.sleep(0.05)
        assert session.fatal is None

    server = Server(answers={"PLAY": play})
    run(server, wait)
    assert server.replies == ["RTSP/1.0 501 Not Implemented\r\nCSeq: 77\r\n\r\n"]


FATAL: dict[str, tuple[str, Answer, str]] = {
    "not found": ("DESCRIBE", lambda r: answer(r, status="404 Not Found"), "answered 404"),
    "password wanted": ("DESCRIBE", lambda r: answer(r, status="401 Unauthorized"), "answered 401"),
    "no body": ("DESCRIBE", answer, "without a body"),
    "redirect to nowhere": ("DESCRIBE", lambda r: answer(r, status="301 Moved"), "without Location"),
    "redirect to rtsps": (
        "DESCRIBE",
        lambda r: answer(r, f"Location: rtsps{URL[4:]}", status="301 Moved"),
        "rtsp:// only",
    ),
    "redirect elsewhere": (
        "DESCRIBE",
        lambda r: answer(r, "Location: rtsp://other/x", status="301 Moved"),
        "another server",
    ),
    "redirect for ever": (
        "DESCRIBE",
        lambda r: answer(r, f"Location: {URL}", status="301 Moved"),
        "more than 5 times",
    ),
    "rtsps base": (
        "DESCRIBE",
        lambda r: answer(r, f"Content-Base: rtsps{URL[4:]}/", body=SESSION_PART + video_part()),
        "base URL",
    ),
    "nothing to play": (
        "DESCRIBE",
        lambda r: answer(r, body=SESSION_PART + video_part().replace("H264", "H265")),
        "no track could be set up",
    ),
    "silence": ("DESCRIBE", lambda _request: None, "no answer to DESCRIBE within 0.2 s"),
    "closed": ("DESCRIBE", lambda _request: b"", "with a request unanswered"),
    "other CSeq": ("DESCRIBE", lambda _request: b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n", "CSeq '9'"),
    "no CSeq": ("DESCRIBE", lambda _request: b"RTSP/1.0 200 OK\r\n\r\n", "no answer to DESCRIBE"),
    "one blank": ("DESCRIBE", lambda _request: b"RTSP/1.0 200\r\nCSeq: 1\r\n\r\n", "two blanks"),
    "all refused": ("SETUP", lambda r: answer(r, status="461 No"), "no track could be set up"),
    "no Session": ("SETUP", lambda r: answer(r, "Transport: x"), "without Session"),
    "no Transport": ("SETUP", lambda r: answer(r, "Session: 1"), "without Transport"),
    "stray line": ("SETUP", lambda r: answer(r, "Session: 1", "Transport: x") + b"\r\n", "stray bytes"),
    "PLAY refused": ("PLAY", lambda r: answer(r, status="454 Session Not Found"), "PLAY answered 454"),
    "numeric Range": ("PLAY", lambda r: answer(r, "Range: npt=0.000-"), "no RTP-Info"),
}


@pytest.mark.parametrize("name", FATAL)
def test_fatal(name: str) -> None:
    method, wrong, words = FATAL[name]
    with pytest.raises(FatalCheck, match=words):
        run(Server(answers={method: wrong}), opened, patience_s=SHORT_PATIENCE_S)


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (interleaved(4, rtp(1, 1, b"x")), "channel 4"),
        (b"\r\n", "stray bytes"),
        (b"RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n", "CSeq '99'"),
    ],
)
def test_fatal_amid_media(piece: bytes, words: str) -> None:
    sizes: dict[Packet, int] = {}

    async def listen(session: EchoSession) -> None:
        await session.open()
        async for packet in session:
            sizes[packet] = len(packet.data)

    with pytest.raises(FatalCheck, match=words):
        run(Server(media=[(0, media(2)), (0.02, piece)]), listen)
    assert next(iter(sizes)).channel == 1
    assert sum(sizes.values()) > len(IDR)


def test_report_right_after_the_answer_to_setup_is_taken_but_not_before_it() -> None:
    report = interleaved(1, sender_report(4e9, 1))

    def setup(request: Request) -> bytes:
        return answer(request, "Session: 1", "Transport: x") + report

    run(Server(sdp=SESSION_PART + video_part(), answers={"SETUP": setup}), opened)
    with pytest.raises(FatalCheck, match="channel 1"):
        run(Server(answers={"SETUP": lambda request: report + setup(request)}), opened)


def test_unanswered_keep_alive_is_fatal() -> None:
    async def listen(session: EchoSession) -> None:
        await session.open()
        async for _packet in session:
            pass

    with pytest.raises(FatalCheck, match="no answer to OPTIONS"):
        run(
            Server(answers={"OPTIONS": lambda _request: None}),
            listen,
            patience_s=SHORT_PATIENCE_S,
            keepalive_share=0.001,
        )


def test_packets_carry_their_time() -> None:
    times: list[float] = []

    async def listen(session: EchoSession) -> None:
        await session.open()
        times.extend([packet.t - session.play_at async for packet in session])

    picture = interleaved(0, rtp(1, 1, b"\x41\x9a"))
    session = run(Server(media=[(0.05, picture), (0.1, picture)], close_after_media=True), listen)
    assert 0.045 < times[0] < 0.5
    assert 0.145 < times[1] < 0.6
    assert session.steps_ms["first_rtp"] == pytest.approx((session.play_at + times[0]) * 1000)


class TestTls:
    @staticmethod
    def handshake(
        chain: Chain, context: ssl.SSLContext, *, url: str = URL, roots: Chain | None = None
    ) -> tuple[Server, EchoSession]:
        server = Server()

        async def play() -> EchoSession:
            async with server.run(context) as port:
                session = EchoSession(url, address="127.0.0.1", port=port, roots_pem=(roots or chain).root)
                try:
                    await session.open()
                finally:
                    await session.close()
                return session

        return server, asyncio.run(play())

    def test_name_version_and_chain(self, chain: Chain) -> None:
        server, session = self.handshake(chain, chain.context())
        assert server.server_names == ["cams.example.com"]
        assert server.tls_versions == ["TLSv1.2"]
        assert server.requests[0].method == "DESCRIBE"
        leaf = ssl.PEM_cert_to_DER_cert(chain.leaf_only.read_text())
        assert session.peer_certificate == leaf
        assert session.steps_ms["tcp"] < session.steps_ms["tls"] < session.steps_ms["describe"]

    def test_incomplete_chain_fails(self, chain: Chain) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            self.handshake(chain, chain.context(complete=False))

    def test_other_name_fails(self, chain: Chain) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"clips\.example\.com"):
            self.handshake(chain, chain.context(), url="rtsp://clips.example.com:443/x")

    def test_trusting_the_intermediate_alone_fails(self, chain: Chain) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get issuer certificate"):
            self.handshake(
                chain,
                chain.context(),
                roots=Chain(chain.full, chain.full, chain.full, chain.key),
            )

    def test_server_without_tls_1_2_fails(self, chain: Chain) -> None:
        context = chain.context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            self.handshake(chain, context)

    def test_context_is_strict(self, chain: Chain) -> None:
        context = tls_context(chain.root)
        assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
