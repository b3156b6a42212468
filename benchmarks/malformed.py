"""Requests that no player would send: made from a seed, so that a failing one can be made again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

_METHODS = ("DESCRIBE", "SETUP", "PLAY", "OPTIONS", "TEARDOWN", "GET_PARAMETER", "PAUSE")
_GIANT = 256 * 1024


@dataclass(frozen=True)
class Malformed:
    """``data`` to send. ``waits``: the server may rightly wait for more and say nothing."""

    kind: str
    data: bytes
    waits: bool = False


def malformed(rng: random.Random, url: str) -> Malformed:
    """One request, each kind as likely as the others; ``url`` is a good one to start from."""
    kind = rng.choice(sorted(_KINDS))
    return Malformed(kind, _KINDS[kind](rng, url), kind in _WAITING)


def valid(rng: random.Random, url: str) -> bytes:
    """A request in good order, for a session that does not exist where it names one."""
    method = rng.choice(_METHODS)
    headers = {"CSeq": str(rng.randrange(1, 1000)), "User-Agent": "Fire OS/6.0 stagefright/1.2 (Linux;Android 7.1.2)"}
    if method == "SETUP":
        headers["Transport"] = "RTP/AVP/TCP;interleaved=0-1"
    elif method not in {"DESCRIBE", "OPTIONS"}:
        headers["Session"] = f"{rng.getrandbits(64):016x}"
    return _request(f"{method} {url} RTSP/1.0", headers)


def _request(first: str, headers: dict[str, str]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def _mutated(rng: random.Random, url: str) -> bytes:
    data = bytearray(valid(rng, url)[:-4])
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at]
            case _:
                data[at:at] = rng.randbytes(rng.randrange(1, 20))
    return bytes(data) + b"\r\n\r\n"


def _odd_first_line(rng: random.Random, url: str) -> bytes:
    lines = (
        f"BREW {url} RTSP/1.0",
        f"DESCRIBE {url}",
        f"DESCRIBE {url} RTSP/9.9",
        f"DESCRIBE {url} HTTP/1.1",
        f"describe {url} RTSP/1.0",
        "DESCRIBE  RTSP/1.0",
        f"{'D' * 5000} {url} RTSP/1.0",
    )
    return _request(rng.choice(lines), {"CSeq": "1"})


def _odd_url(rng: random.Random, url: str) -> bytes:
    urls = (
        "*",
        "/",
        url + "/../../etc/passwd",
        url + "%00%ff%2e%2e",
        url + "/" * 2000,
        "rtsp://[::1/front-porch",
        "rtsp://x:99999999/front-porch",
        url[:-1],
        url + "\udcff\udcfe",
    )
    return _request(f"{rng.choice(_METHODS)} {rng.choice(urls)} RTSP/1.0", {"CSeq": "2"})


def _odd_header(rng: random.Random, url: str) -> bytes:
    lines = (
        "no colon at all",
        ": no name",
        "CSeq: minus one",
        "CSeq: -1",
        f"CSeq: {'9' * 400}",
        "X: \x00\x01\x02",
        " folded: before any header",
        "Content-Length: -5",
        "Content-Length: 1e3",
        "Content-Length: 4, 5",
        "Session: " + "s" * 4000,
        "Require: implicit-play",
    )
    chosen = rng.choice(lines)
    return f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 3\r\n{chosen}\r\n\r\n".encode()


def _odd_transport(rng: random.Random, url: str) -> bytes:
    values = (
        "",
        "RTP/AVP;unicast;client_port=1-2",
        "RTP/AVP/TCP;interleaved=300-301",
        "RTP/AVP/TCP;interleaved=-1-0",
        "RTP/AVP/TCP;interleaved=1-0",
        "RTP/AVP/TCP;interleaved=0",
        "RTP/SAVP/TCP;multicast",
        ",;,;=,",
    )
    return _request(f"SETUP {url}/track1 RTSP/1.0", {"CSeq": "4", "Transport": rng.choice(values)})


def _giant_header(rng: random.Random, url: str) -> bytes:
    size = rng.randrange(_GIANT // 4, _GIANT)
    return f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 5\r\nX: ".encode() + b"a" * size + b"\r\n\r\n"


def _many_headers(rng: random.Random, url: str) -> bytes:
    lines = "".join(f"X-{number}: {number}\r\n" for number in range(rng.randrange(500, 5000)))
    return f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 6\r\n{lines}\r\n".encode()


def _giant_body(rng: random.Random, url: str) -> bytes:
    size = rng.choice((1 << 31, 1 << 63, 10**30, 5_000_000))
    return f"GET_PARAMETER {url} RTSP/1.0\r\nCSeq: 7\r\nContent-Length: {size}\r\n\r\nx".encode()


def _bytes(rng: random.Random, _url: str) -> bytes:
    return rng.randbytes(rng.randrange(1, 2000))


def _interleaved(rng: random.Random, _url: str) -> bytes:
    return b"".join(
        b"$" + bytes([rng.randrange(256)]) + size.to_bytes(2, "big") + rng.randbytes(size)
        for size in (rng.randrange(0, 400) for _ in range(rng.randrange(1, 10)))
    )


def _cut_off(rng: random.Random, url: str) -> bytes:
    data = valid(rng, url)
    return data[: rng.randrange(1, len(data) - 4)]


_KINDS: dict[str, Callable[[random.Random, str], bytes]] = {
    "mutated": _mutated,
    "first line": _odd_first_line,
    "url": _odd_url,
    "header": _odd_header,
    "transport": _odd_transport,
    "giant header": _giant_header,
    "many headers": _many_headers,
    "giant body": _giant_body,
    "random bytes": _bytes,
    "interleaved": _interleaved,
    "cut off": _cut_off,
    "no session": valid,
}
# A mutation may hit a length; the rest is plainly the beginning of something, or needs no answer.
_WAITING = frozenset({"mutated", "giant body", "random bytes", "interleaved", "cut off"})
