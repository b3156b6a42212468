"""A camera's LIVE555 instance on loopback, as scripted by a test: pictures with the marker on every slice."""

import asyncio
import base64
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from unit.gateway.virtual import PPS, SPS, slice_nal

_SSRC = 0xCAFE0001


def rtp(sequence: int, timestamp: int, payload: bytes, *, marker: bool = False, kind: int = 96) -> bytes:
    """One RTP packet."""
    head = struct.pack(">BBHII", 0x80, marker << 7 | kind, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, _SSRC + kind)
    return head + payload


def fu_a(nal: bytes, size: int = 1400) -> list[bytes]:
    """The NAL unit in fragments (RFC 6184 section 5.8)."""
    pieces = [nal[at : at + size] for at in range(1, len(nal), size)]
    last = len(pieces) - 1
    return [
        bytes([nal[0] & 0xE0 | 28, (number == 0) << 7 | (number == last) << 6 | nal[0] & 0x1F]) + piece
        for number, piece in enumerate(pieces)
    ]


def stap_a(nals: Sequence[bytes]) -> bytes:
    """Several NAL units in one payload (RFC 6184 section 5.7.1)."""
    return b"\x78" + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def frame(channel: int, data: bytes) -> bytes:
    """One interleaved frame."""
    return struct.pack(">BBH", 0x24, channel, len(data)) + data


@dataclass
class FakeLive555:
    """``pictures``: NAL units of each picture in turn, in place of made ones; keyframes are those with type 5.

    ``in_band``: parameter sets come in the stream; ``in_sdp``: they stand in the description.
    ``running``: while False nothing is sent, as from a camera that hangs. ``refuse``: a status for DESCRIBE.
    """

    fps: float = 25.0
    group: int = 10
    slices: int = 2
    size: int = 3000
    key_size: int = 9000
    with_sound: bool = False
    in_band: bool = False
    in_sdp: bool = True
    pictures: Sequence[Sequence[bytes]] = ()
    running: bool = True
    refuse: int = 0
    requests: list[str] = field(default_factory=list)
    sessions: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _began: float = field(default_factory=time.monotonic)
    _first_ticks: int = 0xFFFF0000  # so that timestamps wrap in every test

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator["FakeLive555"]:
        """Listen while the block runs."""
        await self.listen()
        try:
            yield self
        finally:
            await self.die()

    async def listen(self) -> None:
        """Begin to listen, again on the same port if there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where the camera is found."""
        return f"rtsp://127.0.0.1:{self.port}/front-porch"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        media: asyncio.Task[None] | None = None
        try:
            while (head := await self._head(reader)) is not None:
                method, cseq = head
                self.requests.append(method)
                if method == "PLAY":
                    self.sessions += 1
                    writer.write(self._answer(cseq, "Session: 1234"))
                    media = asyncio.create_task(self._play(writer))
                elif method == "DESCRIBE" and self.refuse:
                    writer.write(f"RTSP/1.0 {self.refuse} No\r\nCSeq: {cseq}\r\n\r\n".encode())
                elif method == "DESCRIBE":
                    writer.write(self._answer(cseq, f"Content-Base: {self.url}/", body=self._sdp()))
                else:
                    writer.write(self._answer(cseq, "Session: 1234;timeout=65"))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            if media is not None:
                media.cancel()
            writer.transport.abort()
            self._tasks.discard(task)

    async def _head(self, reader: asyncio.StreamReader) -> tuple[str, str] | None:
        while True:
            first = await reader.read(1)
            if first != b"$":
                break
            head = await reader.readexactly(3)
            await reader.readexactly(int.from_bytes(head[1:], "big"))
        if not first:
            return None
        lines = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        cseq = next(line.split(":")[1].strip() for line in lines if line.startswith("CSeq"))
        return lines[0].split()[0], cseq

    def _answer(self, cseq: str, *headers: str, body: str = "") -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {cseq}", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join([*lines, "", ""]) + body).encode()

    def _sdp(self) -> str:
        sets = ",".join(base64.b64encode(nal).decode() for nal in (SPS, PPS))
        sprop = f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\n" if self.in_sdp else ""
        text = f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\na=control:*\r\na=range:npt=0-\r\n{self._video}{sprop}"
        text += "a=control:track1\r\n"
        if self.with_sound:
            text += "m=audio 0 RTP/AVP 8\r\na=control:track2\r\n"
        return text

    _video = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

    def nals(self, number: int) -> list[bytes]:
        """The NAL units of a picture."""
        if self.pictures:
            return list(self.pictures[number % len(self.pictures)])
        keyframe = number % self.group == 0
        size = (self.key_size if keyframe else self.size) // self.slices
        now = time.monotonic()
        slices = [slice_nal(keyframe=keyframe, capture=now, size=size) for _ in range(self.slices)]
        return [SPS, PPS, *slices] if keyframe and self.in_band else slices

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        origin = loop.time()
        sequence, sound_sequence, sounds = 65000, 0, 0
        first = number = self._number()
        self._reports(writer, number)
        while not writer.is_closing():
            await asyncio.sleep(max(0.0, origin + (number - first) / self.fps - loop.time()))
            if self.running:
                ticks = self._ticks(number)
                for nal in self.nals(number):
                    payloads = [nal] if len(nal) <= 1400 else fu_a(nal)
                    for payload in payloads:
                        ends = payload is payloads[-1] and nal[0] & 0x1F in {1, 5}
                        writer.write(frame(0, rtp(sequence, ticks, payload, marker=ends)))
                        sequence += 1
                while self.with_sound and sounds * 0.02 <= (number - first) / self.fps:
                    ticks = int((first / self.fps + sounds * 0.02) * 8000)
                    writer.write(frame(2, rtp(sound_sequence, ticks, b"\xd5" * 160, kind=8)))
                    sound_sequence, sounds = sound_sequence + 1, sounds + 1
            number += 1

    def _reports(self, writer: asyncio.StreamWriter, number: int) -> None:
        """Sender reports for the moment of this picture, as LIVE555 sends them before any media."""
        for channel, ticks in ((1, self._ticks(number)), (3, int(number / self.fps * 8000))):
            ntp = round((4_000_000_000 + number / self.fps) * 2**32)
            report = struct.pack(">BBHIQIII", 0x80, 200, 6, _SSRC, ntp, ticks & 0xFFFFFFFF, 0, 0)
            if channel == 1 or self.with_sound:
                writer.write(frame(channel, report))

    def _number(self) -> int:
        """The camera goes on counting pictures while nobody watches; a session begins with a keyframe."""
        passed = int((time.monotonic() - self._began) * self.fps)
        length = len(self.pictures) or self.group
        return -(-passed // length) * length

    def _ticks(self, number: int) -> int:
        return self._first_ticks + int(number * 90000 / self.fps)
