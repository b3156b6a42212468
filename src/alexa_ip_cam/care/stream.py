"""Opens a stream through port 443 as an Echo does, up to the first byte of a keyframe (RFC 2326, RFC 6184)."""

import re
import socket
import ssl
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

from alexa_ip_cam.proof.served import echo_context

PICTURE_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_AGENT = "alexa-ip-cam check"
_MOST_HEADER = 65_536
_IDR, _STAP_A, _FU_A = 5, 24, 28


class Seen(NamedTuple):
    """`status` is DESCRIBE's, 0 when it did not come to that; `seconds` from connecting to the first keyframe.

    `problem` says what broke off; without one, and without `seconds`, no picture came in time.
    """

    status: int = 0
    seconds: float | None = None
    problem: str = ""


def look(address: str, port: int, uri: str, roots: Path, *, patience: float = PICTURE_SECONDS) -> Seen:
    """Connect, and wait for a picture for at most so many seconds.

    Raises:
        OSError: the roots cannot be read.
    """
    context = echo_context(roots)
    name = urllib.parse.urlsplit(uri).hostname or ""
    began = time.monotonic()
    try:
        with (
            socket.create_connection((address, port), timeout=_CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            return _Dialogue(secure, uri, began + patience).run(began)
    except ValueError as error:
        return Seen(problem=str(error))
    except OSError as error:
        return Seen(problem=str(error) or type(error).__name__)


class _Dialogue:
    """One connection's requests, and the media between their answers."""

    def __init__(self, wire: ssl.SSLSocket, uri: str, deadline: float) -> None:
        self._wire, self._uri, self._deadline = wire, uri, deadline
        self._data = b""
        self._number = 0

    def run(self, began: float) -> Seen:
        status, headers, body = self._ask("DESCRIBE", self._uri, "Accept: application/sdp")
        if status != 200:
            return Seen(status)
        track = _video_control(body)
        base = headers.get("content-base", f"{self._uri}/")
        url = track if track.startswith("rtsp://") else base.rstrip("/") + "/" + track
        told, headers, _ = self._ask("SETUP", url, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        if told != 200:
            return Seen(status, problem=f"SETUP was answered with {told}")
        session = headers.get("session", "").split(";")[0]
        told, _, _ = self._ask("PLAY", base, f"Session: {session}")
        if told != 200:
            return Seen(status, problem=f"PLAY was answered with {told}")
        try:
            while not _begins_keyframe(self._packet()):
                pass
        except TimeoutError:
            return Seen(status)
        return Seen(status, time.monotonic() - began)

    def _ask(self, method: str, url: str, *headers: str) -> tuple[int, dict[str, str], str]:
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", f"User-Agent: {_AGENT}", *headers, "", ""]
        self._wire.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._data or self._data.startswith(b"$"):
            if self._data.startswith(b"$"):
                self._packet()
                continue
            if len(self._data) > _MOST_HEADER:
                raise ValueError("the answer has no end")
            self._more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *rest = head.decode("utf-8", "replace").split("\r\n")
        match = re.match(r"RTSP/1\.0 ([0-9]{3})", first)
        if match is None:
            raise ValueError("the answer is no RTSP")
        fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in rest)}
        length = int(fields.get("content-length", "0"))
        body = self._exactly(length).decode("utf-8", "replace")
        return int(match[1]), fields, body

    def _packet(self) -> bytes:
        """The next interleaved packet; empty for one of another channel than the video's."""
        head = self._exactly(4)
        if head[:1] != b"$":
            raise ValueError("what comes between the answers is no media")
        packet = self._exactly(int.from_bytes(head[2:], "big"))
        return packet if head[1] == 0 else b""

    def _exactly(self, length: int) -> bytes:
        while len(self._data) < length:
            self._more()
        taken, self._data = self._data[:length], self._data[length:]
        return taken

    def _more(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("it took too long")
        self._wire.settimeout(left)
        data = self._wire.recv(65_536)
        if not data:
            raise ValueError("the connection was closed")
        self._data += data


def _video_control(description: str) -> str:
    """The control attribute of the first video track."""
    _, found, video = description.partition("m=video")
    match = re.search(r"^a=control:(\S+)", video.split("\nm=")[0], re.MULTILINE)
    if not found or match is None:
        raise ValueError("the description has no video")
    return match[1]


def _begins_keyframe(packet: bytes) -> bool:
    """Whether an RTP packet (RFC 3550 section 5.1) holds the beginning of an IDR picture (RFC 6184 section 5)."""
    if len(packet) < 14:
        return False
    payload = packet[12 + 4 * (packet[0] & 0xF) :]
    if packet[0] & 0x10:
        payload = payload[4 + 4 * int.from_bytes(payload[2:4], "big") :]
    if len(payload) < 2:
        return False
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F == _IDR
    if kind == _STAP_A:
        at, kinds = 1, []
        while at + 2 < len(payload):
            kinds.append(payload[at + 2] & 0x1F)
            at += 2 + int.from_bytes(payload[at : at + 2], "big")
        return _IDR in kinds
    return kind == _IDR
