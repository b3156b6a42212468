"""Small real clips, encoded once a session."""

from __future__ import annotations

import subprocess
from pathlib import Path

from world.clip import access_units, split_annex_b

FPS = 15


def encode(path: Path, *, profile: str = "main", gop: int = 30, bframes: int = 0, size: str = "320x180") -> Path:
    """Four GOPs of H.264 as a byte stream."""
    x264 = f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:bframes={bframes}:b-adapt=0"
    source = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={FPS}", "-frames:v", str(4 * gop)]
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", profile, "-pix_fmt", "yuv420p"]
    argv = ["ffmpeg", "-v", "error", "-y", *source, *coding, "-x264-params", x264, "-f", "h264", str(path)]
    subprocess.run(argv, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return path


def pictures(path: Path) -> list[list[bytes]]:
    """NAL units of each picture."""
    return access_units(split_annex_b(path.read_bytes()))
