"""A camera that sends a clip as fast as it is taken, and misbehaves as told."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

NONCE, REALM = "0123abcd", "Camera"


@dataclasses.dataclass
class Script:
    """What it does. auth: none, basic, digest, digest-qop or digest-sha256; `requests` is what it was asked."""

    pictures: list[list[bytes]] = dataclasses.field(default_factory=list)
    fps: int = 15
    auth: str = "none"
    user: tuple[str, str] = ("viewer", "right")
    sdp: str = ""
    statuses: dict[str, int] = dataclasses.field(default_factory=dict)
    sessions_most: int = 99
    raw: bytes | None = None
    sound: bool = False
    requests: list[str] = dataclasses.field(default_factory=list)
    playing: int = 0


def video_sdp(pictures: list[list[bytes]], *, sets: bool = True, audio: str = "") -> str:
    """An SDP with the clip's parameter sets."""
    nals = {nal[0] & 0x1F: nal for nal in pictures[0]}
    sprop = ",".join(base64.b64encode(nals[kind]).decode() for kind in (7, 8))
    fmtp = "a=fmtp:96 packetization-mode=1" + (f";sprop-parameter-sets={sprop}" if sets else "")
    lines = ["v=0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", fmtp, "a=control:track1"]
    if audio:
        lines += ["m=audio 0 RTP/AVP 97", f"a=rtpmap:97 {audio}", "a=control:track2"]
    return "\r\n".join(lines) + "\r\n"


@contextmanager
def camera(script: Script, host: str = "127.0.0.1") -> Iterator[str]:
    """Run it, on an address of this machine; gives its URL."""
    with socket.create_server((host, 0)) as server:
        threads: list[threading.Thread] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=_talk, args=(connection, script), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=serve, daemon=True)
        accepting.start()
        yield f"rtsp://{host}:{server.getsockname()[1]}/live?x=1"
        server.shutdown(socket.SHUT_RDWR)
    accepting.join(5)
    for thread in threads:
        thread.join(5)


def _talk(connection: socket.socket, script: Script) -> None:
    with connection:
        try:
            if script.raw is not None:
                connection.sendall(script.raw)
                while connection.recv(65536):
                    pass
                return
            _dialogue(connection, script)
        except OSError:
            return


def _dialogue(connection: socket.socket, script: Script) -> None:
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            got = connection.recv(65536)
            if not got:
                return
            data += got
        head, _, data = data.partition(b"\r\n\r\n")
        text = head.decode()
        script.requests.append(text)
        method, url = text.split()[:2]
        sequence = re.search(r"CSeq: (\d+)", text)
        lines = [f"CSeq: {sequence[1] if sequence else 0}"]
        status = script.statuses.get(method, 200)
        body = ""
        if status == 200 and not _may(text, method, url, script):
            status = 401
            lines.append(f"WWW-Authenticate: {_challenge(script.auth)}")
        elif method == "DESCRIBE":
            body = script.sdp or video_sdp(script.pictures)
            lines.append(f"Content-Length: {len(body)}")
        elif method == "SETUP":
            transport = re.search(r"Transport: (\S+)", text)
            lines += ["Session: 42;timeout=60", f"Transport: {transport[1] if transport else ''}"]
        elif method == "PLAY":
            script.playing += 1
            if script.playing > script.sessions_most:
                status = 453
        connection.sendall(f"RTSP/1.0 {status} X\r\n".encode() + _rest(lines, body))
        if method == "PLAY" and status == 200:
            _play(connection, script)
        if method == "TEARDOWN":
            return


def _rest(lines: list[str], body: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _challenge(auth: str) -> str:
    if auth == "basic":
        return f'Basic realm="{REALM}"'
    extra = {"digest-qop": ', qop="auth"', "digest-sha256": ", algorithm=SHA-256"}.get(auth, "")
    return f'Digest realm="{REALM}", nonce="{NONCE}"{extra}'


def _may(text: str, method: str, url: str, script: Script) -> bool:
    if script.auth == "none":
        return True
    header = re.search(r"Authorization: (.*)", text)
    if not header:
        return False
    user, password = script.user
    if script.auth == "basic":
        return header[1].strip() == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    given = dict(re.findall(r'(\w+)="?([^",\r]+)"?', header[1]))
    one, two = _md5(f"{user}:{REALM}:{password}"), _md5(f"{method}:{url}")
    middle = f"{given['nc']}:{given['cnonce']}:auth:" if "qop" in given else ""
    return str(given["response"]) == _md5(f"{one}:{NONCE}:{middle}{two}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _play(connection: socket.socket, script: Script) -> None:
    sequence = 0
    for number, nals in enumerate(script.pictures):
        # Near the end of the 32 bits, so that each clip goes through a wrap.
        stamp = (0xFFFF_0000 + number * 90000 // script.fps) & 0xFFFF_FFFF
        for payload in (part for nal in nals for part in _fragments(nal)):
            header = b"\x80\x60" + sequence.to_bytes(2, "big") + stamp.to_bytes(4, "big") + b"\0\0\0\1"
            packet = header + payload
            connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)
            sequence = (sequence + 1) & 0xFFFF
        if script.sound:
            connection.sendall(b"$\2\0\x0d" + b"\x80\x61" + bytes(11))


def _fragments(nal: bytes, size: int = 1400) -> list[bytes]:
    if len(nal) <= size:
        return [nal]
    parts = [nal[at : at + size] for at in range(1, len(nal), size)]
    first, last = 0x80, 0x40
    return [
        bytes([nal[0] & 0xE0 | 28, nal[0] & 0x1F | (first if n == 0 else 0) | (last if n == len(parts) - 1 else 0)]) + p
        for n, p in enumerate(parts)
    ]
