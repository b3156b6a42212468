"""A viewer that costs little: the Echo's conversation up to PLAY, then reading for markers only.

`benchmarks.crowd.Crowd` reads for any number of them.
"""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

from benchmarks.direct import Way
from benchmarks.marks import Marks
from simulators.echo.dialect import Header, Response, build_request, parse_head, parse_session
from simulators.echo.sdp import parse_sdp
from simulators.echo.session import PATIENCE_S, tls_context
from simulators.echo.urls import base_url, play_url, track_url
from simulators.echo.versions import ANDROID_7

_CHUNK = 1 << 16
_OPTIONS_EVERY_S = 25.0


class RefusedError(Exception):
    """The server answered with another status than 200."""

    def __init__(self, method: str, status: int) -> None:
        super().__init__(f"{method} answered {status}")
        self.status = status


class Viewer:
    """An open stream of the video track.

    ``marks.frames`` are the pictures so far. ``closed_at``: Unix time at which the server ended it, or None.
    ``rate``: bytes a second that it reads, None for all that comes, 0 for nothing at all.
    ``kept``: what came with its Unix time, when it was opened with ``keep``.
    """

    def __init__(self, sock: ssl.SSLSocket, *, keep: bool) -> None:
        self.sock = sock
        self.marks = Marks()
        self.kept: list[tuple[float, bytes]] | None = [] if keep else None
        self.rate: float | None = None
        self.closed_at: float | None = None
        self.opened_at = time.time()
        self.sdp = b""
        self._url = ""
        self._session = ""
        self._cseq = 0
        self._options_at = time.time() + _OPTIONS_EVERY_S

    def take(self, data: bytes, at: float) -> None:
        """What came from the server."""
        if self.kept is not None:
            self.kept.append((at, data))
        self.marks.feed(data, at)

    def keep_alive(self, now: float) -> None:
        """Send OPTIONS when it is time; nothing if the connection takes nothing now."""
        if now < self._options_at or self.closed_at is not None:
            return
        self._options_at = now + _OPTIONS_EVERY_S
        self._cseq += 1
        request = build_request("OPTIONS", self._url, [("Session", self._session)], self._cseq, ANDROID_7)
        try:
            self.sock.send(request)
        except (ssl.SSLWantWriteError, OSError):
            return  # the reader learns of a broken connection by itself

    def close(self) -> None:
        """End it without TEARDOWN, as a device that is switched off."""
        self.sock.close()

    def open(self, uri: str) -> None:
        """DESCRIBE, SETUP of the video track, PLAY. Raises RefusedError, OSError."""
        described = self._ask("DESCRIBE", uri, [("Accept", "application/sdp")])
        self.sdp = described.body
        session = parse_sdp(described.body)
        base = base_url(described.headers, uri)
        video = next(track for track in session.tracks if track.media == "video")
        transport = ("Transport", "RTP/AVP/TCP;interleaved=0-1")
        answer = self._ask("SETUP", track_url(base, video.control, ANDROID_7), [transport])
        self._url, self._session = uri, parse_session(answer.headers["session"])[0]
        self._ask("PLAY", play_url(session.control, base, uri, ANDROID_7), [("Session", self._session)])

    def _ask(self, method: str, url: str, own: list[Header]) -> Response:
        self._cseq += 1
        self.sock.sendall(build_request(method, url, own, self._cseq, ANDROID_7))
        while not self.marks.answers:
            data = self.sock.recv(_CHUNK)
            if not data:
                raise ConnectionError(f"the server hung up instead of answering {method}")
            self.take(data, time.time())
        head, _, body = self.marks.answers.popleft().partition(b"\r\n\r\n")
        answer = parse_head(head.decode("latin-1").split("\r\n"))
        if not isinstance(answer, Response) or answer.status != 200:
            raise RefusedError(method, answer.status if isinstance(answer, Response) else 0)
        return Response(answer.status, answer.reason, answer.headers, body)


def view(way: Way, *, address: str, roots_pem: Path, receive_buffer: int | None = None, keep: bool = False) -> Viewer:
    """Open a stream through TLS. Raises RefusedError, and OSError for everything that fails below RTSP.

    ``receive_buffer``: bytes asked for the socket's receive buffer, to make a slow reader felt sooner.
    """
    raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        raw.settimeout(PATIENCE_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        raw.connect((address, way.port))
        secured = tls_context(roots_pem).wrap_socket(raw, server_hostname=way.host)
    except BaseException:
        raw.close()
        raise
    viewer = Viewer(secured, keep=keep)
    try:
        viewer.open(way.uri)
    except BaseException:
        viewer.close()
        raise
    return viewer
