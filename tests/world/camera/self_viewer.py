"""The viewer that never leaves.

GStreamer's RTSP server halts a stream that nobody watches and lets the next viewer begin with what it held back.
A camera's encoder runs on. So the camera watches itself, over UDP sockets of minimal size that it never reads:
the kernel drops the packets, which costs next to nothing.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

_TIMEOUT_S = 20.0
_SESSION = re.compile(rb"^Session: *([^;\r\n]+)", re.MULTILINE | re.IGNORECASE)


class SelfViewer(threading.Thread):
    """Plays `tracks` tracks of rtsp://127.0.0.1:<port><path>, calls `ready()`, and stays until the process ends.

    `failed(reason)` is called once when the camera refuses.
    """

    def __init__(
        self, *, port: int, path: str, tracks: int, ready: Callable[[], None], failed: Callable[[str], None]
    ) -> None:
        super().__init__(name="self-viewer", daemon=True)
        self._port = port
        self._url = f"rtsp://127.0.0.1:{port}{path}"
        self._tracks = tracks
        self._ready = ready
        self._failed = failed
        self._requests = 0
        self._sinks = ExitStack()

    def run(self) -> None:
        """Set up each track, play, and wait. The session has no time-out: the server does not sweep it."""
        try:
            with self._sinks, socket.create_connection(("127.0.0.1", self._port), _TIMEOUT_S) as connection:
                self._request(connection, "DESCRIBE", self._url, "Accept: application/sdp\r\n")
                session = ""
                for track in range(self._tracks):
                    rtp, rtcp = self._sink(), self._sink()
                    headers = f"Transport: RTP/AVP;unicast;client_port={rtp}-{rtcp}\r\n{session}"
                    answer = self._request(connection, "SETUP", f"{self._url}/stream={track}", headers)
                    found = _SESSION.search(answer)
                    if found is None:
                        raise ConnectionError("SETUP was answered without a session")
                    session = f"Session: {found[1].decode()}\r\n"
                self._request(connection, "PLAY", self._url, session)
                self._ready()
                connection.settimeout(None)
                connection.recv(1)
            raise ConnectionError("the camera closed its own session")
        except OSError as error:
            self._failed(str(error))

    def _sink(self) -> int:
        sink = self._sinks.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        sink.bind(("127.0.0.1", 0))
        port: int = sink.getsockname()[1]
        return port

    def _request(self, connection: socket.socket, method: str, url: str, headers: str) -> bytes:
        self._requests += 1
        connection.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: {self._requests}\r\n{headers}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = connection.recv(65536)
            if not received:
                raise ConnectionError(f"{method}: connection closed")
            answer += received
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"^Content-Length: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
        while length and len(body) < int(length[1]):
            body += connection.recv(65536)
        status = head.split(b"\r\n", 1)[0].decode(errors="replace")
        if " 200 " not in status:
            raise ConnectionError(f"{method}: {status}")
        return head
