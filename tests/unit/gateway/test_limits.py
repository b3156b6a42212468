"""Hostile and careless clients: refused, bounded, and no trouble for anybody who watches."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from alexa_ip_cam.gateway.server import Server
from unit.gateway.fake_live555 import FakeLive555
from unit.gateway.rig import Client, camera, gateway, in_time, signed, until, warm


@contextlib.asynccontextmanager
async def watched(**entries: float) -> AsyncIterator[tuple[Server, Client]]:
    """A gateway with a viewer that must not notice anything."""
    async with FakeLive555().run() as live, gateway(camera(live.url), **entries) as server:
        await warm(server)
        async with Client.connect(server) as client:
            assert (await client.play(signed())).status == 200
            yield server, client
            await client.frames(20)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60) + b"\r\n\r\n", b"RTSP/1.0 400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"RTSP/1.0 400"),
        (b"OPTIONS * HTTP/1.1\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 505"),
        (b"OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 505"),
        (b"OPTIONS * RTSP/1.0\r\n\r\n", b"RTSP/1.0 400"),
        (b"OPTIONS *\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 400"),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + b"x" * 10_000, b"RTSP/1.0 413"),
        (b"X" * 20_000, b"RTSP/1.0 413"),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999\r\n\r\n", b"RTSP/1.0 413"),
    ],
)
def test_malformed_requests(data: bytes, answer: bytes) -> None:
    async def play() -> None:
        async with gateway() as server, Client.connect(server) as client:
            client.writer.write(data)
            client.writer.write_eof()
            with contextlib.suppress(ConnectionResetError):
                found = await client.closed()
                assert found.startswith(answer) or not found

    in_time(play())


def test_cseq_comes_back_as_it_was() -> None:
    async def play() -> None:
        async with gateway() as server, Client.connect(server) as client:
            client.writer.write(b"\r\n\r\nOPTIONS * RTSP/1.0\nCSeq: 0042\n\n")
            assert (await client.answer()).headers["cseq"] == "0042"

    in_time(play())


def test_a_head_that_is_never_finished() -> None:
    async def play() -> None:
        async with watched(head_seconds=1) as (server, viewer):
            async with Client.connect(server) as slow:
                slow.writer.write(b"DESCRIBE rtsp://x/y RTSP/1.0\r\n")
                for _ in range(40):
                    if slow.reader.at_eof():
                        break
                    slow.writer.write(b"X")  # each byte in time, the whole never
                    await asyncio.sleep(0.1)
                with contextlib.suppress(OSError):
                    assert await slow.closed(1) == b""
            await until(lambda: len(server.connections) == 1)
            await viewer.frames(5)

    in_time(play())


def test_a_connection_that_never_plays() -> None:
    async def play() -> None:
        async with watched(before_play_seconds=1) as (server, _):
            async with Client.connect(server) as idle:
                assert (await idle.ask("DESCRIBE", signed())).status == 200
                began = time.monotonic()
                await idle.closed(4)
                assert time.monotonic() - began < 3
            assert len(server.connections) == 1

    in_time(play())


def test_idle_strangers_make_room_and_viewers_stay() -> None:
    async def play() -> None:
        async with watched(max_connections=10) as (server, viewer):
            strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(60)]
            await until(lambda: len(server.connections) == 10)
            async with Client.connect(server) as client:
                assert (await client.play(signed())).status == 200
                await client.frames(10)
            await viewer.frames(10)
            for _, writer in strangers:
                writer.close()

    in_time(play())


def test_the_number_of_viewers_is_bounded() -> None:
    async def play() -> None:
        async with watched(max_viewers=1) as (server, _), Client.connect(server) as client:
            assert (await client.play(signed())).status == 503

    in_time(play())


def test_endless_pipelining_is_ended() -> None:
    async def play() -> None:
        async with watched() as (server, viewer):
            async with Client.connect(server) as client:
                flood = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" * 5000
                client.writer.write(flood)
                with contextlib.suppress(OSError):
                    answers = await client.closed()
                    assert answers.count(b"RTSP/1.0 200") <= 300
            await until(lambda: len(server.connections) == 1)
            await viewer.frames(5)

    in_time(play())


def test_pipelined_requests_are_answered_in_order() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            url = signed()
            async with Client.connect(server) as client:
                # The camera is not ready when they come: the first one waits, the others behind it.
                client.send("DESCRIBE", url)
                client.send("SETUP", f"{url}/track1", "Transport: RTP/AVP/TCP;interleaved=0-1")
                client.send("OPTIONS", url)
                answers = [await client.answer() for _ in range(3)]
                assert [answer.headers["cseq"] for answer in answers] == ["1", "2", "3"]
                assert [answer.status for answer in answers] == [200, 200, 200]

    in_time(play())


def test_guessing_ends_the_connection() -> None:
    async def play() -> None:
        async with watched() as (server, _), Client.connect(server) as client:
            statuses = []
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    statuses.append((await client.ask("DESCRIBE", f"rtsp://x/front-porch/9999999999-{0:032x}")).status)
            assert statuses == [404] * 10

    in_time(play())


def test_interleaved_garbage_from_a_viewer_is_swallowed() -> None:
    async def play() -> None:
        async with watched() as (_, viewer):
            for channel in (0, 1, 77, 255):
                viewer.writer.write(bytes([0x24, channel, 1, 0]) + bytes(256))
            viewer.early.clear()
            assert (await viewer.ask("OPTIONS", "*")).status == 200

    in_time(play())


def test_a_viewer_that_reads_nothing_is_closed_and_others_do_not_notice() -> None:
    async def play() -> None:
        async with (
            FakeLive555(size=60_000, key_size=120_000).run() as live,
            gateway(camera(live.url), stall_seconds=1) as server,
        ):
            await warm(server)
            async with Client.connect(server) as good, Client.connect(server) as stuck:
                await good.play(signed())
                await stuck.play(signed())
                stuck.reader._transport.pause_reading()  # type: ignore[attr-defined]
                gaps, last = [], time.monotonic()
                while len(server.connections) == 2:
                    await good.frames(1)
                    gaps.append(time.monotonic() - last)
                    last = time.monotonic()
                assert max(gaps) < 0.5
            assert server.cameras["front-porch"].watchers <= 1

    in_time(play())


def test_a_viewer_without_a_sign_of_life_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexa_ip_cam.gateway.connection._GRACE_SECONDS", -14.5)

    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url), session_seconds=15) as server:
            await warm(server)
            async with Client.connect(server) as alive, Client.connect(server) as mute:
                await alive.play(signed())
                await mute.play(signed())
                for _ in range(8):
                    alive.writer.write(b"$\x01\x00\x08" + b"\x80\xc9\x00\x01\0\0\0\1")  # a receiver report
                    await asyncio.sleep(0.15)
                assert len(server.connections) == 1
                assert mute.reader.at_eof() or await mute.closed()
                alive.early.clear()
                assert (await alive.ask("OPTIONS", "*")).status == 200

    in_time(play())


def test_stopping_is_quick_even_with_a_stuck_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alexa_ip_cam.gateway.server._STOP_SECONDS", 0.3)

    async def play() -> None:
        async with FakeLive555(size=200_000).run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as stuck:
                await stuck.play(signed())
                stuck.reader._transport.pause_reading()  # type: ignore[attr-defined]
                await asyncio.sleep(0.5)
                began = time.monotonic()
                await server.stop()
                assert 0.3 <= time.monotonic() - began < 1.3

    in_time(play())
