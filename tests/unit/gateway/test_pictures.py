"""With a real H.264 stream: ffmpeg decodes what viewers get, and snapshots are made of keyframes."""

import asyncio
import itertools
import json
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from alexa_ip_cam.gateway.h264 import annex_b
from alexa_ip_cam.gateway.snapshots import SnapshotError, Snapshots, make_jpeg
from alexa_ip_cam.service.files import replace_file
from unit.gateway.fake_live555 import FakeLive555
from unit.gateway.rig import FIRE_OS, LAVF, Client, camera, gateway, in_time, signed, until, warm

SLICES = 3


def encode(path: Path, size: str, *options: str) -> list[list[bytes]]:
    """Pictures of a test clip, each as its NAL units without delimiters."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi"]
    command += ["-i", f"testsrc2=size={size}:rate=25:duration=2", "-c:v", "libx264", "-preset", "ultrafast"]
    command += ["-g", "25", "-bf", "0", "-x264-params", f"slices={SLICES}:scenecut=0:aud=1", "-threads", "1"]
    subprocess.run([*command, *options, "-f", "h264", str(path)], check=True, timeout=60)
    pictures: list[list[bytes]] = []
    for nal in path.read_bytes().replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]:
        if nal[0] & 0x1F == 9:
            pictures.append([])
        else:
            pictures[-1].append(nal)
    return pictures


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> list[list[bytes]]:
    pictures = encode(tmp_path_factory.mktemp("clip") / "clip.h264", "320x240")
    assert len(pictures) == 50
    assert [nal[0] & 0x1F for nal in pictures[25]][:2] == [7, 8]
    return pictures


def received(frames: list[tuple[int, bytes]]) -> list[list[bytes]]:
    """Whole pictures from interleaved frames: by timestamp, fragments joined."""
    packets = [data for channel, data in frames if channel == 0]
    pictures = []
    for _, group in itertools.groupby(packets, key=lambda data: data[4:8]):
        nals: list[bytes] = []
        for data in group:
            payload = data[12:]
            if payload[0] & 0x1F != 28:
                nals.append(payload)
            elif payload[1] & 0x80:
                nals.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:])
            else:
                nals[-1] += payload[2:]
        pictures.append(nals)
    return pictures[:-1]


@pytest.mark.parametrize("agent", [FIRE_OS, LAVF])
def test_what_is_sent_decodes_without_an_error_or_a_hole(clip: list[list[bytes]], agent: str, tmp_path: Path) -> None:
    pictures: list[list[bytes]] = []

    async def play() -> None:
        async with (
            FakeLive555(fps=50, pictures=clip).run() as live,
            gateway(camera(live.url), packet_bytes=700) as server,
        ):
            await warm(server, seconds=0.7)
            async with Client.connect(server, agent) as client:
                await client.play(signed())
                pictures.extend(received(await client.frames(300)))

    in_time(play())
    sent = pictures
    first = clip.index(sent[0])
    assert sent == [clip[(first + number) % 50] for number in range(len(sent))]
    path = tmp_path / "sent.h264"
    path.write_bytes(b"".join(annex_b(nals) for nals in sent))
    command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-xerror", "-i", str(path), "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "error" not in done.stderr.lower()
    assert done.stdout.count("\n0,") == len(sent)


@pytest.mark.parametrize("with_sound", [False, True])
def test_ffmpeg_as_a_viewer(clip: list[list[bytes]], with_sound: bool) -> None:
    async def play() -> None:
        live = FakeLive555(fps=50, pictures=clip, with_sound=with_sound)
        async with live.run(), gateway(camera(live.url, audio="keep"), require_signature=False) as server:
            await warm(server, seconds=0.3)
            command = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-rtsp_transport", "tcp"]
            command += ["-i", f"rtsp://127.0.0.1:{server.port}/front-porch", "-map", "0:v", "-t", "0.8"]
            process = await asyncio.create_subprocess_exec(
                *command, "-fps_mode", "passthrough", "-f", "framemd5", "-",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, complaints = await process.communicate()
            assert process.returncode == 0, complaints
            words = complaints.decode().lower()
            assert not any(word in words for word in ("error", "concealing", "missed", "non-existing", "corrupt")), (
                words
            )
            assert out.count(b"\n0,") >= 35

    in_time(play(), 25)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height from the start-of-frame segment."""
    at = 2
    while data[at + 1] not in {0xC0, 0xC2}:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    height, width = struct.unpack_from(">HH", data, at + 5)
    return width, height


@pytest.mark.parametrize(
    ("size", "expected"), [("320x240", (480, 360)), ("1280x720", (640, 360)), ("360x640", (360, 640))]
)
def test_a_snapshots_shorter_side_has_360_pixels(tmp_path: Path, size: str, expected: tuple[int, int]) -> None:
    pictures = encode(tmp_path / "clip.h264", size, "-frames:v", "1")
    picture = asyncio.run(make_jpeg(pictures[0], 5))
    assert jpeg_size(picture) == expected
    assert len(picture) < 120_000


def test_a_keyframe_that_is_none_gives_an_error() -> None:
    with pytest.raises(SnapshotError, match="ffmpeg failed"):
        asyncio.run(make_jpeg([b"\x65garbage"], 5))


def test_ffmpeg_missing_or_stuck_gives_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "ffmpeg"
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("alexa_ip_cam.gateway.snapshots._TIME_LIMIT", 0.2)
    with pytest.raises(SnapshotError, match="longer than"):
        asyncio.run(make_jpeg([b"\x65"], 5))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SnapshotError, match="cannot be started"):
        asyncio.run(make_jpeg([b"\x65"], 5))


def test_snapshots_are_kept_fresh_and_trouble_ends_nothing(clip: list[list[bytes]], tmp_path: Path) -> None:
    keyframes = {"broken": [b"\x65garbage"], "porch": clip[0]}
    snapshots = Snapshots(tmp_path, 0.1, lambda: keyframes)

    async def play() -> None:
        task = asyncio.create_task(snapshots.run())
        path = tmp_path / "porch.jpg"
        await until(path.exists)
        first = snapshots.made_at["porch"]
        keyframes["porch"] = clip[25]
        await until(lambda: snapshots.made_at["porch"] != first)
        task.cancel()

    in_time(play())
    assert (tmp_path / "porch.jpg").stat().st_mode & 0o777 == 0o644
    assert "broken" not in snapshots.made_at
    assert "porch.jpg" in {entry.name for entry in tmp_path.iterdir()}


def test_quality_follows_the_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    used = []

    async def large(_: list[bytes], quality: int) -> bytes:
        used.append(quality)
        return bytes(90_000 if quality < 9 else 50_000)

    monkeypatch.setattr("alexa_ip_cam.gateway.snapshots.make_jpeg", large)
    keyframes = {"porch": [b"0"]}
    snapshots = Snapshots(tmp_path, 0.0, lambda: {name: [*nals] for name, nals in keyframes.items()})

    async def play() -> None:
        task = asyncio.create_task(snapshots.run())
        await until(lambda: len(used) == 4)
        task.cancel()

    in_time(play())
    assert used == [5, 7, 9, 9]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    replace_file(path, b"one")
    with pytest.raises(OSError, match="No such file"):
        replace_file(tmp_path / "missing" / "a.json", b"two")
    blocked = tmp_path / "folder"
    blocked.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        replace_file(blocked, json.dumps(zlib.crc32(b"")).encode())
    assert path.read_bytes() == b"one"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "folder"]
