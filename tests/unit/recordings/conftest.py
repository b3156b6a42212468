"""Films of a second or so, made once for all tests, and clocks that the tests turn."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from alexa_ip_cam.events.recording import Recording, Source

_PICTURE = ["-f", "lavfi", "-i", "testsrc=size=128x96:rate=10"]
_SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000"]
_H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "5"]

Film = Callable[[str], Path]
Today = Callable[[datetime], None]

FILMS: dict[str, list[str]] = {
    "plain.mkv": [*_PICTURE, "-t", "1", *_H264],
    "plain.mp4": [*_PICTURE, "-t", "1", *_H264],
    "long.mp4": [*_PICTURE, "-t", "10", *_H264],
    "fast.mp4": [*_PICTURE, "-t", "4", *_H264, "-movflags", "+faststart"],
    "fragments.mp4": [*_PICTURE, "-t", "4", *_H264, "-movflags", "+frag_keyframe+empty_moov+default_base_moof"],
    "aac.mp4": [*_PICTURE, *_SOUND, "-t", "1", *_H264, "-c:a", "aac"],
    "ulaw.mkv": [*_PICTURE, *_SOUND, "-t", "1", *_H264, "-c:a", "pcm_mulaw"],
    "alaw.avi": [*_PICTURE, *_SOUND, "-t", "1", *_H264, "-c:a", "pcm_alaw"],
    "mp3.mkv": [*_PICTURE, *_SOUND, "-t", "1", *_H264, "-c:a", "mp2", "-ar", "16000"],
    "large.mkv": ["-f", "lavfi", "-i", "testsrc=size=256x192:rate=10", "-t", "1", *_H264],
    "hevc.mp4": [*_PICTURE, "-t", "1", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"],
    "av1.mkv": [*_PICTURE, "-t", "0.2", "-c:v", "libaom-av1", "-cpu-used", "8"],
    "stream.ts": [*_PICTURE, "-t", "1", *_H264],
    "mjpeg.mkv": [*_PICTURE, "-t", "1", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
    "high444.mp4": [*_PICTURE, "-t", "1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"],
    "sound.mp4": [*_SOUND, "-t", "1", "-c:a", "aac"],
}


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Call ``film("plain.mkv")`` and get that film; made at the first call."""
    folder = tmp_path_factory.mktemp("films")

    def make(name: str) -> Path:
        path: Path = folder / name
        if not path.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-y", *FILMS[name], path], check=True, timeout=60)
        return path

    return make


class Clock:
    """A clock that only goes forward, and only when told."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> Today:
    """Call ``today(moment)`` to set the day by which old recordings are told from new ones."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr("alexa_ip_cam.events.sources.dates._now", moment.timestamp)

    return set_to


def scan(source: Source) -> list[Recording]:
    return list(source.scan())


def touch(path: Path, moment: datetime) -> None:
    """Make a file look as if it had been written then."""
    os.utime(path, (moment.timestamp(), moment.timestamp()))
