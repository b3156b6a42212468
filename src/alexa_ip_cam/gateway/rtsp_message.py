"""RTSP messages (RFC 2326 sections 4, 6, 7): read with tolerance and within limits, written exactly."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST_HEAD = 8 << 10
MOST_HEADERS = 64
LARGEST_BODY = 16 << 10

_DOLLAR = 0x24
_METHOD = re.compile(r"[A-Z][A-Z_]{0,31}")
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEAD_END = re.compile(rb"\r?\n\r?\n")

REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    413: "Request Entity Too Large",
    451: "Parameter Not Understood",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "RTSP Version Not Supported",
    551: "Option Not Supported",
}


class MalformedMessageError(ValueError):
    """What came is no RTSP message, or exceeds a limit; the connection cannot go on. ``status`` is the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Message:
    """A request or a response: its first line, and its headers with names in lower case."""

    first_line: str
    headers: dict[str, str]
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.headers.get(name.lower(), "")


@dataclass(slots=True)
class Request:
    """A request to this server; ``cseq`` is None when there was no usable one."""

    method: str
    uri: str
    version: str
    message: Message
    cseq: str | None


@dataclass(slots=True)
class Response:
    """A response of this server."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def encode(self, cseq: str | None) -> bytes:
        """The bytes to send; nothing but the message."""
        lines = [f"RTSP/1.0 {self.status} {REASONS[self.status]}"]
        if cseq is not None:
            lines.append(f"CSeq: {cseq}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


class MessageReader:
    """Cuts what a peer sends into messages and interleaved packets.

    Memory is bounded: a head, a body and an interleaved packet each have a largest size.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0

    @property
    def pending(self) -> bool:
        """Whether the beginning of something unfinished is held."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    def items(self) -> Iterator[Message | tuple[int, bytes]]:
        """Every whole message, and every whole interleaved packet as (channel, bytes).

        Raises:
            MalformedMessageError: what came cannot be understood; nothing after it can be either.
        """
        while (item := self.next_item()) is not None:
            yield item

    def next_item(self) -> Message | tuple[int, bytes] | None:
        """The next whole message or packet, or None when more must arrive first.

        Raises:
            MalformedMessageError: as `items`.
        """
        buffer = self._buffer
        if not self._scanned:
            blank = len(buffer) - len(buffer.lstrip(b"\r\n"))  # stray line ends between messages
            del buffer[:blank]
        if not buffer:
            return None
        if buffer[0] == _DOLLAR:
            return self._packet()
        return self._message()

    def _packet(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 4:
            return None
        end = 4 + (buffer[2] << 8 | buffer[3])
        if len(buffer) < end:
            return None
        packet = buffer[1], bytes(buffer[4:end])
        del buffer[:end]
        return packet

    def _message(self) -> Message | None:
        buffer = self._buffer
        match = _HEAD_END.search(buffer, max(0, self._scanned - 3), LARGEST_HEAD + 4)
        if match is None:
            if len(buffer) > LARGEST_HEAD:
                raise MalformedMessageError("the head is too large", 413)
            self._scanned = len(buffer)
            return None
        message = parse_head(bytes(buffer[: match.start()]))
        length = _content_length(message)
        end = match.end() + length
        if len(buffer) < end:
            self._scanned = match.start()
            return None
        message.body = bytes(buffer[match.end() : end])
        del buffer[:end]
        self._scanned = 0
        return message


def parse_head(head: bytes) -> Message:
    """The first line and headers of a message, without the blank line that ends it.

    Raises:
        MalformedMessageError: a line is none, or there are too many.
    """
    try:
        lines = head.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise MalformedMessageError("the head is not text") from None
    if len(lines) > MOST_HEADERS + 1:
        raise MalformedMessageError("too many headers", 413)
    headers: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line[:1] in {" ", "\t"} and name:
            headers[name] += " " + line.strip()  # a folded line
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip().lower()
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise MalformedMessageError("a header line has no name")
        headers[name] = value.strip()
    return Message(lines[0].strip(), headers)


def as_request(message: Message) -> Request:
    """The request in a message.

    Raises:
        MalformedMessageError: the first line is not a request's.
    """
    parts = message.first_line.split()
    if len(parts) != 3 or not _METHOD.fullmatch(parts[0]) or not re.fullmatch(r"[A-Z]+/[0-9.]+", parts[2]):
        raise MalformedMessageError("the first line is not a request")
    cseq = message.header("cseq")
    usable = re.fullmatch(r"[0-9]{1,10}", cseq, re.ASCII)
    return Request(parts[0], parts[1], parts[2], message, cseq if usable else None)


def status_of(message: Message) -> int:
    """The status code of a response.

    Raises:
        MalformedMessageError: the first line is not a response's.
    """
    match = re.match(r"RTSP/1\.[0-9] ([0-9]{3})(?: |$)", message.first_line, re.ASCII)
    if match is None:
        raise MalformedMessageError("the first line is not a response")
    return int(match[1])


def _content_length(message: Message) -> int:
    text = message.header("content-length")
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise MalformedMessageError("Content-Length is not a number")
    if int(text) > LARGEST_BODY:
        raise MalformedMessageError("the body is too large", 413)
    return int(text)
