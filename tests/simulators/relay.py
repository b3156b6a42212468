"""A TCP relay on loopback that plays a bad network: it can pause, slow down or cut what passes through it.

It holds almost nothing itself, so that what does not get through piles up at the sender, as on a real network.
"""

import asyncio
import socket
import struct
import time
from types import TracebackType
from typing import Self

_CHUNK = 16 * 1024
_SLOW_STEP_S = 0.02
_SMALLEST_CHUNK = 512


class Relay:
    """Relays to ``address``:``port``; listens on 127.0.0.1, on ``Relay.port``, while used as ``async with``.

    ``buffer_bytes``: size asked for each of its sockets' buffers (Linux gives twice as much).
    """

    def __init__(self, address: str, port: int, *, buffer_bytes: int = 32 * 1024) -> None:
        self.port = 0
        self.bytes_down = 0
        self._target = (address, port)
        self._buffer_bytes = buffer_bytes
        self._running = asyncio.Event()
        self._running.set()
        self._rate: float | None = None
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._sockets: set[socket.socket] = set()

    async def __aenter__(self) -> Self:
        listener = self._socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._accepting = asyncio.create_task(self._accept(listener))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._accepting, *self._connections) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    @property
    def connections(self) -> int:
        """Connections that pass through it now."""
        return len(self._sockets) // 2

    def pause(self) -> None:
        """Let nothing through, in either direction."""
        self._running.clear()

    def resume(self) -> None:
        """End a pause."""
        self._running.set()

    def slow(self, bytes_per_s: float | None) -> None:
        """Let each connection have so many bytes a second from the server to the client; None: all it can."""
        self._rate = bytes_per_s

    def cut(self) -> None:
        """End all connections at once, with a reset to both sides."""
        for each in self._sockets:
            # With this linger, closing the socket sends a reset.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for task in self._connections:
            task.cancel()

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        # Before listen and connect: the window is agreed on there, and accepted sockets inherit the size.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer_bytes)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._buffer_bytes)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = asyncio.create_task(self._relay(client))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _relay(self, client: socket.socket) -> None:
        server = self._socket()
        pair = {client, server}
        self._sockets |= pair
        try:
            await asyncio.get_running_loop().sock_connect(server, self._target)
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._copy(client, server, down=False))
                directions.create_task(self._copy(server, client, down=True))
        except* OSError:
            pass  # one side is gone; closing tells the other
        finally:
            self._sockets -= pair
            for each in pair:
                each.close()

    async def _copy(self, source: socket.socket, target: socket.socket, *, down: bool) -> None:
        loop = asyncio.get_running_loop()
        allowed_at = time.monotonic()
        while True:
            await self._running.wait()
            rate = self._rate if down else None
            size = _CHUNK if rate is None else max(_SMALLEST_CHUNK, int(rate * _SLOW_STEP_S))
            data = await loop.sock_recv(source, min(size, _CHUNK))
            await self._running.wait()
            if not data:
                break
            if rate is not None:
                allowed_at = max(allowed_at, time.monotonic() - _SLOW_STEP_S) + len(data) / rate
                await asyncio.sleep(allowed_at - time.monotonic())
            await loop.sock_sendall(target, data)
            if down:
                self.bytes_down += len(data)
        target.shutdown(socket.SHUT_WR)
