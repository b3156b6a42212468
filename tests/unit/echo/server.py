"""A small RTSP server that does what a test tells it to, rights and wrongs alike."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from unit.echo.packets import PPS, SPS, interleaved, payloads, rtp, sender_report

NTP = 4_000_000_000.0
URL = "rtsp://cams.example.com:443/porch/1-2"
SESSION_PART = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\na=control:*\r\nt=0 0\r\n"
AUDIO_PART = "m=audio 0 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=control:track2\r\n"


def video_part(sps: bytes = SPS, pps: bytes = PPS) -> str:
    """The media description of an H.264 track."""
    sprop = ",".join(base64.b64encode(nal).decode() for nal in (sps, pps))
    return (
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}\r\na=control:track1\r\n"
    )


@dataclass(frozen=True)
class Request:
    """What the client sent."""

    method: str
    url: str
    headers: list[str]
    cseq: str


Answer = Callable[[Request], bytes | None]


def answer(request: Request, *headers: str, status: str = "200 OK", body: str = "") -> bytes:
    """An answer to ``request`` with its CSeq."""
    lines = [f"RTSP/1.0 {status}", f"CSeq: {request.cseq}", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join([*lines, "", ""]) + body).encode()


@dataclass
class Server:
    """``answers``: by method, in place of the right ones; None sends nothing, b"" closes the connection.

    ``media``: bytes to send after the answer to PLAY, each so many seconds after the one before.
    """

    sdp: str = SESSION_PART + video_part() + AUDIO_PART
    answers: dict[str, Answer] = field(default_factory=dict)
    media: Sequence[tuple[float, bytes]] = ()
    close_after_media: bool = False
    requests: list[Request] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)
    tls_versions: list[str | None] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def run(self, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """Serve on loopback; gives the port."""
        if context is not None:
            context.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = writer.get_extra_info("ssl_object")
        self.tls_versions.append(tls.version() if tls else None)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    text = (await reader.readuntil(b"\r\n\r\n")).decode()
                    if text.startswith("RTSP/"):
                        self.replies.append(text)
                        continue
                    request = self._parse(text)
                    self.requests.append(request)
                    data = self.answers.get(request.method, self._right_answer)(request)
                    if data == b"":
                        return
                    writer.write(data or b"")
                    await writer.drain()
                    if request.method == "PLAY":
                        for pause, piece in self.media:
                            await asyncio.sleep(pause)
                            writer.write(piece)
                        if self.close_after_media:
                            return
        finally:
            self.closed.set()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @staticmethod
    def _parse(text: str) -> Request:
        first, *headers = text.removesuffix("\r\n\r\n").split("\r\n")
        method, url, _ = first.split(" ")
        return Request(method, url, headers, headers[-1].removeprefix("CSeq: "))

    def _right_answer(self, request: Request) -> bytes:
        if request.method == "DESCRIBE":
            return answer(request, f"Content-Base: {URL}/", "Content-Type: application/sdp", body=self.sdp)
        if request.method == "SETUP":
            transport = next(line for line in request.headers if line.startswith("Transport: "))
            return answer(request, transport, "Session: 4711;timeout=60")
        return answer(request, "Session: 4711")


IDR = b"\x65\x88" + bytes(range(251)) * 20
SLICE = b"\x41\x9a" + bytes(500)


def media(
    pictures: int = 50, *, interval: float = 1 / 15, first: int = 0, idr: Sequence[bytes] = (SPS, PPS, IDR)
) -> bytes:
    """A sender report and pictures in one piece, IDR first, ``interval`` seconds of media apart."""
    pieces = [interleaved(1, sender_report(NTP, 9000))]
    sequence = first
    for number in range(pictures):
        nals = [SLICE] if number else list(idr)
        for payload in payloads(nals, 1400):
            timestamp = 9000 + round(number * interval * 90_000)
            pieces.append(interleaved(0, rtp(sequence, timestamp, payload)))
            sequence += 1
    return b"".join(pieces)
