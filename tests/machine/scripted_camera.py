"""A camera on loopback that does as a test tells it: hangs, dies, returns, refuses, talks nonsense.

Speaks RTSP 1.0 (RFC 2326) with basic or digest authentication (RFC 2617) and sends H.264 in RTP (RFC 6184), single
NAL unit packets whose payload carries a running number.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import re
import socket
import struct
import threading
import time

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=scripted\r\nt=0 0\r\na=control:*\r\n"
    "m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;profile-level-id=42E01F;"
    "sprop-parameter-sets=Z0LgH9oBQBbsRAAAAwAEAAADAPA8YMqA,aM4yyA==\r\n"
    "a=control:track1\r\n"
)
GARBAGE = "v=0\r\nm=video nonsense\r\nm=audio 0 RTP/AVP\r\na=rtpmap:999999 \x7f/0\r\n"
REALM, NONCE = "scripted", "0123456789abcdef"
FRAMES_PER_SECOND = 25


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class ScriptedCamera:
    """Serves ``rtsp://127.0.0.1:<port>/stream``. Its attributes may be changed at any time.

    Attributes:
        sdp: what DESCRIBE answers.
        auth: ``none``, ``basic`` or ``digest``, for user ``viewer`` and :attr:`password`.
        status: answer DESCRIBE with this status.
        media: send RTP after PLAY.
        pause_seconds: how long it takes to obey PAUSE.
        packets_per_frame: NAL units of full packet size that follow each numbered one.
        close_at_once: accept connections and close them again.
        requests: the methods of the requests answered so far.
    """

    def __init__(self, port: int = 0) -> None:
        self.sdp = SDP
        self.auth = "none"
        self.password = "geheim"
        self.status = 200
        self.media = True
        self.packets_per_frame = 0
        self.pause_seconds = 0.0
        self.close_at_once = False
        self.requests: list[str] = []
        self._hung = threading.Event()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = port
        self.start()

    def start(self) -> None:
        """Listen (again)."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=20)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._hung.clear()
        self._spawn(self._accept, listener)

    def die(self) -> None:
        """Close the listening socket and all connections."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            self._shut(connection)
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def hang(self) -> None:
        """Keep connections open and accept new ones, but neither answer nor send."""
        self._hung.set()

    def resume(self) -> None:
        """End :meth:`hang`."""
        self._hung.clear()

    def say_bye(self) -> None:
        """Send an RTCP BYE (RFC 3550 section 6.6) on every connection."""
        report = struct.pack("!BBHI", 0x80, 201, 1, 0x1234)  # compound packets start with a report (section 6.1)
        bye = struct.pack("!BBHI", 0x81, 203, 1, 0x1234)
        for connection in list(self._connections):
            connection.sendall(b"$\x01" + struct.pack("!H", len(report + bye)) + report + bye)

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _shut(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # gone already
            connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if self.close_at_once:
                connection.close()
                continue
            self._connections.add(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        playing = threading.Event()
        lock = threading.Lock()
        udp: list[tuple[str, int]] = []
        self._spawn(self._send_media, connection, playing, lock, udp)
        buffer = b""
        try:
            while True:
                data = connection.recv(65536)
                if not data:
                    break
                buffer += data
                while True:
                    while buffer[:1] == b"$" and len(buffer) >= 4:  # RTCP from the viewer
                        size = int.from_bytes(buffer[2:4], "big")
                        if len(buffer) < 4 + size:
                            break
                        buffer = buffer[4 + size :]
                    if buffer[:1] == b"$" or b"\r\n\r\n" not in buffer:
                        break
                    request, buffer = buffer.split(b"\r\n\r\n", 1)
                    while self._hung.is_set():
                        time.sleep(0.02)
                        if connection.fileno() < 0:
                            return
                    answer = self._answer(request.decode(), playing, udp)
                    with lock:
                        connection.sendall(answer.encode())
        except OSError:
            pass  # the test let the camera die
        finally:
            playing.clear()
            self._connections.discard(connection)
            with lock:
                connection.close()

    def _answer(self, request: str, playing: threading.Event, udp: list[tuple[str, int]]) -> str:
        method, url, _ = request.split("\r\n", maxsplit=1)[0].split(" ")
        self.requests.append(method)
        cseq = re.search(r"CSeq: (\d+)", request)
        head = f"CSeq: {cseq.group(1) if cseq else 0}\r\n"
        if not self._authorized(method, request):
            challenge = (
                f'Digest realm="{REALM}", nonce="{NONCE}"' if self.auth == "digest" else f'Basic realm="{REALM}"'
            )
            return f"RTSP/1.0 401 Unauthorized\r\n{head}WWW-Authenticate: {challenge}\r\n\r\n"
        head += "Session: 1;timeout=60\r\n" if method != "DESCRIBE" else ""
        if method == "OPTIONS":
            head += "Public: OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            if self.status != 200:
                return f"RTSP/1.0 {self.status} No\r\n{head}\r\n"
            head += f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\nContent-Length: {len(self.sdp)}\r\n"
            return f"RTSP/1.0 200 OK\r\n{head}\r\n{self.sdp}"
        elif method == "SETUP":
            transport = re.search(r"Transport: (\S+)", request)
            asked = transport.group(1) if transport else ""
            if ports := re.search(r"client_port=(\d+)", asked):
                udp.append(("127.0.0.1", int(ports.group(1))))
            head += f"Transport: {asked}\r\n"
        elif method == "PLAY":
            playing.set()
        elif method in ("PAUSE", "TEARDOWN"):
            time.sleep(self.pause_seconds)
            playing.clear()
        return f"RTSP/1.0 200 OK\r\n{head}\r\n"

    def _authorized(self, method: str, request: str) -> bool:
        if self.auth == "none":
            return True
        if self.auth == "basic":
            token = base64.b64encode(f"viewer:{self.password}".encode()).decode()
            return f"Authorization: Basic {token}" in request
        uri = re.search(r'uri="([^"]*)"', request)
        response = re.search(r'response="([0-9a-f]*)"', request)
        if uri is None or response is None:
            return False
        first, second = _md5(f"viewer:{REALM}:{self.password}"), _md5(f"{method}:{uri.group(1)}")
        return response.group(1) == _md5(f"{first}:{NONCE}:{second}")

    def _send_media(
        self, connection: socket.socket, playing: threading.Event, lock: threading.Lock, udp: list[tuple[str, int]]
    ) -> None:
        number = sequence = 0
        noise = random.Random(1)  # noqa: S311  (the same in each run)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            while connection.fileno() >= 0:
                time.sleep(1 / FRAMES_PER_SECOND)
                number += 1
                kind = 0x65 if number % FRAMES_PER_SECOND == 1 else 0x41
                payloads = [bytes([kind]) + struct.pack("!I", number) + b"\x5a" * 500]
                payloads += [b"\x41" + noise.randbytes(1380) for _ in range(self.packets_per_frame)]
                for payload in payloads:
                    if not playing.is_set() or self._hung.is_set() or not self.media:
                        break
                    sequence += 1
                    timestamp = number * 90000 // FRAMES_PER_SECOND
                    packet = struct.pack("!BBHII", 0x80, 0xE0, sequence & 0xFFFF, timestamp, 0x1234) + payload
                    if udp:
                        datagrams.sendto(packet, udp[0])
                    else:
                        with lock:
                            connection.sendall(b"$\x00" + struct.pack("!H", len(packet)) + packet)
        except OSError:
            pass  # the viewer hung up
        finally:
            datagrams.close()
