"""A viewer's connection: reads its requests within limits, and writes answers and media."""

import asyncio
import logging
import socket
import time
from typing import Protocol, cast

from alexa_ip_cam.gateway.access_unit import Unit
from alexa_ip_cam.gateway.rtsp_message import (
    MalformedMessageError,
    Message,
    MessageReader,
    Request,
    Response,
    as_request,
)
from alexa_ip_cam.gateway.session import Session
from alexa_ip_cam.gateway.settings import Limits

_ITEMS_PER_TURN = 16  # then other connections get their turn
_MOST_ITEMS = 300  # requests and packets in ten seconds; real players send a few
_ITEMS_SECONDS = 10.0
_MOST_ERRORS = 10
_FLUSH_SECONDS = 2.0
_GRACE_SECONDS = 15.0  # Fire OS sends its sign of life after nine tenths of the time-out

_log = logging.getLogger(__name__)


class Host(Protocol):
    """What a connection needs of the server."""

    limits: Limits

    def new_session(self, connection: "Connection") -> Session:
        """What answers the connection's requests."""

    def opened(self, connection: "Connection") -> None:
        """Take the connection in."""

    def closed(self, connection: "Connection") -> None:
        """Forget the connection."""


class Connection(asyncio.Protocol):
    """One accepted connection.

    Args:
        host: the server.
    """

    def __init__(self, host: Host) -> None:
        self.name = ""  # for the log: the peer's address:port, by which stunnel's log tells the device
        self.blocked = False
        self.opened_at = self._sign_of_life = time.monotonic()
        self._host = host
        self._limits = host.limits
        self._reader = MessageReader()
        self._session = host.new_session(self)
        self._transport: asyncio.Transport
        self._task: asyncio.Task[None] | None = None  # a request that waits for its camera
        self._reading = True
        self._partial_since: float | None = None
        self._items: tuple[float, int] = (self.opened_at, 0)
        self._errors = 0
        self._closing_since: float | None = None
        self._unsent: tuple[int, float] = (0, self.opened_at)
        self._turn: asyncio.Handle | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound the socket's buffers: what lies in them is old before it is seen."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.name = f"{peer[0]}:{peer[1]}" if peer else "without address"
        handle = transport.get_extra_info("socket")
        if handle is not None:
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._limits.send_buffer_bytes)
        self._transport.set_write_buffer_limits(high=0)
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Let go of everything."""
        if self._turn is not None:
            self._turn.cancel()
        if self._task is not None:
            self._task.cancel()
        self._session.end("the viewer left")
        self._host.closed(self)

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self.blocked = True
        self._unsent = (0, time.monotonic())
        self._session.block()

    def resume_writing(self) -> None:
        """The socket has taken everything."""
        self.blocked = False
        if self._closing_since is None:
            self._session.unblock(time.monotonic())
            self._pump()

    def data_received(self, data: bytes) -> None:
        """Take what the viewer sent."""
        if self._closing_since is None:
            self._reader.feed(data)
            self._pump()

    def eof_received(self) -> bool:
        """Close when the viewer does."""
        return False

    # What the session and the server call.

    @property
    def authorised(self) -> bool:
        """Whether a request of this connection has carried a valid signature."""
        return self._session.authorised

    @property
    def session(self) -> Session:
        """What answers its requests."""
        return self._session

    def write(self, data: bytes) -> None:
        """Send bytes; `blocked` says afterwards whether they could all be sent."""
        if self._closing_since is None:
            self._transport.write(data)

    def offer(self, unit: Unit, now: float) -> None:
        """Take a unit of the camera that is played."""
        self._session.offer(unit, now)

    def source_lost(self) -> None:
        """The camera is gone: end the tracks and close, so that the device asks again."""
        self.write(self._session.goodbye())
        self.close("the camera is gone")

    def close(self, reason: str) -> None:
        """Close after what has been written is sent."""
        if self._closing_since is None:
            self._closing_since = time.monotonic()
            self._session.end(reason)
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once."""
        self._session.end(reason)
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Check the clocks; called every second."""
        limits = self._limits
        if self._closing_since is not None:
            if now - self._closing_since > _FLUSH_SECONDS:
                self._transport.abort()
        elif self._partial_since is not None and now - self._partial_since > limits.head_seconds:
            self.abort("a request was not finished in time")
        elif self.blocked and self._stalled(now):
            self.abort("it read nothing for too long")
        elif not self._session.playing:
            if now - max(self.opened_at, self._session.ended_at) > limits.before_play_seconds:
                self.close("it did not begin to play")
        elif now - self._sign_of_life > limits.session_seconds + _GRACE_SECONDS:
            self.close("it gave no sign of life")
        elif self._session.spent:
            self.source_lost()

    def _stalled(self, now: float) -> bool:
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent[0]:
            self._unsent = (unsent, now)
        return now - self._unsent[1] > self._limits.stall_seconds

    # Requests, one after the other.

    def _pump(self) -> None:
        """Answer what has come, a few items at a time, and read on when there is room for the answers."""
        try:
            more = self._take_turn()
        except MalformedMessageError as error:
            self.write(Response(error.status).encode(None))
            self.close("malformed request")
            return
        if self._closing_since is not None:
            return
        now = time.monotonic()
        if not self._reader.pending:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = now
        if more and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._next_turn)
        self._read(wanted=not more and not self._busy)

    def _next_turn(self) -> None:
        self._turn = None
        self._pump()

    @property
    def _busy(self) -> bool:
        # A viewer that plays may be blocked by media; its requests are still answered.
        return self._task is not None or (self.blocked and not self._session.playing)

    def _take_turn(self) -> bool:
        """Take some items; returns whether more may be there."""
        for _ in range(_ITEMS_PER_TURN):
            if self._busy or self._closing_since is not None:
                return False
            item = self._reader.next_item()
            if item is None:
                return False
            self._partial_since = None
            self._sign_of_life = time.monotonic()
            self._count(self._sign_of_life)
            if isinstance(item, Message) and not item.first_line.startswith("RTSP/"):
                self._request(as_request(item))
        return True

    def _count(self, now: float) -> None:
        since, items = self._items
        if now - since > _ITEMS_SECONDS:
            since, items = now, 0
        self._items = (since, items + 1)
        if items >= _MOST_ITEMS:
            raise MalformedMessageError("too many requests")

    def _request(self, request: Request) -> None:
        if request.cseq is None:
            raise MalformedMessageError("CSeq is missing")
        if request.method == "DESCRIBE":
            self._task = asyncio.create_task(self._describe(request))
        else:
            self._answer(request, self._session.respond(request))

    async def _describe(self, request: Request) -> None:
        response = await self._session.describe(request)
        self._task = None
        if self._closing_since is None and not self._transport.is_closing():
            self._answer(request, response)
            self._pump()

    def _answer(self, request: Request, response: Response | None) -> None:
        if response is not None:
            self.write(response.encode(request.cseq))
            self._errors += response.status >= 400
        if self._errors >= _MOST_ERRORS:
            self.close("too many refused requests")

    def _read(self, *, wanted: bool) -> None:
        if wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()
