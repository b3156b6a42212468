"""A small blocking RTSP client, RTP inside the RTSP connection, for asking a server questions in tests.

RTSP 1.0 is RFC 2326 (interleaving: section 10.12), RTP is RFC 3550, H.264 in RTP is RFC 6184 (FU-A: section 5.8).
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

FU_A = 28
STAP_A = 24


@dataclass(frozen=True)
class Answer:
    """One RTSP response: status code, headers with lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Packet:
    """One interleaved packet: channel number, RTP timestamp (0 for RTCP), marker bit, payload after the RTP header."""

    channel: int
    timestamp: int
    marker: bool
    payload: bytes


class ConnectionEndedError(Exception):
    """The server closed the connection."""


class RtspProbe:
    """One RTSP connection. ``timeout`` in seconds holds for each wait; TimeoutError when it passes."""

    def __init__(self, host: str, port: int, path: str, timeout: float = 6.0) -> None:
        self.url = f"rtsp://{host}:{port}/{path}"
        self.opened = time.monotonic()
        self._socket = socket.create_connection((host, port), timeout)
        self._buffer = bytearray()
        self._cseq = 0
        self._session = ""

    def __enter__(self) -> RtspProbe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection without a TEARDOWN, as a viewer that is switched off."""
        self._socket.close()

    def request(self, method: str, url: str | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request and wait for its answer; media packets that come before it are thrown away."""
        self._cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self._cseq}"]
        if self._session:
            lines.append(f"Session: {self._session}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while self._peek() == ord("$"):
            self._take_packet()
        return self._take_answer()

    def describe(self) -> Answer:
        """DESCRIBE; the body is the SDP."""
        return self.request("DESCRIBE", headers={"Accept": "application/sdp"})

    def setup(self, track: str, channel: int) -> Answer:
        """SETUP one track below the URL, RTP on ``channel`` and RTCP on the next."""
        transport = {"Transport": f"RTP/AVP/TCP;interleaved={channel}-{channel + 1}"}
        answer = self.request("SETUP", f"{self.url}/{track}", transport)
        self._session = answer.headers.get("session", "").split(";")[0]
        return answer

    def start(self) -> None:
        """DESCRIBE, SETUP of every track, PLAY. Raises AssertionError on an answer other than 200."""
        described = self.describe()
        assert described.status == 200, described
        tracks = re.findall(r"^a=control:(track\d+)\r?$", described.body, re.MULTILINE)
        for number, track in enumerate(tracks):
            answer = self.setup(track, 2 * number)
            assert answer.status == 200, answer
        answer = self.request("PLAY", self.url + "/")
        assert answer.status == 200, answer

    def packets(self, seconds: float) -> Iterator[Packet]:
        """Packets as they come, for that long. Raises ConnectionEndedError when the server hangs up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                yield self._take_packet()
            except TimeoutError:
                return

    def nal_units(self, seconds: float, channel: int = 0) -> Iterator[tuple[int, bytes]]:
        """H.264 NAL units of one channel as (RTP timestamp, NAL unit), put together from their fragments."""
        fragments = bytearray()
        for packet in self.packets(seconds):
            if packet.channel != channel or not packet.payload:
                continue
            kind = packet.payload[0] & 0x1F
            if kind == STAP_A:
                rest = packet.payload[1:]
                while len(rest) > 2:
                    size = int.from_bytes(rest[:2], "big")
                    yield packet.timestamp, bytes(rest[2 : 2 + size])
                    rest = rest[2 + size :]
            elif kind != FU_A:
                yield packet.timestamp, packet.payload
            else:
                flags = packet.payload[1]
                if flags & 0x80:
                    fragments = bytearray([(packet.payload[0] & 0xE0) | (flags & 0x1F)])
                fragments += packet.payload[2:]
                if flags & 0x40:
                    yield packet.timestamp, bytes(fragments)

    def wait_until_closed(self, seconds: float) -> float:
        """Read on until the server closes the connection, then close it here, too; gives the seconds that took.

        Raises TimeoutError when the server does not.
        """
        begun = time.monotonic()
        try:
            for _ in self.packets(seconds):
                pass
        except (ConnectionEndedError, ConnectionResetError):
            return time.monotonic() - begun
        finally:
            self.close()
        raise TimeoutError(f"the server kept the connection open for {seconds} s")

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionEndedError
            self._buffer += data

    def _peek(self) -> int:
        self._fill(1)
        return self._buffer[0]

    def _take_answer(self) -> Answer:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill(len(self._buffer) + 1)
        first, *lines = self._buffer[:end].decode().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        total = end + 4 + int(headers.get("content-length", "0"))
        self._fill(total)
        body = self._buffer[end + 4 : total].decode()
        del self._buffer[:total]
        return Answer(int(first.split()[1]), headers, body)

    def _take_packet(self) -> Packet:
        self._fill(4)
        if self._buffer[0] != ord("$"):
            raise AssertionError(f"not an interleaved packet: {bytes(self._buffer[:20])!r}")
        size = int.from_bytes(self._buffer[2:4], "big")
        self._fill(4 + size)
        channel = self._buffer[1]
        data = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        if channel % 2:
            return Packet(channel, 0, False, data)
        header = 12 + 4 * (data[0] & 0x0F)
        return Packet(channel, int.from_bytes(data[4:8], "big"), bool(data[1] & 0x80), data[header:])
