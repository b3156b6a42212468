"""URLs that must open nothing, and what the appliance gave away for them."""

from __future__ import annotations

import random
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alexa_ip_cam.signing import sign_stream
from benchmarks.marks import Marks
from simulators.echo.dialect import build_request
from simulators.echo.session import PATIENCE_S, tls_context
from simulators.echo.versions import ANDROID_7

_CHUNK = 1 << 16


def bad_paths(key: bytes, camera_id: str, other_id: str, now: int, rng: random.Random) -> dict[str, str]:
    """Paths by what is wrong with them; ``key`` is the right one."""
    good = sign_stream(key, camera_id, now + 3600)
    token = good.partition("/")[2]
    expiry, _, signature = token.partition("-")
    at = rng.randrange(len(signature))
    altered = signature[:at] + ("0" if signature[at] != "0" else "1") + signature[at + 1 :]
    return {
        "unsigned": camera_id,
        "unsigned with slash": f"{camera_id}/",
        "expired": sign_stream(key, camera_id, now - 1),
        "long expired": sign_stream(key, camera_id, 1),
        "altered signature": f"{camera_id}/{expiry}-{altered}",
        "short signature": f"{camera_id}/{token[:-1]}",
        "later expiry": f"{camera_id}/{int(expiry) + 1}-{signature}",
        "other camera": f"{other_id}/{token}",
        "no such camera": sign_stream(key, "no-such-camera", now + 3600),
        "other key": sign_stream(rng.randbytes(32), camera_id, now + 3600),
        "upper case": f"{camera_id}/{token.upper()}" if token.upper() != token else f"{camera_id}/{token}A",
        "as a query": f"{camera_id}?{token}",
    }


@dataclass
class Given:
    """What a bad URL got: the statuses by request, bytes of bodies, and bytes of media."""

    statuses: list[int]
    body_bytes: int
    media_bytes: int


def try_all(path: str, *, name: str, address: str, roots_pem: Path) -> Given:
    """DESCRIBE, SETUP and PLAY of ``path`` on one connection through TLS, until the server hangs up."""
    url = f"rtsp://{name}:443/{path}"
    requests: Mapping[str, tuple[str, list[tuple[str, str]]]] = {
        "DESCRIBE": (url, [("Accept", "application/sdp")]),
        "SETUP": (f"{url}/track1", [("Transport", "RTP/AVP/TCP;interleaved=0-1")]),
        "PLAY": (f"{url}/", [("Session", "0123456789abcdef")]),
    }
    given = Given([], 0, 0)
    for method, (target, own) in requests.items():
        with (
            socket.create_connection((address, 443), PATIENCE_S) as raw,
            tls_context(roots_pem).wrap_socket(raw, server_hostname=name) as secured,
        ):
            secured.sendall(build_request(method, target, own, 1, ANDROID_7))
            _read(secured, given)
    return given


def _read(secured: ssl.SSLSocket, given: Given) -> None:
    """Read the answer and whatever comes in the half second after it."""
    marks = Marks()
    total = 0
    while True:
        try:
            data = secured.recv(_CHUNK)
        except (TimeoutError, OSError):
            break
        if not data:
            break
        total += len(data)
        marks.feed(data, 0.0)
        secured.settimeout(0.5)
    for answer in marks.answers:
        head, _, body = answer.partition(b"\r\n\r\n")
        given.statuses.append(int(head.split(b" ", 2)[1]))
        given.body_bytes += len(body)
        total -= len(answer)
    given.media_bytes += total
