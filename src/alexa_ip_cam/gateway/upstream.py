"""One RTSP session with a camera's LIVE555 instance: the client's side of RFC 2326, media interleaved."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from alexa_ip_cam.gateway import rtsp_message, sdp
from alexa_ip_cam.gateway.rtp import interleaved, receiver_report
from alexa_ip_cam.gateway.rtsp_message import LARGEST_HEAD, MalformedMessageError, Message, parse_head

_ANSWER_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 20.0  # LIVE555 forgets a session after 65 s without a sign of life
_BUFFER_BYTES = 256 << 10  # holds the largest interleaved packet (64 KiB) several times
_LARGEST_DESCRIPTION = 64 << 10
_DOLLAR = 0x24


class UpstreamError(Exception):
    """The session could not be set up, or is over; the message says why."""


class PacketSink(Protocol):
    """Takes the media of a session. Views are valid during the call only."""

    def described(self, description: sdp.Description) -> None:
        """Take note of what there will be; called once, before any packet."""

    def rtp(self, index: int, data: memoryview) -> None:
        """Take an RTP packet of the media with this index."""

    def rtcp(self, index: int, data: memoryview) -> None:
        """Take an RTCP packet of the media with this index."""


@dataclass(slots=True)
class _Answer:
    status: int
    message: Message


class UpstreamConnection(asyncio.BufferedProtocol):
    """Reads responses and interleaved packets from one connection, without a copy per packet.

    Args:
        sink: takes the packets; the media index is the channel number divided by two.
    """

    def __init__(self, sink: PacketSink) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.problem = "LIVE555 closed the connection"
        self._sink = sink
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._transport: asyncio.Transport | None = None
        self._answers: dict[str, asyncio.Future[_Answer]] = {}
        self._sequence = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        if exc is not None:
            self.problem = f"connection lost: {exc}"
        if not self.closed.done():
            self.closed.set_result(None)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(UpstreamError(self.problem))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """The free part of the buffer; never empty, because whole packets are taken out as they complete."""
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take out everything that is whole."""
        self._filled += nbytes
        try:
            used = self._take()
        except MalformedMessageError as error:
            self.problem = f"LIVE555 sent what is no RTSP: {error}"
            self.close()
            return
        if used:
            rest = self._filled - used
            self._buffer[:rest] = self._buffer[used : self._filled]
            self._filled = rest

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send without waiting for an answer."""
        if self._transport is not None:
            self._transport.write(data)

    def post(self, method: str, uri: str, headers: dict[str, str]) -> "asyncio.Future[_Answer]":
        """Send a request.

        Returns:
            What the answer will be put into.
        """
        self._sequence += 1
        cseq = str(self._sequence)
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {cseq}", "User-Agent: alexa-ip-cam gateway"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        if self.closed.done():
            answer.set_exception(UpstreamError(self.problem))
            return answer
        self._answers[cseq] = answer
        answer.add_done_callback(lambda _: self._answers.pop(cseq, None))
        self.send("\r\n".join([*lines, "", ""]).encode("utf-8"))
        return answer

    async def ask(self, method: str, uri: str, headers: dict[str, str]) -> Message:
        """Send a request and wait for its answer.

        Raises:
            UpstreamError: no answer came in time, or another one than 200.
        """
        try:
            answer = await asyncio.wait_for(self.post(method, uri, headers), _ANSWER_SECONDS)
        except TimeoutError:
            raise UpstreamError(f"LIVE555 did not answer {method} within {_ANSWER_SECONDS:g} s") from None
        if answer.status != 200:
            raise UpstreamError(f"LIVE555 answered {method} with {answer.status}")
        return answer.message

    def _take(self) -> int:
        """Hand on whole items; returns how many bytes they had."""
        buffer, view, end = self._buffer, self._view, self._filled
        sink, at = self._sink, 0
        while end - at >= 4:
            if buffer[at] != _DOLLAR:
                used = self._take_message(at)
                if not used:
                    break
                at += used
                continue
            stop = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
            if stop > end:
                break
            channel = buffer[at + 1]
            if channel & 1:
                sink.rtcp(channel >> 1, view[at + 4 : stop])
            else:
                sink.rtp(channel >> 1, view[at + 4 : stop])
            at = stop
        return at

    def _take_message(self, at: int) -> int:
        if self._buffer[at] in b"\r\n":
            return 1
        head_end = self._buffer.find(b"\r\n\r\n", at, min(self._filled, at + LARGEST_HEAD))
        if head_end < 0:
            if self._filled - at > LARGEST_HEAD:
                raise MalformedMessageError("the head is too large")
            return 0
        message = parse_head(bytes(self._view[at:head_end]))
        text = message.header("content-length") or "0"
        if not text.isdecimal() or int(text) > _LARGEST_DESCRIPTION:
            raise MalformedMessageError("Content-Length is wrong or too large")
        end = head_end + 4 + int(text)
        if end > self._filled:
            return 0
        message.body = bytes(self._view[head_end + 4 : end])
        if message.first_line.startswith("RTSP/"):
            answer = self._answers.get(message.header("cseq"))
            if answer is not None and not answer.done():
                answer.set_result(_Answer(rtsp_message.status_of(message), message))
        return end - at


class UpstreamSession:
    """A session from DESCRIBE to its end.

    Args:
        host: address of the LIVE555 instance.
        port: its port.
        url: what is asked for.
        sink: takes description and packets.
    """

    def __init__(self, host: str, port: int, url: str, sink: PacketSink) -> None:
        self._host, self._port, self._url = host, port, url
        self._sink = sink
        self._session = ""

    async def run(self, alive: Callable[[], str]) -> None:
        """Set everything up, then keep the session until it ends.

        Every track is set up, wanted or not: LIVE555 holds PLAY back for 5 s when one is left out.

        Args:
            alive: asked twice a second; returns why the session must end, or nothing while all is well.

        Raises:
            UpstreamError: always, in the end; says why.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self._sink), self._host, self._port
                )
        except TimeoutError:
            raise UpstreamError("LIVE555 does not take the connection") from None
        except OSError as error:
            raise UpstreamError(f"LIVE555 cannot be reached: {error.strerror or error}") from error
        try:
            base, tracks = await self._set_up(connection)
            await connection.ask("PLAY", base, {"Session": self._session, "Range": "npt=0.000-"})
            await self._hold(connection, base, tracks, alive)
        finally:
            self._leave(connection)

    async def _set_up(self, connection: UpstreamConnection) -> tuple[str, int]:
        answer = await connection.ask("DESCRIBE", self._url, {"Accept": "application/sdp"})
        description = sdp.parse(answer.body.decode("utf-8", "replace"))
        if not any(media.is_h264 for media in description.media):
            raise UpstreamError("the camera offers no H.264 video: set it to H.264")
        self._sink.described(description)
        base = answer.header("content-base") or answer.header("content-location") or self._url
        for index, media in enumerate(description.media[:64]):
            headers = {"Transport": f"RTP/AVP/TCP;unicast;interleaved={2 * index}-{2 * index + 1}"}
            if self._session:
                headers["Session"] = self._session
            setup = await connection.ask("SETUP", _join(base, media.control), headers)
            self._session = setup.header("session").partition(";")[0].strip()
        control = description.control
        return base if control in {"", "*"} else _join(base, control), len(description.media)

    async def _hold(self, connection: UpstreamConnection, base: str, tracks: int, alive: Callable[[], str]) -> None:
        loop = asyncio.get_running_loop()
        next_sign = loop.time() + _KEEP_ALIVE_SECONDS
        while True:
            await asyncio.wait({connection.closed}, timeout=0.5)
            if connection.closed.done():
                raise UpstreamError(connection.problem)
            if reason := alive():
                raise UpstreamError(reason)
            if loop.time() >= next_sign:
                next_sign = loop.time() + _KEEP_ALIVE_SECONDS
                connection.send(b"".join(interleaved(2 * index + 1, receiver_report(1)) for index in range(tracks)))
                connection.post("OPTIONS", base, {"Session": self._session}).add_done_callback(_forget)

    def _leave(self, connection: UpstreamConnection) -> None:
        """End the session so that LIVE555 may pause the camera; nothing is waited for."""
        if self._session and not connection.closed.done():
            connection.post("TEARDOWN", self._url, {"Session": self._session}).add_done_callback(_forget)
        connection.close()


def _forget(answer: "asyncio.Future[_Answer]") -> None:
    if not answer.cancelled():
        answer.exception()  # taken note of: the connection's end is reported elsewhere


def _join(base: str, control: str) -> str:
    if control.lower().startswith("rtsp://"):
        return control
    return f"{base.rstrip('/')}/{control}" if control else base
