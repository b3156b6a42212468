"""One RTSP session of an Echo: TLS 1.2 on port 443, DESCRIBE first, everything interleaved.

Built after the open-source ancestor of the Echo's player (AOSP stagefright's MyHandler and ARTSPConnection) and what
real devices were seen to send. Amazon's documentation of Alexa.CameraStreamController adds TLS 1.2 on port 443 and
the limit of 6 s for each RTSP answer.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Container
from pathlib import Path
from urllib.parse import urlsplit

from simulators.echo.dialect import (
    DEFAULT_TIMEOUT_S,
    Header,
    Response,
    ServerRequest,
    build_refusal,
    build_request,
    check_play_answer,
    parse_session,
)
from simulators.echo.fatal import FatalCheck
from simulators.echo.interleaved import Framer, Item, Packet
from simulators.echo.sdp import ActiveTrack, Sdp, Track, parse_sdp
from simulators.echo.urls import base_url, play_url, session_url, track_url
from simulators.echo.versions import ANDROID_7, Version

PATIENCE_S = 6.0
_MOST_REDIRECTS = 5
_TEARDOWN_PATIENCE_S = 3.0
_TLS_CLOSE_PATIENCE_S = 1.0
ALL_MEDIA = frozenset({"video", "audio"})


def tls_context(roots_pem: Path) -> ssl.SSLContext:
    """TLS 1.2 exactly, server name and whole chain verified up to a root in ``roots_pem``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=roots_pem)
    return context


class EchoSession:
    """A session, step by step: ``connect``, ``describe``, ``setup``, ``play``, then iterate over its packets.

    ``uri``: the ``rtsp://host:443/…`` that the skill returned. ``address``, ``port``: where ``host`` is found, in
    place of DNS. ``roots_pem``: the trusted roots; None speaks plain TCP, for the servers behind the TLS proxy.
    ``strict=False`` keeps a fatal answer to PLAY in ``survived`` and goes on, to measure servers that give one.
    ``media``: which kinds of track are set up. ``keepalive_share``: part of the session's timeout after which OPTIONS
    is sent.

    Times are seconds since the TCP connect began; ``steps_ms`` holds the same in milliseconds, each step's *end*:
    tcp, tls, describe, setup, play, first_rtp. ``started_unix_ns`` is that beginning as Unix time.
    Every step raises ``FatalCheck`` where the player would stop, ``OSError`` (``ssl.SSLError`` among them) when
    the connection or the TLS handshake fails.
    """

    def __init__(
        self,
        uri: str,
        *,
        address: str,
        port: int = 443,
        roots_pem: Path | None,
        version: Version = ANDROID_7,
        media: Container[str] = ALL_MEDIA,
        patience_s: float = PATIENCE_S,
        keepalive_share: float = 0.9,
        strict: bool = True,
    ) -> None:
        self.url = session_url(uri)
        self.version = version
        self.steps_ms: dict[str, float] = {}
        self.tracks: list[ActiveTrack] = []
        self.fatal: FatalCheck | None = None
        self.survived: list[FatalCheck] = []
        self.started_unix_ns = 0
        self.play_at = 0.0
        self.session_id = ""
        self.timeout_s = DEFAULT_TIMEOUT_S
        self.peer_certificate: bytes | None = None
        self._where = (address, port)
        self._context = tls_context(roots_pem) if roots_pem else None
        self._media = media
        self._patience_s = patience_s
        self._keepalive_share = keepalive_share
        self._strict = strict
        self._sdp: Sdp | None = None
        self._base = ""
        self._started = 0.0
        self._cseq = 0
        self._opening: tuple[int, ActiveTrack] | None = None
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._arrived: asyncio.Queue[Packet | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._ended = False

    @property
    def sdp(self) -> Sdp:
        """The parsed session description. Raises ``RuntimeError`` before ``describe``."""
        if self._sdp is None:
            raise RuntimeError("no DESCRIBE answer yet")
        return self._sdp

    def now(self) -> float:
        """Seconds since the TCP connect began."""
        return time.monotonic() - self._started

    async def open(self) -> None:
        """All steps up to the answer to PLAY."""
        await self.connect()
        await self.describe()
        await self.setup()
        await self.play()

    async def connect(self) -> None:
        """TCP and TLS."""
        if not self._started:
            self.started_unix_ns = time.time_ns()
            self._started = time.monotonic()
        loop = asyncio.get_running_loop()
        raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(raw, self._where)
            self._done("tcp", self.now())
            name = urlsplit(self.url).hostname if self._context else None
            closing = _TLS_CLOSE_PATIENCE_S if self._context else None
            reader, writer = await asyncio.open_connection(
                sock=raw, ssl=self._context, server_hostname=name, ssl_shutdown_timeout=closing
            )
        except BaseException:
            raw.close()
            raise
        self._done("tls", self.now())
        tls = writer.get_extra_info("ssl_object")
        if tls is not None:
            self.peer_certificate = tls.getpeercert(binary_form=True)
        self._writer = writer
        self._cseq = 0
        self._tasks = [asyncio.create_task(self._pump(reader))]

    async def describe(self) -> None:
        """DESCRIBE, redirects followed, and the SDP parsed."""
        for _ in range(_MOST_REDIRECTS + 1):
            answer = await self._request("DESCRIBE", self.url, [("Accept", "application/sdp")])
            if answer.status not in {301, 302}:
                break
            await self._redirect(answer)
        else:
            raise FatalCheck(f"DESCRIBE redirected more than {_MOST_REDIRECTS} times")
        if answer.status != 200:
            raise FatalCheck(f"DESCRIBE answered {answer.status} {answer.reason}")
        if not answer.body:
            raise FatalCheck("DESCRIBE answer without a body")
        self._base = base_url(answer.headers, self.url)
        self._sdp = parse_sdp(answer.body, self.version)
        self._done("describe", answer.t)

    async def _redirect(self, answer: Response) -> None:
        location = answer.headers.get("location")
        if location is None:
            raise FatalCheck(f"DESCRIBE answered {answer.status} without Location")
        try:
            target = session_url(location)
        except ValueError as error:
            raise FatalCheck(f"DESCRIBE redirected to {location!r}: the player knows rtsp:// only") from error
        if urlsplit(target).netloc != urlsplit(self.url).netloc:
            raise FatalCheck(f"DESCRIBE redirected to another server, {location!r}")
        await self._disconnect()
        self.url = target
        await self.connect()

    async def setup(self) -> None:
        """SETUP of each track that the player takes and ``media`` allows."""
        for track in self.sdp.tracks:
            if not track.refused and track.media in self._media:
                answered_at = await self._setup_track(track)
        if not self.tracks:
            reasons = "; ".join(f"{track.media}: {track.refused or 'not set up'}" for track in self.sdp.tracks)
            raise FatalCheck(f"no track could be set up ({reasons or 'none offered'})")
        self._done("setup", answered_at)

    async def _setup_track(self, track: Track) -> float:
        url = track_url(self._base, track.control, self.version)
        channel = 2 * len(self.tracks)
        own: list[Header] = [("Transport", f"RTP/AVP/TCP;interleaved={channel}-{channel + 1}")]
        if track.index > 1:
            own.append(("Session", self.session_id))
        self._opening = (self._cseq + 1, ActiveTrack(track, channel, url))
        answer = await self._request("SETUP", url, own)
        if answer.status != 200:
            return answer.t
        for name in ("session", "transport"):
            if name not in answer.headers:
                raise FatalCheck(f"SETUP answer for {url} without {name.title()}")
        self.session_id, self.timeout_s = parse_session(answer.headers["session"])
        return answer.t

    async def play(self) -> None:
        """PLAY, without Range; OPTIONS keeps the session alive from here on."""
        url = play_url(self.sdp.control, self._base, self.url, self.version)
        self._tasks.append(asyncio.create_task(self._keep_alive()))
        answer = await self._request("PLAY", url, [("Session", self.session_id)])
        if answer.status != 200:
            raise FatalCheck(f"PLAY answered {answer.status} {answer.reason}")
        try:
            check_play_answer(answer.headers, [active.url for active in self.tracks])
        except FatalCheck as fatal:
            if self._strict:
                raise
            self.survived.append(fatal)
        self.play_at = answer.t
        self._done("play", answer.t)

    async def __aiter__(self) -> AsyncIterator[Packet]:
        """The packets as they came, until the server closes; then ``FatalCheck`` if one tripped."""
        while (packet := await self._arrived.get()) is not None:
            yield packet
        self._arrived.put_nowait(None)
        if self.fatal:
            raise self.fatal

    async def close(self, *, teardown: bool | None = None) -> None:
        """End the session, with TEARDOWN or by closing the socket alone (None: as the version does)."""
        wanted = self.version.sends_teardown if teardown is None else teardown
        if wanted and self.session_id and self._writer and not self._ended:
            with contextlib.suppress(FatalCheck, OSError):
                own = [("Session", self.session_id)]
                await self._request("TEARDOWN", self.url, own, patience_s=_TEARDOWN_PATIENCE_S)
        await self._disconnect()
        self._arrived.put_nowait(None)

    async def _disconnect(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None

    async def _request(self, method: str, url: str, own: list[Header], *, patience_s: float | None = None) -> Response:
        if self.fatal:
            raise self.fatal
        if self._writer is None:
            raise RuntimeError(f"{method} without a connection")
        if self._ended:
            raise FatalCheck(f"{method} after the server closed the connection")
        self._cseq += 1
        cseq, patience = self._cseq, self._patience_s if patience_s is None else patience_s
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[cseq] = future
        try:
            self._writer.write(build_request(method, url, own, cseq, self.version))
            async with asyncio.timeout(patience):
                return await future
        except TimeoutError:
            raise FatalCheck(f"no answer to {method} within {patience:g} s") from None
        finally:
            self._waiting.pop(cseq, None)

    async def _keep_alive(self) -> None:
        try:
            while True:
                await asyncio.sleep(self.timeout_s * self._keepalive_share)
                await self._request("OPTIONS", self.url, [("Session", self.session_id)])
        except FatalCheck as fatal:
            self._fail(fatal)

    async def _pump(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        reason: FatalCheck | None = None
        try:
            while reason is None and (data := await reader.read(1 << 16)):
                items, reason = framer.push(data, self.now())
                for item in items:
                    self._dispatch(item)
        except FatalCheck as fatal:
            reason = fatal
        except OSError as error:
            reason = FatalCheck(f"connection broke: {error}")
        if reason is None and self._waiting:
            reason = FatalCheck("server closed the connection with a request unanswered")
        self._fail(reason)

    def _dispatch(self, item: Item) -> None:
        if isinstance(item, Packet):
            known = {active.channel for active in self.tracks} | {active.channel + 1 for active in self.tracks}
            if item.channel not in known:
                raise FatalCheck(f"{len(item.data)} bytes on channel {item.channel}, which was not set up")
            if item.channel % 2 == 0 and "first_rtp" not in self.steps_ms:
                self.steps_ms["first_rtp"] = item.t * 1000
            self._arrived.put_nowait(item)
        elif isinstance(item, ServerRequest):
            assert self._writer is not None
            self._writer.write(build_refusal(item))
        elif "cseq" in item.headers:  # the player ignores an answer without
            cseq = item.headers["cseq"]
            future = self._waiting.get(int(cseq)) if cseq.isdecimal() else None
            if future is None:
                raise FatalCheck(f"answer with CSeq {cseq!r}, which no request has")
            # At once, not when the waiting task runs: packets may follow in the same piece.
            if self._opening and self._opening[0] == int(cseq) and item.status == 200:
                self.tracks.append(self._opening[1])
            if not future.done():
                future.set_result(item)

    def _fail(self, reason: FatalCheck | None) -> None:
        self._ended = True
        if self.fatal is None:
            self.fatal = reason
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(reason or FatalCheck("connection closed"))
        self._arrived.put_nowait(None)

    def _done(self, step: str, t: float) -> None:
        self.steps_ms[step] = t * 1000
