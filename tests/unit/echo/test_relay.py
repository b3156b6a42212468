"""The relay that plays a bad network."""

import asyncio
import socket
import time
from itertools import pairwise

from simulators.echo import Packet, Watch, watch
from simulators.relay import Relay
from unit.echo.packets import interleaved, rtp
from unit.echo.server import SESSION_PART, SLICE, URL, Server, video_part

VIDEO_ONLY = SESSION_PART + video_part()


def test_pause_and_cut() -> None:
    pieces = [(0.02, interleaved(0, rtp(number, number, SLICE))) for number in range(40)]

    async def play() -> tuple[Watch, list[Packet]]:
        server = Server(sdp=VIDEO_ONLY, media=pieces)
        async with server.run() as port, Relay("127.0.0.1", port) as relay:
            loop = asyncio.get_running_loop()
            loop.call_later(0.2, relay.pause)
            loop.call_later(0.5, relay.resume)
            loop.call_later(0.7, relay.cut)
            found = await watch(URL, address="127.0.0.1", port=relay.port, roots_pem=None, seconds=5.0)
            assert relay.connections == 0
            return found, list(found.recording.packets)

    found, packets = asyncio.run(play())
    assert found.fatal is not None
    assert "connection broke" in found.fatal.reason
    gaps = [later.t - earlier.t for earlier, later in pairwise(packets)]
    assert 0.27 < max(gaps) < 0.8


def test_slow_reaches_back_to_the_server() -> None:
    total = 1_500_000
    read_slowly = 80_000

    async def play() -> tuple[float, int]:
        written = 0

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            writer.transport.set_write_buffer_limits(high=0)
            for _ in range(total // 10_000):
                writer.write(bytes(10_000))
                await writer.drain()
                written += 10_000
            writer.close()

        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
        listener.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(serve, sock=listener)
        async with server, Relay("127.0.0.1", listener.getsockname()[1]) as relay:
            relay.slow(200_000)
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            await reader.readexactly(10_000)
            begin = time.monotonic()
            await reader.readexactly(read_slowly)
            took = time.monotonic() - begin
            written_by_then = written
            relay.slow(None)
            await reader.readexactly(total - 10_000 - read_slowly)
            writer.close()
            await writer.wait_closed()
            assert relay.bytes_down == total
            return took, written_by_then

    took, written = asyncio.run(play())
    assert 0.3 < took < 1.5
    assert written < 400_000


def test_both_sides_learn_of_the_other_one_leaving() -> None:
    async def play() -> None:
        gone = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.read() == b"hello"
            gone.set()
            writer.write(b"bye")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, Relay("127.0.0.1", server.sockets[0].getsockname()[1]) as relay:
            reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
            writer.write(b"hello")
            writer.write_eof()
            await gone.wait()
            assert await reader.read() == b"bye"
            writer.close()
            await writer.wait_closed()

    asyncio.run(asyncio.wait_for(play(), 5))


def test_nobody_behind_it() -> None:
    async def play() -> bytes:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            async with Relay("127.0.0.1", unused.getsockname()[1]) as relay:
                reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
                data = await reader.read()
                writer.close()
                await writer.wait_closed()
                return data

    assert asyncio.run(asyncio.wait_for(play(), 5)) == b""
