"""A small RTSP client with RTP inside its connection (RFC 2326, 10.12), for cameras that nobody vouches for.

Every wait ends at one deadline, and every size has a limit, whatever the camera sends.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import threading
import time
from urllib.parse import urlsplit

from .authentication import Login, Unsupported

_HEAD_MOST = 64 * 1024
_BODY_MOST = 256 * 1024
_STRAY_MOST = 4 * 1024 * 1024
_AGENT = "alexa-ip-cam audit"


class Failed(Exception):  # noqa: N818 - reads as what it is
    """The look is over; `problem` is one of those of Observed, the text says it in words."""

    def __init__(self, problem: str, text: str) -> None:
        super().__init__(text)
        self.problem = problem


@dataclasses.dataclass(frozen=True)
class Answer:
    """Status, headers (small letters, in order) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    def header(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key == name), "")


class Connection:
    """One RTSP connection; all of it ends at `deadline` (monotonic seconds). Methods raise Failed."""

    def __init__(self, url: str, login: Login, deadline: float) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 554
        except ValueError:
            raise Failed("name", "its URL cannot be read") from None
        self.url = url
        self.deadline = deadline
        self._login = login
        self._buffer = bytearray()
        self._count = 0
        self.session = ""
        self._socket = self._connect(resolve(host, port, deadline), port)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, method: str, url: str, headers: dict[str, str] | None = None) -> Answer:
        """Send a request and wait for its answer, with a password where one is asked for."""
        answer = self._exchange(method, url, headers or {})
        if answer.status != 401:
            self._login.accepted = True
            return answer
        # A wrong password is tried once: some cameras lock a user out after a few. A new nonce is no wrong password.
        is_refused = bool(self._login.scheme) and not self._login.accepted
        try:
            self._login.challenge([value for key, value in answer.headers if key == "www-authenticate"])
        except Unsupported as error:
            raise Failed("authentication", f"it asks for a password by {error}") from None
        if is_refused or not self._login.given:
            return answer
        answer = self._exchange(method, url, headers or {})
        self._login.accepted = answer.status != 401
        return answer

    def send(self, method: str, url: str) -> None:
        """Send a request and wait for nothing."""
        self._write(method, url, {})

    def packet(self) -> tuple[int, bytes]:
        """The next interleaved packet as channel and bytes; answers in between are thrown away."""
        stray = 0
        while True:
            self._fill(4)
            if self._buffer[0] == 0x24:
                size = int.from_bytes(self._buffer[2:4], "big")
                self._fill(4 + size)
                channel, data = self._buffer[1], bytes(self._buffer[4 : 4 + size])
                del self._buffer[: 4 + size]
                return channel, data
            if self._buffer.startswith(b"RTSP"):
                self._take_answer()
                continue
            # Cameras are known that send bytes nobody asked for between packets.
            del self._buffer[0]
            stray += 1
            if stray > _HEAD_MOST:
                raise Failed("protocol", "what it sends is no RTSP")

    def _connect(self, addresses: list[tuple[socket.AddressFamily, str]], port: int) -> socket.socket:
        last: OSError | None = None
        for family, address in addresses:
            candidate = socket.socket(family, socket.SOCK_STREAM)
            try:
                candidate.settimeout(self._left())
                candidate.connect((address, port))
            except OSError as error:
                candidate.close()
                last = error
            else:
                return candidate
        reason = "no answer" if isinstance(last, TimeoutError) else (last and last.strerror) or "no address"
        raise Failed("connect", f"port {port}: {reason}")

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failed("timeout", "it did not answer in time")
        return left

    def _exchange(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        self._write(method, url, headers)
        stray = 0
        while True:
            self._fill(4)
            if self._buffer[0] != 0x24:
                answer = self._take_answer()
                if answer.header("cseq") in ("", str(self._count)):
                    return answer
                stray += 1
                if stray > 100:
                    raise Failed("protocol", "its answers are for other requests")
                continue
            size = 4 + int.from_bytes(self._buffer[2:4], "big")
            self._fill(size)
            del self._buffer[:size]
            stray += 1
            if stray * 4 > _STRAY_MOST:
                raise Failed("protocol", "it sends packets and no answer")

    def _write(self, method: str, url: str, headers: dict[str, str]) -> None:
        self._count += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._count}", f"User-Agent: {_AGENT}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        authorization = self._login.header(method, url)
        if authorization:
            lines.append(f"Authorization: {authorization}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        except TimeoutError:
            raise Failed("timeout", "it takes no requests") from None
        except OSError as error:
            raise Failed("closed", f"it closed the connection ({error.strerror})") from None

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            try:
                self._socket.settimeout(self._left())
                data = self._socket.recv(65536)
            except TimeoutError:
                raise Failed("timeout", "it did not answer in time") from None
            except OSError as error:
                raise Failed("closed", f"it closed the connection ({error.strerror})") from None
            if not data:
                raise Failed("closed", "it closed the connection")
            self._buffer += data

    def _take_answer(self) -> Answer:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _HEAD_MOST:
                raise Failed("protocol", "its answer has no end")
            self._fill(len(self._buffer) + 1)
        first, *lines = self._buffer[:end].decode("utf-8", "replace").split("\r\n")
        status = re.match(r"RTSP/1\.[0-9] ([0-9]{3})\b", first)
        if status is None:
            raise Failed("protocol", "what it answers is no RTSP")
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        length = next((value for name, value in headers if name == "content-length"), "0")
        if not re.fullmatch(r"[0-9]{1,6}", length) or int(length) > _BODY_MOST:
            raise Failed("protocol", "the length of its answer makes no sense")
        total = end + 4 + int(length)
        self._fill(total)
        body = self._buffer[end + 4 : total].decode("utf-8", "replace")
        del self._buffer[:total]
        return Answer(int(status[1]), headers, body)


def resolve(host: str, port: int, deadline: float) -> list[tuple[socket.AddressFamily, str]]:
    """Addresses of a name. Raises Failed, also when there is no answer in time."""
    found: list[tuple[socket.AddressFamily, str]] = []
    done = threading.Event()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            entries = []
        found.extend((entry[0], str(entry[4][0])) for entry in entries)
        done.set()

    # A daemon, because the resolver cannot be interrupted.
    threading.Thread(target=ask, daemon=True).start()
    if not done.wait(max(0.0, deadline - time.monotonic())) or not found:
        raise Failed("name", f"the name {host} has no address here")
    return found
