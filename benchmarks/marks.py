"""A stream's bytes as a cheap viewer reads them: it looks for the cameras' markers and unpacks nothing else.

Interleaved framing: RFC 2326, section 10.12. The marker (`world.sei`) travels whole in one packet, alone or in a
STAP-A (RFC 6184, section 5.7.1), because it is small.
"""

from __future__ import annotations

from collections import deque

from benchmarks.gaps import Frame
from world import sei

_DOLLAR = 0x24
_DIGITS = 16
_HEAD_END = b"\r\n\r\n"


class Marks:
    """Takes bytes as they come; ``frames`` grows, ``answers`` holds the newest RTSP messages.

    ``channel``: the video track's RTP channel. Raises ValueError for bytes that are neither packet nor message.
    """

    def __init__(self, channel: int = 0) -> None:
        self.frames: list[Frame] = []
        self.answers: deque[bytes] = deque(maxlen=8)
        self.received = 0
        self._channel = channel
        self._buffer = bytearray()

    def feed(self, data: bytes, at: float) -> None:
        """Take ``data``, which came at Unix time ``at``."""
        buffer = self._buffer
        buffer += data
        self.received += len(data)
        start, size = 0, len(buffer)
        while size - start >= 4:
            if buffer[start] == _DOLLAR:
                end = start + 4 + (buffer[start + 2] << 8 | buffer[start + 3])
                if end > size:
                    break
                if buffer[start + 1] == self._channel:
                    self._look(start, end, at)
            else:
                end = self._message_end(start)
                if end > size:
                    break
                self.answers.append(bytes(buffer[start:end]))
            start = end
        del buffer[:start]

    def _look(self, start: int, end: int, at: float) -> None:
        found = self._buffer.find(sei.UUID, start, end)
        if found >= 0:
            first = found + len(sei.UUID)
            number = int(self._buffer[first : first + _DIGITS], 16)
            unix_ns = int(self._buffer[first + _DIGITS : first + 2 * _DIGITS], 16)
            self.frames.append(Frame(at, number, unix_ns / 1e9))

    def _message_end(self, start: int) -> int:
        """Where the message at ``start`` ends; beyond the buffer while its head is not complete."""
        if not self._buffer.startswith(b"RTSP/", start) and len(self._buffer) - start >= 5:
            raise ValueError(f"neither packet nor message: {bytes(self._buffer[start : start + 20])!r}")
        end = self._buffer.find(_HEAD_END, start)
        if end < 0:
            return len(self._buffer) + 1
        head = self._buffer[start:end].decode("latin-1").lower()
        lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")]
        return end + len(_HEAD_END) + (int(lengths[0]) if lengths else 0)
