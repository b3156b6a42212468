"""The conversation with a viewer, byte for byte, over loopback."""

import asyncio
import struct

import pytest

from alexa_ip_cam.signing import derive_key
from unit.gateway.fake_live555 import FakeLive555
from unit.gateway.rig import FIRE_OS, KEY, LAVF, Client, camera, gateway, in_time, signed, until, warm


def test_fire_os_dialogue() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            url = signed()
            async with Client.connect(server) as client:
                described = await client.ask("DESCRIBE", url, "Accept: application/sdp")
                assert described.status == 200
                assert described.headers["content-base"] == f"{url}/"
                assert described.headers["cseq"] == "1"
                assert "a=range" not in described.body
                assert described.body.endswith("\r\n")
                answer = await client.set_up(url)
                assert answer.headers["session"] == f"{client.session};timeout=60"
                assert answer.headers["transport"].startswith("RTP/AVP/TCP;unicast;interleaved=0-1")
                played = await client.ask("PLAY", f"{url}/")
                assert played.status == 200
                assert "range" not in played.headers
                assert "rtp-info" not in played.headers
                assert client.early == []
                alive = await client.ask("OPTIONS", url)
                assert alive.status == 200
                assert (await client.ask("TEARDOWN", url)).status == 200
            await until(lambda: not server.connections)
            assert server.cameras["front-porch"].watchers == 0

    in_time(play())


def test_sender_reports_come_before_any_picture_and_tell_its_time() -> None:
    async def play() -> None:
        async with (
            FakeLive555(with_sound=True).run() as live,
            gateway(camera(live.url, audio="keep")) as server,
        ):
            await warm(server, seconds=0.5)
            async with Client.connect(server) as client:
                await client.play(signed(), sound=True)
                frames = await client.frames(60)
                assert [channel for channel, _ in frames[:2]] == [1, 3]
                assert not {1, 3} & {channel for channel, _ in frames[2:]}
                reports = [struct.unpack_from(">BBHIQI", data) for _, data in frames[:2]]
                assert [report[1] for report in reports] == [200, 200]
                assert reports[0][4] == reports[1][4]  # one instant for both tracks
                for channel, report, rate in ((0, reports[0], 90000), (2, reports[1], 8000)):
                    times = [int.from_bytes(data[4:8], "big") for number, data in frames if number == channel]
                    numbers = [int.from_bytes(data[2:4], "big") for number, data in frames if number == channel]
                    assert times == sorted(times)
                    assert 0 <= times[0] - report[5] < rate / 10
                    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    in_time(play())


def test_start_is_a_whole_keyframe_with_one_marker() -> None:
    async def play() -> None:
        async with FakeLive555(slices=3, key_size=60_000).run() as live, gateway(camera(live.url)) as server:
            await warm(server, seconds=0.2)
            async with Client.connect(server) as client:
                await client.play(signed())
                frames = [data for _, data in (await client.frames(40))[1:]]
                first = int.from_bytes(frames[0][4:8], "big")
                keyframe = [data for data in frames if int.from_bytes(data[4:8], "big") == first]
                assert [data[12] & 0x1F for data in keyframe[:2]] == [7, 8]
                assert keyframe[2][12] & 0x1F == 28
                assert keyframe[2][13] & 0x1F == 5
                assert [data[1] >> 7 for data in keyframe] == [0] * (len(keyframe) - 1) + [1]

    in_time(play())


def test_rtp_info_for_tools_is_exact() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            url = signed()
            async with Client.connect(server, LAVF) as client:
                played = await client.play(url)
                assert "range" not in played.headers
                _, first = await client.frames(2)
                sequence, ticks = struct.unpack_from(">HI", first[1], 2)
                assert played.headers["rtp-info"] == f"url={url}/track1;seq={sequence};rtptime={ticks}"

    in_time(play())


def test_channels_asked_for_are_used() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            url = signed()
            async with Client.connect(server) as client:
                await client.set_up(url, channels="6-9")
                await client.ask("PLAY", url)
                assert {channel for channel, _ in await client.frames(20)} == {6, 9}

    in_time(play())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Transport: RTP/AVP;unicast;client_port=5000-5001"], 461),
        (["Transport: RTP/AVP/UDP;unicast;client_port=5000-5001"], 461),
        (["Transport: RTP/AVP/TCP;interleaved=300-301"], 461),
        ([], 461),
        (["Transport: RTP/AVP/UDP;unicast, RTP/AVP/TCP;unicast;interleaved=0-1"], 200),
        (["Transport: RTP/AVP/TCP"], 200),
        (["Transport: RTP/AVP/TCP;interleaved=0-1", "Session: 0000"], 454),
        (["Transport: RTP/AVP/TCP;interleaved=0-1", "Session: "], 200),
        (["Transport: RTP/AVP/TCP;interleaved=0-1", "Require: funky"], 551),
    ],
)
def test_setup_answers(headers: list[str], status: int) -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as client:
                assert (await client.ask("SETUP", f"{signed()}/track1", *headers)).status == status

    in_time(play())


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("GET_PARAMETER", 200),
        ("SET_PARAMETER", 200),
        ("PLAY", 455),
        ("PAUSE", 454),
        ("TEARDOWN", 454),
        ("ANNOUNCE", 405),
        ("FROBNICATE", 501),
    ],
)
def test_methods_without_a_session(method: str, status: int) -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as client:
                assert (await client.ask(method, signed())).status == status

    in_time(play())


OTHER_KEY = derive_key("cd" * 32, "streams")


def refused_urls() -> dict[str, str]:
    """URLs that must not open anything."""
    good = signed()
    return {
        "unsigned": "rtsp://cams.example.com:443/front-porch",
        "expired": signed(ends_in=-1),
        "other key": signed(key=OTHER_KEY),
        "altered": good[:-1] + ("0" if good[-1] != "0" else "1"),
        "other camera": good.replace("front-porch", "back-yard"),
        "unknown camera, signed": signed("garage"),
        "unknown camera": "rtsp://cams.example.com:443/garage",
        "token in the query": good.replace("porch/", "porch?token="),
        "more path": good + "/more",
        "nothing": "rtsp://cams.example.com:443/",
        "garbage": "*",
    }


def test_wrong_urls_get_identical_answers_whatever_is_asked() -> None:
    async def play() -> None:
        async with (
            FakeLive555().run() as live,
            gateway(camera(live.url), camera(live.url, "back-yard")) as server,
        ):
            await warm(server)
            for method in ("DESCRIBE", "SETUP", "PLAY"):
                answers = {}
                for name, url in refused_urls().items():
                    async with Client.connect(server) as client:
                        headers = ["Transport: RTP/AVP/TCP;interleaved=0-1"] if method == "SETUP" else []
                        answers[name] = (await client.ask(method, url, *headers)).raw
                assert set(answers.values()) == {b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n"}, (method, answers)

    in_time(play())


def test_signature_is_checked_at_each_step_but_not_midstream() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as client:
                url = signed(ends_in=2)
                assert (await client.set_up(url)).status == 200
                assert (await client.ask("PLAY", signed(ends_in=-1))).status == 404
                assert (await client.ask("PLAY", url)).status == 200
                await asyncio.sleep(2.1)
                client.early.clear()
                assert (await client.ask("OPTIONS", url)).status == 200
                assert (await client.ask("PLAY", url)).status == 200
                await client.frames(5)
                assert (await client.ask("DESCRIBE", url)).status == 404

    in_time(play())


def test_both_keys_work_during_rotation_and_lan_mode_needs_none() -> None:
    async def play() -> None:
        keys = [OTHER_KEY.hex(), KEY.hex()]
        async with FakeLive555().run() as live:
            async with gateway(camera(live.url), stream_keys=keys) as server:
                await warm(server)
                async with Client.connect(server) as client:
                    assert (await client.ask("DESCRIBE", signed())).status == 200
                    assert (await client.ask("DESCRIBE", signed(key=OTHER_KEY))).status == 200
            async with gateway(camera(live.url), stream_keys=[], require_signature=False) as server:
                await warm(server)
                async with Client.connect(server) as client:
                    described = await client.ask("DESCRIBE", "rtsp://127.0.0.1:8554/front-porch/")
                    assert described.headers["content-base"] == "rtsp://127.0.0.1:8554/front-porch/"
                    assert (await client.ask("DESCRIBE", "rtsp://127.0.0.1:8554/nobody")).status == 404

    in_time(play())


def test_tolerated_forms_of_the_url() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            url = signed()
            forms = [url, url + "/", url.replace(":443", ""), url.replace("rtsp:", "rtsps:"), url + "?x=1"]
            forms.append(url.removeprefix("rtsp://cams.example.com:443"))
            for form in forms:
                async with Client.connect(server) as client:
                    described = await client.ask("DESCRIBE", form)
                    assert described.status == 200, form
                    assert described.headers.get("content-base", f"{url}/") == f"{url}/"
            for form in (f"{url}/track1", f"{url}/track1/", f"{url}?x=1/track1", url):
                async with Client.connect(server) as client:
                    answer = await client.ask("SETUP", form, "Transport: RTP/AVP/TCP;interleaved=0-1")
                    assert answer.status == 200, form

    in_time(play())


def test_sound_is_announced_only_if_it_is_kept_and_flows() -> None:
    async def play() -> None:
        async with FakeLive555(with_sound=True).run() as live, FakeLive555().run() as silent:
            cameras = [
                camera(live.url, "kept", audio="keep"),
                camera(live.url, "dropped"),
                camera(silent.url, "silent", audio="keep"),
            ]
            async with gateway(*cameras) as server:
                for name, announced in (("kept", True), ("dropped", False), ("silent", False)):
                    async with Client.connect(server) as client:
                        body = (await client.ask("DESCRIBE", signed(name))).body
                        assert ("m=audio" in body) is announced, name
                        track2 = await client.set_up(signed(name), "track2")
                        assert track2.status == (200 if announced else 404)
            # Left out or not: every track is set up upstream, or LIVE555 would hold PLAY back.
            assert live.requests.count("SETUP") == 4

    in_time(play())


def test_pause_and_play_go_on_with_the_same_numbers() -> None:
    async def play() -> None:
        async with FakeLive555(group=5).run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            async with Client.connect(server) as client:
                url = signed()
                await client.play(url)
                await client.frames(10)
                assert (await client.ask("PAUSE", f"{url}/")).status == 200
                before = [data for channel, data in client.early if channel == 0]
                client.early.clear()
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.item(), 0.5)
                assert (await client.ask("PLAY", f"{url}/")).status == 200
                assert client.early == []
                after = [data for channel, data in await client.frames(20) if channel == 0]
                assert after[0][12] & 0x1F == 7  # it goes on with a keyframe
                assert after[0][8:12] == before[0][8:12]
                numbers = [int.from_bytes(data[2:4], "big") for data in (before[-1], after[0])]
                times = [int.from_bytes(data[4:8], "big") for data in (before[-1], after[0])]
                assert numbers[1] == numbers[0] + 1
                assert times[1] > times[0]

    in_time(play())


def test_one_viewers_teardown_leaves_others_alone() -> None:
    async def play() -> None:
        async with FakeLive555().run() as live, gateway(camera(live.url)) as server:
            await warm(server)
            url = signed()
            async with Client.connect(server) as one, Client.connect(server, LAVF) as other:
                await one.play(url)
                await other.play(url)
                assert (await one.ask("TEARDOWN", url, "Session: ffff")).status == 454
                assert (await other.ask("TEARDOWN", url, f"Session: {one.session}")).status == 454
                assert (await one.ask("TEARDOWN", f"{url}/")).status == 200
                other.early.clear()
                await other.frames(20)
                one.session = ""
                assert (await one.set_up(url)).status == 200  # the connection may be used again
                assert (await one.ask("PLAY", url)).status == 200

    in_time(play())


def test_squeezed_start_for_ffmpeg_and_history_for_fire_os() -> None:
    async def spans(agent: str, **entries: str) -> float:
        async with FakeLive555(fps=50, group=20).run() as live, gateway(camera(live.url), **entries) as server:
            await warm(server, seconds=0.5)
            async with Client.connect(server, agent) as client:
                await client.play(signed())
                frames = [data for channel, data in await client.frames(16) if channel == 0]
                return (int.from_bytes(frames[-1][4:8], "big") - int.from_bytes(frames[0][4:8], "big")) / 90000

    async def play() -> None:
        assert await spans(LAVF) < 0.25
        assert await spans(FIRE_OS) > 0.25
        assert await spans("Unheard/1.0") > 0.25
        assert await spans("Unheard/1.0", default_start="squeezed") < 0.25

    in_time(play())
