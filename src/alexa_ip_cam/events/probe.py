"""What is in a video file, by ffprobe."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_WHO = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\] ")  # the part of ffmpeg that speaks
_TIME_LIMIT = 30.0  # seconds; a network share may be slow, and a broken file must not hold up the others

VIDEO_FORMATS = "matroska,mov,avi,mpegts,mpeg,flv,dhav,mjpeg"
ONLY_VIDEO_FILES = ("-protocol_whitelist", "file", "-format_whitelist", VIDEO_FORMATS)
"""Options before an input. Without them ffmpeg takes a playlist for a video, whatever its name, and reads the files and
URLs in it with our rights."""


class ProbeError(Exception):
    """The file is no video that can be read to its end; the message says why, in one line."""


class Video(NamedTuple):
    """What ffprobe says of a file."""

    codec: str
    """Of the first video stream, by ffmpeg's name: ``h264``, ``hevc``, ``mjpeg``."""
    picture: tuple[object, ...]
    """Codec, profile, size and format: equal for files that can be joined without being encoded again."""
    pixels: str
    """How its pixels are stored: ``yuv420p``."""
    audio: str | None
    """Codec of the first audio stream."""
    sound: tuple[object, ...]
    """Codec, rate and channels of the sound."""
    seconds: float | None
    """Length that the container promises; None when it promises none, as while it is being written."""


def probe(path: Path) -> Video:
    """Look into a file, which is only read.

    Raises:
        ProbeError: it is no video, or it is cut off so that nothing can be read.
        OSError: ffprobe is missing, or takes too long because the place is slow.
    """
    if not path.is_file():
        raise ProbeError("it is no file")  # ffprobe would wait for a pipe's writer
    command = ["ffprobe", "-v", "error", *ONLY_VIDEO_FILES, "-of", "json", "-show_entries"]
    command += ["format=duration:stream=codec_type,codec_name,profile,width,height,pix_fmt,sample_rate,channels"]
    command += ["-i", f"file:{path}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"ffprobe needed longer than {_TIME_LIMIT:g} s") from None
    if done.returncode != 0:
        raise ProbeError(complaint(done.stderr))
    document: dict[str, Any] = json.loads(done.stdout)
    streams = document.get("streams", [])
    pictures = next((stream for stream in streams if stream.get("codec_type") == "video"), None)
    if pictures is None:
        raise ProbeError("it holds no video")
    sound: dict[str, Any] = next((stream for stream in streams if stream.get("codec_type") == "audio"), {})
    return Video(
        codec=str(pictures.get("codec_name", "unknown")),
        picture=tuple(pictures.get(name) for name in ("codec_name", "profile", "width", "height", "pix_fmt")),
        pixels=str(pictures.get("pix_fmt", "unknown")),
        audio=sound.get("codec_name"),
        sound=tuple(sound.get(name) for name in ("codec_name", "sample_rate", "channels")),
        seconds=_seconds(document.get("format", {}).get("duration")),
    )


def complaint(stderr: bytes) -> str:
    """The first thing that a program of ffmpeg's complained of, which is the cause of the others."""
    lines = stderr.decode("utf-8", "replace").splitlines()
    words = [_WHO.sub("", line).strip() for line in lines]
    return next((line[:200] for line in words if line), "it cannot be read")


def _seconds(text: object) -> float | None:
    try:
        seconds = float(str(text))
    except ValueError:
        return None
    return seconds if seconds > 0 else None
