"""A camera's stream is kept up: LIVE555 gone, hung, back; asleep until somebody asks."""

import asyncio
import time

from unit.gateway.fake_live555 import FakeLive555
from unit.gateway.rig import Client, camera, gateway, in_time, signed, until, warm


def test_viewers_of_a_dead_live555_are_closed_and_new_ones_refused_at_once() -> None:
    async def play() -> None:
        live = FakeLive555()
        await live.listen()
        async with gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as client:
                await client.play(signed())
                await client.frames(5)
                await live.die()
                rest = await client.closed(2)
            # The last thing that is said is the end of the track (RFC 3550 section 6.6).
            assert rest[-12:-6] == b"$\x01\x00\x08\x81\xcb"
            began = time.monotonic()
            async with Client.connect(server) as client:
                assert (await client.ask("DESCRIBE", signed())).status == 503
                assert (await client.set_up(signed())).status == 503
            assert time.monotonic() - began < 0.3
            # It is back: media flows again within a second.
            await live.listen()
            began = time.monotonic()
            await until(lambda: server.cameras["front-porch"].connected, 2)
            assert time.monotonic() - began < 1.0
            async with Client.connect(server) as client:
                await client.play(signed())
                await client.frames(5)
            assert server.cameras["front-porch"].sessions == 2
        await live.die()

    in_time(play())


def test_a_silent_camera_is_noticed() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url), silence_seconds=1) as server:
            await warm(server)
            async with Client.connect(server) as client:
                await client.play(signed())
                live.running = False
                began = time.monotonic()
                await client.closed(4)
                assert time.monotonic() - began < 2.0
                assert server.cameras["front-porch"].problem == "the camera went silent"
            async with Client.connect(server) as client:
                assert (await client.ask("DESCRIBE", signed())).status == 503
            live.running = True
            await until(lambda: server.cameras["front-porch"].connected, 3)

    in_time(play())


def test_the_default_notices_within_the_promised_time() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            assert server.limits.silence_seconds <= 4.5  # and a half second's check: 5 s in all

    in_time(play())


def test_one_camera_in_trouble_does_not_touch_another() -> None:
    async def play() -> None:
        live = FakeLive555()
        await live.listen()
        async with FakeLive555().run() as good, gateway(camera(live.url, "bad"), camera(good.url)) as server:
            await warm(server)
            await warm(server, "bad")
            async with Client.connect(server) as client:
                await client.play(signed())
                await live.die()
                await until(lambda: not server.cameras["bad"].connected)
                await client.frames(30)
            assert server.cameras["front-porch"].sessions == 1

    in_time(play())


def test_a_camera_on_demand_sleeps_wakes_and_sleeps_again() -> None:
    async def play() -> None:
        async with (
            FakeLive555(with_sound=True).run() as live,
            gateway(camera(live.url, warm="on_demand", audio="keep"), idle_seconds=1) as server,
        ):
            await asyncio.sleep(0.3)
            assert live.requests == []
            async with Client.connect(server) as client:
                played = await client.play(signed())  # DESCRIBE wakes it and waits
                assert played.status == 200
                await client.frames(40)
                await asyncio.sleep(1.2)
                assert server.cameras["front-porch"].connected
            await until(lambda: not server.cameras["front-porch"].connected, 4)
            assert server.cameras["front-porch"].problem == "nobody watches"
            await until(lambda: "TEARDOWN" in live.requests)
            async with Client.connect(server) as client:
                assert (await client.play(signed())).status == 200
            assert live.sessions == 2

    in_time(play())


def test_a_sleeping_camera_that_does_not_wake_is_refused_in_time() -> None:
    async def play() -> None:
        async with (
            FakeLive555(refuse=404).run() as live,
            gateway(camera(live.url, warm="on_demand"), wake_seconds=0.5) as server,
        ):
            began = time.monotonic()
            async with Client.connect(server) as client:
                assert (await client.ask("DESCRIBE", signed())).status == 503
            assert 0.4 < time.monotonic() - began < 1.5
            assert server.limits.wake_seconds < 6  # Amazon's limit for an answer
            assert server.cameras["front-porch"].problem == "LIVE555 answered DESCRIBE with 404"

    in_time(play())


def test_parameter_sets_that_come_in_band_only() -> None:
    async def play() -> None:
        async with (
            FakeLive555(in_sdp=False, in_band=True).run() as live,
            gateway(camera(live.url)) as server,
            Client.connect(server) as client,  # comes before anything is known, and waits
        ):
            described = await client.ask("DESCRIBE", signed())
            assert "sprop-parameter-sets=Z0LAH9oBQBbo,aM48gA==" in described.body

    in_time(play())


def test_upstream_is_kept_alive_and_left_properly() -> None:
    async def play() -> None:
        async with FakeLive555(with_sound=True).run() as live:
            async with gateway(camera(live.url)) as server:
                await warm(server)
                assert live.requests == ["DESCRIBE", "SETUP", "SETUP", "PLAY"]
            await until(lambda: live.requests[-1] == "TEARDOWN")

    in_time(play())


def test_what_is_no_rtsp_upstream_does_no_harm() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nno colon\r\n\r\n" + bytes(1000))
        await writer.drain()
        await reader.read()
        writer.close()

    async def play() -> None:
        upstream = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = upstream.sockets[0].getsockname()[1]
        async with FakeLive555().run() as live:
            cameras = [camera(live.url), camera(f"rtsp://127.0.0.1:{port}/x", "odd")]
            async with gateway(*cameras) as server:
                await warm(server)
                await until(lambda: "no RTSP" in server.cameras["odd"].problem)
                async with Client.connect(server) as client:
                    await client.play(signed())
                    await client.frames(5)
        upstream.close()

    in_time(play())
