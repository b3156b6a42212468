"""A door to the appliance's port 443 for players that cannot be told a private root: plain TCP here, TLS there."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from simulators.echo.session import tls_context

_CHUNK = 1 << 16


@dataclass
class Door:
    """``port`` on 127.0.0.1; ``entered_at``: Unix time of the newest connection."""

    port: int = 0
    entered_at: float = 0.0


@contextlib.asynccontextmanager
async def tls_door(address: str, port: int, *, server_name: str, roots_pem: Path) -> AsyncIterator[Door]:
    """Open the door; everything that passes through it ends with it."""
    context = tls_context(roots_pem)
    door = Door()
    tasks: set[asyncio.Task[None]] = set()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        door.entered_at = time.time()
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        outside, up = await asyncio.open_connection(address, port, ssl=context, server_hostname=server_name)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(_copy(reader, up))
                directions.create_task(_copy(outside, writer))
        finally:
            up.close()
            writer.close()

    def entering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(enter(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(entering, "127.0.0.1", 0)
    door.port = server.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    # Both players close for good; a half-open connection is of no use to them.
    writer.close()
