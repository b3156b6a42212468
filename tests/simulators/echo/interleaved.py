"""The byte stream from the server, cut into RTSP messages and interleaved packets (RFC 2326, section 10.12).

As strict as the player: not one stray byte between two of them.
"""

from dataclasses import dataclass, replace

from simulators.echo.dialect import Response, ServerRequest, body_length, parse_head
from simulators.echo.fatal import FatalCheck


@dataclass(frozen=True, slots=True)
class Packet:
    """One interleaved packet: ``t`` seconds since the TCP connect began, channel, RTP or RTCP bytes."""

    t: float
    channel: int
    data: bytes


Item = Packet | Response | ServerRequest


class Framer:
    """Takes bytes as they come, gives whole messages and packets."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def push(self, data: bytes, t: float) -> tuple[list[Item], FatalCheck | None]:
        """Everything complete after ``data``, which came at ``t`` seconds, and the end of the line, if reached.

        After a fatal check nothing further can be read.
        """
        self._buffer += data
        items: list[Item] = []
        at = 0
        try:
            while at < len(self._buffer):
                item, end = self._take(at, t)
                if item is None:
                    break
                items.append(item)
                at = end
        except FatalCheck as fatal:
            return items, fatal
        del self._buffer[:at]
        return items, None

    def _take(self, at: int, t: float) -> tuple[Item | None, int]:
        first = self._buffer[at]
        if first == 0x24:
            return self._take_packet(at, t)
        if not 0x41 <= first <= 0x5A:
            found = bytes(self._buffer[at : at + 8])
            raise FatalCheck(f"stray bytes between messages and packets: {found!r}")
        return self._take_message(at, t)

    def _take_packet(self, at: int, t: float) -> tuple[Item | None, int]:
        if len(self._buffer) < at + 4:
            return None, at
        end = at + 4 + int.from_bytes(self._buffer[at + 2 : at + 4])
        if len(self._buffer) < end:
            return None, at
        return Packet(t, self._buffer[at + 1], bytes(self._buffer[at + 4 : end])), end

    def _take_message(self, at: int, t: float) -> tuple[Item | None, int]:
        lines: list[str] = []
        while True:
            newline = self._buffer.find(b"\n", at)
            if newline < 0:
                return None, at
            line = self._buffer[at:newline].removesuffix(b"\r").decode("latin-1")
            at = newline + 1
            if not line:
                break
            lines.append(line)
        head = parse_head(lines)
        end = at + body_length(head.headers)
        if len(self._buffer) < end:
            return None, at
        if isinstance(head, Response):
            return replace(head, body=bytes(self._buffer[at:end]), t=t), end
        return head, end
