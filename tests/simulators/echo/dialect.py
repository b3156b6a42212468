"""RTSP messages as the player writes and reads them (RFC 2326, with the player's own strictness)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.echo.fatal import FatalCheck
from simulators.echo.versions import Version

DEFAULT_TIMEOUT_S = 60
_SHORTEST_TIMEOUT_S = 15
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are lower case, and of equal ones the last has won. ``t``: when its end came."""

    status: int
    reason: str
    headers: dict[str, str]
    body: bytes = b""
    t: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerRequest:
    """A request from the server, which the player answers with 501."""

    method: str
    headers: dict[str, str]


def build_request(method: str, url: str, own: Sequence[Header], cseq: int, version: Version) -> bytes:
    """A request: the method's own headers first, then User-Agent, CSeq last."""
    headers = [*own, ("User-Agent", version.user_agent), ("CSeq", str(cseq))]
    lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode()


def build_refusal(request: ServerRequest) -> bytes:
    """The player's answer to any request of the server."""
    return f"RTSP/1.0 501 Not Implemented\r\nCSeq: {request.headers.get('cseq', '')}\r\n\r\n".encode()


def parse_head(lines: Sequence[str]) -> Response | ServerRequest:
    """A message's head: status or request line and headers, without line ends and without the empty line.

    Raises ``FatalCheck`` where the player drops the connection.
    """
    first = lines[0]
    words = first.split(" ", 2)
    if len(words) < 3:
        raise FatalCheck(f"status line {first!r} has fewer than two blanks")
    headers = _parse_headers(lines[1:])
    if words[0].startswith("RTSP/"):
        if not re.fullmatch(r"[1-9][0-9]{2}", words[1]):
            raise FatalCheck(f"status line {first!r} has no status of three digits")
        return Response(int(words[1]), words[2], headers)
    if words[2].startswith("RTSP/"):
        return ServerRequest(words[0], headers)
    raise FatalCheck(f"bytes that are neither packet nor message: {first[:60]!r}")


def _parse_headers(lines: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[0] in " \t":
            if not name:
                raise FatalCheck(f"folded line {line[:60]!r} before any header")
            headers[name] = f"{headers[name]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise FatalCheck(f"header {line[:60]!r} has no colon")
        name = name.strip().lower()
        headers[name] = value.strip()
    return headers


def body_length(headers: dict[str, str]) -> int:
    """Content-Length in bytes, 0 without one. Raises ``FatalCheck`` when it is no number."""
    text = headers.get("content-length", "0")
    if not re.fullmatch(r"[0-9]+", text):
        raise FatalCheck(f"Content-Length {text!r} is no number")
    return int(text)


def parse_session(value: str) -> tuple[str, int]:
    """A Session header: its id and its timeout in seconds, as the player takes them.

    A timeout under 15 s or malformed counts as 60 s.
    """
    identifier, _, rest = value.partition(";")
    match = re.search(r"(?:^|;)\s*timeout=([0-9]+)\s*(?:;|$)", rest)
    timeout = int(match.group(1)) if match else DEFAULT_TIMEOUT_S
    return identifier, timeout if timeout >= _SHORTEST_TIMEOUT_S else DEFAULT_TIMEOUT_S


def check_play_answer(headers: dict[str, str], track_urls: Sequence[str]) -> None:
    """The player's checks on the answer to PLAY. Raises ``FatalCheck``.

    No Range, or ``npt=now-``, is well. A numeric one makes RTP-Info mandatory, exact to the character.
    """
    value = headers.get("range")
    if value is None:
        return
    start = re.search(r"npt=\s*([^-;\s]*)", value)
    if start is None:
        raise FatalCheck(f"PLAY answer has Range {value!r} without npt=")
    if start.group(1) == "now":
        return
    info = headers.get("rtp-info")
    if info is None:
        raise FatalCheck(f"PLAY answer has a numeric Range {value!r} but no RTP-Info")
    for item in info.split(","):
        fields = dict(field.strip().partition("=")[::2] for field in item.split(";"))
        if fields.get("url") not in track_urls:
            raise FatalCheck(f"RTP-Info url {fields.get('url')!r} is none of {list(track_urls)}")
        for name in ("seq", "rtptime"):
            if not re.fullmatch(r"[0-9]+", fields.get(name, "")):
                raise FatalCheck(f"RTP-Info of {fields['url']} has no usable {name}")
