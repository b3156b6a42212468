"""Pictures for people: H.264 byte streams, PNG and facts, by ffmpeg and ffprobe."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulators.echo.depacketise import AccessUnit

_START_CODE = b"\x00\x00\x00\x01"
_PATIENCE_S = 30


class DecodeError(Exception):
    """ffmpeg or ffprobe could not make a picture of what came."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decoder found: codec and profile by ffprobe's names, size in pixels."""

    codec: str
    profile: str
    width: int
    height: int


def annexb(parameter_sets: Sequence[bytes], units: Iterable[AccessUnit]) -> bytes:
    """An H.264 byte stream (ITU-T H.264 Annex B): ``parameter_sets``, then each unit's NAL units."""
    nals = [*parameter_sets, *(nal for unit in units for nal in unit.nals)]
    return b"".join(_START_CODE + nal for nal in nals)


def decode_to_png(stream: bytes, path: Path) -> None:
    """The first picture of ``stream`` as a PNG file. Raises ``DecodeError`` on any decoding error."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-xerror", "-f", "h264", "-i", "pipe:0"]
    _run([*command, "-frames:v", "1", "-f", "image2", "-c:v", "png", "-y", str(path)], stream)


def probe(stream: bytes) -> Facts:
    """Codec, profile and size. Raises ``DecodeError``."""
    command = ["ffprobe", "-hide_banner", "-loglevel", "error", "-f", "h264", "-i", "pipe:0"]
    shown = ["-show_entries", "stream=codec_name,profile,width,height", "-of", "json"]
    found = json.loads(_run([*command, *shown], stream))["streams"]
    if not found:
        raise DecodeError("ffprobe found no stream")
    return Facts(found[0]["codec_name"], found[0]["profile"], found[0]["width"], found[0]["height"])


def _run(command: list[str], stream: bytes) -> bytes:
    try:
        done = subprocess.run(command, input=stream, capture_output=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise DecodeError(f"{command[0]} took more than {_PATIENCE_S} s") from error
    if done.returncode or done.stderr.strip():
        raise DecodeError(f"{command[0]}: {done.stderr.decode(errors='replace').strip()[:500]}")
    return done.stdout
