"""Stock players: ffmpeg and GStreamer decode the squeezed start and the join to live."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.direct import Way
from benchmarks.figures import Figures, percentile
from benchmarks.streams import gateway_way
from benchmarks.tls_door import tls_door
from home import Home
from world import sei
from world.clip import access_units, split_annex_b

_CAMERAS = ("front-porch", "driveway")
_JOINS = 3
_WATCH_S = 7.0
_SETTLED_S = 1.0
_MOST_BEHIND_MS = 300
# What came in the last moments may not be decoded yet when the player is stopped.
_UNDECODED_S = 0.5
_SIDE = 16
_END_PATIENCE_S = 5.0
_READ = 1 << 16


def ffmpeg(url: str, decoded: int) -> list[str]:
    """ffmpeg, told not to buffer: the stream as it is on standard output, tiny decoded pictures on ``decoded``."""
    return [
        *("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-fflags", "nobuffer", "-flags", "low_delay"),
        *("-rtsp_transport", "tcp", "-i", url),
        *("-map", "0:v", "-c", "copy", "-flush_packets", "1", "-f", "h264", "pipe:1"),
        *("-map", "0:v", "-vf", f"scale={_SIDE}:{_SIDE}:flags=neighbor", "-pix_fmt", "gray"),
        *("-fps_mode", "passthrough", "-flush_packets", "1", "-f", "rawvideo", f"pipe:{decoded}"),
    ]


def gstreamer(url: str, decoded: int) -> list[str]:
    """GStreamer without a jitter buffer's delay; outputs as with `ffmpeg`."""
    pipeline = (
        f"rtspsrc location={url} protocols=tcp latency=0 ! rtph264depay ! h264parse ! "
        "video/x-h264,stream-format=byte-stream,alignment=au ! tee name=both "
        "both. ! queue ! fdsink fd=1 sync=false "
        "both. ! queue ! avdec_h264 max-threads=1 ! videoscale method=nearest-neighbour ! videoconvert ! "
        f"video/x-raw,format=GRAY8,width={_SIDE},height={_SIDE} ! fdsink fd={decoded} sync=false"
    )
    return ["gst-launch-1.0", "-q", *pipeline.split()]


PLAYERS: dict[str, Callable[[str, int], list[str]]] = {"ffmpeg": ffmpeg, "gstreamer": gstreamer}


@dataclass
class Played:
    """``stream``: the bytes as they came. ``decoded``: the Unix time of each decoded picture. ``joined``: of the join.

    ``complaint``: what the player wrote on standard error.
    """

    stream: bytearray = field(default_factory=bytearray)
    decoded: list[float] = field(default_factory=list)
    joined: float = 0.0
    ended: float = 0.0
    complaint: str = ""


@dataclass(frozen=True)
class Seen:
    """``missing``: numbers that the camera sent and the player did not get. ``undecoded``: pictures without result.

    ``behind_s``: the most that a decoded picture was behind its capture, from a second after the join on.
    """

    pictures: int
    missing: int
    undecoded: int
    first_s: float
    behind_s: float


def run(home: Home) -> Figures:
    """Both players on both cameras."""
    figures = Figures()
    for name, command in PLAYERS.items():
        for camera_id in _CAMERAS:
            played = [asyncio.run(_play(home, gateway_way(home, camera_id), command)) for _ in range(_JOINS)]
            _add(figures, f"{name}_{camera_id.replace('-', '_')}_", played)
    return figures


def _add(figures: Figures, prefix: str, played: Sequence[Played]) -> None:
    seen = [look(one) for one in played]
    for complaint in {one.complaint for one in played if one.complaint}:
        print(f"  {prefix}: {complaint[:800]}")
    figures.add(prefix + "pictures", min(one.pictures for one in seen), ">= 1")
    figures.add(prefix + "missing", sum(one.missing for one in seen), "== 0")
    figures.add(prefix + "undecoded", sum(one.undecoded for one in seen), "== 0")
    figures.add(prefix + "complaints", sum(bool(one.complaint) for one in played), "== 0")
    figures.add(prefix + "first_decoded_ms_p50", 1000 * percentile([one.first_s for one in seen], 0.5))
    behind = max(one.behind_s for one in seen)
    figures.add(prefix + "behind_live_ms_max", 1000 * behind, f"<= {_MOST_BEHIND_MS}")


def look(played: Played) -> Seen:
    """What a player made of a stream. Raises LookupError when it decoded nothing after the first second."""
    marks = [_marked(unit) for unit in access_units(split_annex_b(bytes(played.stream)))]
    numbers = [number for number, _ in marks]
    missing = sum(later - earlier - 1 for earlier, later in itertools.pairwise(numbers))
    pairs = list(zip(played.decoded, (captured for _, captured in marks), strict=False))
    behind = [at - captured for at, captured in pairs if at >= played.joined + _SETTLED_S]
    if not behind:
        raise LookupError(f"nothing was decoded: {played.complaint[:800]}")
    due = sum(captured < played.ended - _UNDECODED_S for _, captured in marks)
    return Seen(
        pictures=len(marks),
        missing=missing,
        undecoded=max(0, due - len(played.decoded)),
        first_s=played.decoded[0] - played.joined,
        behind_s=max(behind),
    )


def _marked(unit: list[bytes]) -> tuple[int, float]:
    number, unix_ns = next(found for found in map(sei.parse, unit) if found is not None)
    return number, unix_ns / 1e9


async def _play(home: Home, way: Way, command: Callable[[str, int], list[str]]) -> Played:
    played = Played()
    reading, writing = os.pipe()
    async with tls_door(home.appliance.address, way.port, server_name=way.host, roots_pem=home.roots_pem) as door:
        url = f"rtsp://127.0.0.1:{door.port}/{way.uri.split('/', 3)[3]}"
        process = await asyncio.create_subprocess_exec(
            *command(url, writing),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[writing],
        )
        os.close(writing)
        assert process.stdout is not None
        assert process.stderr is not None
        pictures = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(pictures), os.fdopen(reading, "rb", buffering=0)
        )
        complaint = asyncio.create_task(process.stderr.read())
        readers = [
            asyncio.create_task(_read_stream(process.stdout, played)),
            asyncio.create_task(_read_pictures(pictures, played)),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WATCH_S):
                await process.wait()
        played.ended, played.joined = time.time(), door.entered_at
        # What it says because it is stopped is no complaint.
        if process.returncode is None:
            process.kill()
        played.complaint = (await asyncio.wait_for(complaint, _END_PATIENCE_S)).decode(errors="replace").strip()
        await asyncio.wait_for(asyncio.gather(*readers), _END_PATIENCE_S)
        await process.wait()
        transport.close()
    return played


async def _read_stream(reader: asyncio.StreamReader, played: Played) -> None:
    while data := await reader.read(_READ):
        played.stream += data


async def _read_pictures(reader: asyncio.StreamReader, played: Played) -> None:
    size = 0
    while data := await reader.read(_READ):
        size += len(data)
        new = size // (_SIDE * _SIDE) - len(played.decoded)
        played.decoded += [time.time()] * new
