"""A small picture of each clip, made once by ffmpeg from its first keyframe."""

import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from alexa_ip_cam.page.clips import Clip

_TIME_LIMIT = 10.0  # seconds for one picture
_WIDTH = 320

# A clip comes from a camera: nothing in it may make ffmpeg read other files or URLs.
_ONLY_MP4 = ("-protocol_whitelist", "file", "-f", "mov")


def make_some(clips: Sequence[Clip], folder: Path, posters: Path, *, at_most: int) -> None:
    """Make up to `at_most` pictures that are missing, newest first, and forget those of clips that are gone.

    A clip of which no picture can be made gets an empty file, so that it is not tried for ever.

    Raises:
        OSError: the folder cannot be written.
    """
    wanted = {f"{clip.identity}.jpg": clip for clip in clips}
    there = {path.name for path in posters.iterdir()}
    for name in there - wanted.keys():
        (posters / name).unlink(missing_ok=True)
    for name in [name for name in wanted if name not in there][:at_most]:
        _make(folder / wanted[name].path, posters / name)


def made(posters: Path) -> Collection[str]:
    """The media ids of clips that have a picture."""
    try:
        return {path.stem for path in posters.glob("*.jpg") if path.stat().st_size > 0}
    except OSError:
        return set()


def _make(clip: Path, poster: Path) -> None:
    scratch = poster.with_name(f".{poster.name}.part")
    argv = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "1", *_ONLY_MP4]
    argv += ["-i", f"file:{clip}", "-frames:v", "1", "-vf", f"scale={_WIDTH}:-2", "-pix_fmt", "yuvj420p"]
    argv += ["-threads", "1", "-q:v", "6", "-f", "image2", "-update", "1", f"file:{scratch}"]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_TIME_LIMIT, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        done = False
    if not done or not scratch.exists():
        scratch.write_bytes(b"")
    scratch.chmod(0o644)
    scratch.replace(poster)
