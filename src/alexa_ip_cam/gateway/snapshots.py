"""JPEG pictures of the cameras, made by ffmpeg from keyframes that are there anyway."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path

from alexa_ip_cam.gateway.h264 import annex_b
from alexa_ip_cam.service.files import replace_file

_TIME_LIMIT = 10.0  # seconds for one picture
_AIM_BYTES = 60_000  # what Alexa advises for an imageUri
_BEST, _WORST = 3, 14  # ffmpeg's quality scale for JPEG
_LOG_SECONDS = 600.0

# The shorter side becomes 360 pixels, which is the least that Alexa takes.
_SCALE = "scale=w='if(gt(iw,ih),-2,360)':h='if(gt(iw,ih),360,-2)'"

_log = logging.getLogger(__name__)


class SnapshotError(Exception):
    """ffmpeg made no picture; the message says why."""


async def make_jpeg(nals: list[bytes], quality: int) -> bytes:
    """Decode one keyframe and make a JPEG of it.

    Args:
        nals: its NAL units, parameter sets included.
        quality: 2 (best) to 31.

    Raises:
        SnapshotError: ffmpeg is missing, fails, or takes too long.
    """
    command = ["nice", "-n", "15", "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"]
    command += ["-threads", "1", "-probesize", "10000000", "-f", "h264", "-i", "pipe:0"]
    command += ["-frames:v", "1", "-vf", _SCALE, "-pix_fmt", "yuvj420p", "-q:v", str(quality), "-threads", "1"]
    command += ["-f", "image2pipe", "-c:v", "mjpeg", "pipe:1"]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SnapshotError(f"ffmpeg cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(_TIME_LIMIT):
            picture, complaints = await process.communicate(annex_b(nals))
    except TimeoutError:
        raise SnapshotError(f"ffmpeg took longer than {_TIME_LIMIT:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0 or not picture.startswith(b"\xff\xd8"):
        words = complaints.decode("utf-8", "replace").strip().splitlines()
        raise SnapshotError(f"ffmpeg failed: {words[0][:200] if words else 'it said nothing'}")
    return picture


class Snapshots:
    """Keeps one picture per camera fresh; one ffmpeg at a time, so that many cameras do not crowd the machine.

    Args:
        folder: where ``<camera id>.jpg`` goes.
        seconds: how old a picture may grow.
        keyframes: the newest keyframe's NAL units of every camera that has one, by camera id.
    """

    def __init__(self, folder: Path, seconds: float, keyframes: Callable[[], dict[str, list[bytes]]]) -> None:
        self.made_at: dict[str, float] = {}  # Unix time of each camera's last picture
        self._folder = folder
        self._seconds = seconds
        self._keyframes = keyframes
        self._quality: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._used: dict[str, list[bytes]] = {}
        self._logged = 0.0

    async def run(self) -> None:
        """Make pictures until cancelled; trouble is logged, and the next picture tried in its turn."""
        while True:
            for name in self._keyframes():
                if time.monotonic() >= self._due.get(name, 0.0):
                    await self._refresh(name)
            await asyncio.sleep(0.5)

    async def _refresh(self, name: str) -> None:
        nals = self._keyframes().get(name)  # the newest, not the one from before another camera's turn
        if not nals or nals is self._used.get(name):
            return
        self._due[name] = time.monotonic() + self._seconds
        self._used[name] = nals
        quality = self._quality.get(name, 5)
        try:
            picture = await make_jpeg(nals, quality)
            replace_file(self._folder / f"{name}.jpg", picture)
        except (SnapshotError, OSError) as error:
            if time.monotonic() - self._logged > _LOG_SECONDS or not self._logged:
                self._logged = time.monotonic()
                _log.warning("%s: no snapshot: %s", name, error)
            return
        self.made_at[name] = time.time()
        if len(picture) > _AIM_BYTES:
            quality += 2
        elif len(picture) < _AIM_BYTES * 0.6:
            quality -= 1
        self._quality[name] = min(_WORST, max(_BEST, quality))
