"""The clips that the cameras play, encoded once by ffmpeg on the host and kept."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox import SandboxError, cache_dir
from sandbox.cache import locked
from world.camera.tracks import AAC_RATE, PCMU_RATE
from world.clip import Clip
from world.profiles import Profile

#: Debian packages that the host needs for encoding.
HOST_PACKAGES = ("ffmpeg", "fonts-dejavu-core")

_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf")
_ENCODE_SECONDS = 600
_SOUND_SECONDS = 20


def clips_dir() -> Path:
    """Return the directory that holds all clips."""
    directory = cache_dir() / "clips"
    directory.mkdir(exist_ok=True)
    return directory


def video_clip(profile: Profile) -> Path:
    """Return the profile's clip, an H.264 byte stream with its name and a running clock in each picture.

    Raises SandboxError when ffmpeg or the font is missing, the encoder fails, or the clip is not as the profile
    wants it.
    """
    return _kept("video", ".h264", video_arguments(profile), profile)


def audio_clip(kind: str) -> Path:
    """Return sound with a beep each second: `pcmu` without header or `aac` in ADTS. Raises SandboxError."""
    return _kept(kind, f".{kind}", audio_arguments(kind), None)


def video_arguments(profile: Profile) -> list[str]:
    """Return ffmpeg's arguments, without the output file."""
    x264 = (
        f"keyint={profile.gop}:min-keyint={profile.gop}:scenecut=0:open-gop=0:bframes=0:sliced-threads=0:"
        f"slices={profile.slices}:aud={int(profile.delimiter)}"
    )
    rate = profile.bitrate_kbps
    if rate:
        # Noise comes and goes, so that the rate varies as it does in front of a street.
        strength = 12 if rate <= 6000 else 40
        scene = f"testsrc2=size={profile.width}x{profile.height}:rate={profile.fps}"
        texture = f"noise=alls={strength}:allf=t:enable='lt(mod(t,8),5)'"
        control = ["-b:v", f"{rate}k", "-maxrate", f"{rate * 3 // 2}k", "-bufsize", f"{rate}k"]
    else:
        scene = (
            f"gradients=size={profile.width}x{profile.height}:rate={profile.fps}:c0=0x305030:c1=0x90a060:"
            f"x0=0:y0=0:x1={profile.width - 1}:y1={profile.height - 1}:speed=0.00001,format=yuv420p"
        )
        texture = "noise=c0s=56:c0f=u"
        x264 += ":aq-mode=0:mbtree=0:qp=24"
        control = []
    return [
        *("-f", "lavfi", "-i", scene),
        *("-vf", ",".join([texture, *_inscription(profile.name)])),
        *("-frames:v", str(profile.gop * profile.gops)),
        *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", profile.h264_profile, "-pix_fmt", "yuv420p"),
        *control,
        *("-x264-params", x264),
        # The encoder's own SEI would only be in the first picture.
        *("-bsf:v", "filter_units=remove_types=6", "-f", "h264"),
    ]


def _inscription(name: str) -> list[str]:
    if not name.replace(" ", "").replace("-", "").isalnum():
        raise SandboxError(f"camera name {name!r}: only letters, digits, spaces and hyphens can be drawn")
    style = f"drawtext=fontfile={_FONT}:fontcolor=white"
    return [
        f"{style}:text='{name}':fontsize=h/7:borderw=6:x=(w-tw)/2:y=h/6",
        rf"{style}:text='%{{pts\:hms}}':fontsize=h/10:borderw=5:x=(w-tw)/2:y=h*2/3",
        f"{style}:text='●':fontcolor=yellow:fontsize=h/8:x=mod(t*w/8\\,w):y=h/2+h/9*sin(t)",
    ]


def audio_arguments(kind: str) -> list[str]:
    """Return ffmpeg's arguments for a kind of sound, without the output file."""
    tone = ["-f", "lavfi", "-i", f"sine=frequency=330:beep_factor=4:duration={_SOUND_SECONDS}", "-ac", "1"]
    if kind == "pcmu":
        return [*tone, "-ar", str(PCMU_RATE), "-c:a", "pcm_mulaw", "-f", "mulaw"]
    return [*tone, "-ar", str(AAC_RATE), "-c:a", "aac", "-b:a", "32k", "-f", "adts"]


def check_clip(clip: Clip, profile: Profile) -> None:
    """Raise SandboxError unless keyframes are where and as large as the profile says."""
    count = profile.gop * profile.gops
    keyframes = [number for number in range(len(clip.pictures)) if clip.is_keyframe(number)]
    if len(clip.pictures) != count or keyframes != list(range(0, count, profile.gop)):
        raise SandboxError(
            f"{profile.name}: the encoder made {len(clip.pictures)} pictures with keyframes at {keyframes}"
        )
    sizes = [sum(map(len, clip.nals(number))) for number in keyframes]
    least, most = profile.keyframe_bytes
    if min(sizes) < least or max(sizes) > most:
        raise SandboxError(
            f"{profile.name}: keyframes of {min(sizes)} to {max(sizes)} bytes are not within {least} to {most}: "
            "adjust the noise in video_arguments() to this encoder"
        )


def _kept(stem: str, suffix: str, arguments: Sequence[str], profile: Profile | None) -> Path:
    """Return the file that these arguments make, making it when this encoder has not yet."""
    if not _FONT.exists():
        raise SandboxError(f"{_FONT} is missing. Install with: apt-get install {' '.join(HOST_PACKAGES)}")
    version = _ffmpeg(["-version"]).splitlines()[0]
    limits = profile.keyframe_bytes if profile else None
    key = hashlib.sha256(json.dumps([version, list(arguments), limits]).encode()).hexdigest()[:16]
    path = clips_dir() / f"{stem}-{key}{suffix}"
    with locked(clips_dir() / f".{path.name}.lock"):
        if not path.exists():
            part = path.with_suffix(".part")
            _ffmpeg(["-v", "error", "-y", *arguments, str(part)])
            if profile:
                check_clip(Clip.load(part), profile)
            part.rename(path)
    return path


def _ffmpeg(arguments: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            ["ffmpeg", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ENCODE_SECONDS,
        )
    except FileNotFoundError:
        install = f"apt-get install {' '.join(HOST_PACKAGES)}"
        raise SandboxError(f"ffmpeg is not installed. Install with: {install}") from None
    if done.returncode != 0:
        raise SandboxError(f"ffmpeg ended with status {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
