"""A gateway on loopback, a raw RTSP client, and the signed URLs they speak of."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from alexa_ip_cam.gateway.config import Config, parse
from alexa_ip_cam.gateway.server import Server
from alexa_ip_cam.signing import derive_key, sign_stream

KEY = derive_key("ab" * 32, "streams")
FIRE_OS = "Fire OS/6.0 stagefright/1.2 (Linux;Android 7.1.2)"
LAVF = "Lavf59.27.100"


def in_time(what: Coroutine[Any, Any, None], seconds: float = 15.0) -> None:
    """Run a test's coroutine, but not for ever."""
    asyncio.run(asyncio.wait_for(what, seconds))


def signed(camera_id: str = "front-porch", *, ends_in: float = 60, key: bytes = KEY) -> str:
    """The URL as the skill makes it."""
    return f"rtsp://cams.example.com:443/{sign_stream(key, camera_id, int(time.time() + ends_in))}"


def config(*cameras: dict[str, Any], **entries: Any) -> Config:
    """A configuration for loopback."""
    return parse({"listen": "127.0.0.1:0", "stream_keys": [KEY.hex()], "cameras": list(cameras), **entries})


def camera(url: str, name: str = "front-porch", **entries: Any) -> dict[str, Any]:
    """A camera's entry."""
    return {"id": name, "upstream": url, **entries}


@contextlib.asynccontextmanager
async def gateway(*cameras: dict[str, Any], **entries: Any) -> AsyncIterator[Server]:
    """A running gateway."""
    server = Server(config(*cameras, **entries))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until ``condition()`` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def warm(server: Server, name: str = "front-porch", *, seconds: float = 0.0) -> None:
    """Wait until a camera delivers, and has delivered for some seconds."""
    await until(lambda: server.cameras[name].connected and server.cameras[name].ring.keyframes())
    await asyncio.sleep(seconds)


@dataclass
class Answer:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    body: str
    raw: bytes


@dataclass
class Client:
    """Speaks RTSP by hand. ``early`` holds the interleaved frames that came before an awaited answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    agent: str = FIRE_OS
    cseq: int = 0
    session: str = ""
    early: list[tuple[int, bytes]] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, server: Server, agent: str = FIRE_OS) -> AsyncIterator["Client"]:
        """Connect, and close in the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield cls(reader, writer, agent)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def send(self, method: str, url: str, *headers: str) -> None:
        """Send a request."""
        self.cseq += 1
        lines = [f"{method} {url} RTSP/1.0", *headers]
        if self.session and not any(header.startswith("Session") for header in headers):
            lines.append(f"Session: {self.session}")
        lines += [f"User-Agent: {self.agent}", f"CSeq: {self.cseq}", "", ""]
        self.writer.write("\r\n".join(lines).encode())

    async def ask(self, method: str, url: str, *headers: str) -> Answer:
        """Send a request and wait for its answer; frames before it go to ``early``."""
        self.send(method, url, *headers)
        return await self.answer()

    async def answer(self) -> Answer:
        """The next answer."""
        while True:
            item = await self.item()
            if isinstance(item, Answer):
                return item
            self.early.append(item)

    async def item(self) -> "Answer | tuple[int, bytes]":
        """The next answer or frame. Anything else is an error."""
        first = await self.reader.readexactly(1)
        if first == b"$":
            head = await self.reader.readexactly(3)
            return head[0], await self.reader.readexactly(int.from_bytes(head[1:], "big"))
        assert first == b"R", first
        raw = first + await self.reader.readuntil(b"\r\n\r\n")
        first_line, *lines = raw.decode().rstrip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(first_line.split()[1]), headers, body.decode(), raw + body)

    async def frames(self, count: int) -> list[tuple[int, bytes]]:
        """The next frames; no answer may be among them."""
        found, self.early = self.early[:count], self.early[count:]
        while len(found) < count:
            item = await self.item()
            assert not isinstance(item, Answer), item
            found.append(item)
        return found

    async def set_up(self, url: str, track: str = "track1", channels: str = "0-1") -> Answer:
        """SETUP as Fire OS sends it."""
        answer = await self.ask("SETUP", f"{url}/{track}", f"Transport: RTP/AVP/TCP;interleaved={channels}")
        if answer.status == 200:
            self.session = answer.headers["session"].split(";")[0]
        return answer

    async def play(self, url: str, *, sound: bool = False) -> Answer:
        """Everything up to PLAY's answer."""
        assert (await self.ask("DESCRIBE", url, "Accept: application/sdp")).status == 200
        assert (await self.set_up(url)).status == 200
        if sound:
            assert (await self.set_up(url, "track2", "2-3")).status == 200
        return await self.ask("PLAY", f"{url}/")

    async def closed(self, seconds: float = 5.0) -> bytes:
        """Wait until the server closes; returns what came before."""
        return await asyncio.wait_for(self.reader.read(), seconds)
