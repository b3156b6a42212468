"""Clips: what is copied, what is refused and why, and that the originals stay as they are."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.clip import Clip, ClipError
from alexa_ip_cam.events.clip_maker import FfmpegClips
from alexa_ip_cam.events.mp4_boxes import is_whole
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.media_id import Media, clip_path, parse_media_id
from unit.recordings.conftest import Film

KEY = b"m" * 32
START = datetime(2026, 11, 22, 23, 59, 59, 123000, UTC)

Make = Callable[..., Clip]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


@pytest.fixture
def make(clips: Path) -> Make:
    """Call ``make(file, …)`` to make a clip of these files."""

    def run(*files: Path, camera: str = "front-porch", end: datetime | None = None) -> Clip:
        recording = Recording(camera, files[0].name, files, START, end, "motion", complete=True)
        return FfmpegClips(clips, KEY).make(recording)

    return run


def place(clips: Path, clip: Clip) -> Path:
    return clips / clip_path(clip.media, clip.identity).removeprefix("/clips/")


def streams(path: Path) -> dict[str, str]:
    """Codec of each kind of stream."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_type,codec_name", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    return {stream["codec_type"]: stream["codec_name"] for stream in json.loads(done.stdout)["streams"]}


def pictures(path: Path) -> list[str]:
    """A hash of each decoded picture."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:v", "-f", "framemd5", "-"],
        capture_output=True,
        check=True,
        text=True,
    )
    return [line.rsplit(", ", 1)[1] for line in done.stdout.splitlines() if not line.startswith("#")]


def condition(path: Path) -> tuple[Any, ...]:
    about = path.stat()
    return hashlib.sha256(path.read_bytes()).hexdigest(), about.st_mtime_ns, about.st_mode, about.st_ino


@pytest.mark.parametrize(
    ("name", "audio"),
    [
        ("plain.mkv", None),
        ("plain.mp4", None),
        ("fragments.mp4", None),
        ("aac.mp4", "aac"),
        ("ulaw.mkv", "aac"),
        ("alaw.avi", "aac"),
        ("mp3.mkv", None),
    ],
)
def test_the_picture_is_copied_and_the_sound_is_what_an_echo_plays(
    make: Make, film: Film, clips: Path, name: str, audio: str | None
) -> None:
    before = condition(film(name))
    clip = make(film(name))
    path = place(clips, clip)
    assert condition(film(name)) == before
    assert pictures(path) == pictures(film(name))
    assert streams(path) == {"video": "h264"} | ({"audio": audio} if audio else {})
    assert is_whole(path)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # so that it plays before all of it is there
    assert path.stat().st_mode & 0o777 == 0o644
    assert {folder.stat().st_mode & 0o777 for folder in path.parents if clips in (folder, *folder.parents)} == {0o755}


def test_its_name_tells_its_true_length(make: Make, film: Film, clips: Path) -> None:
    clip = make(film("long.mp4"))
    assert clip.media == Media("front-porch", START, timedelta(seconds=10), "motion")
    assert parse_media_id(KEY, clip.identity) == clip.media
    path = place(clips, clip)
    assert path.relative_to(clips).parts[:2] == ("front-porch", "2026-11-22")
    assert clip.size == path.stat().st_size


def test_blocks_are_joined(make: Make, film: Film, clips: Path, tmp_path: Path) -> None:
    """With names that ffmpeg's list of files would take for something else."""
    names = ["it's #1 'of 3'.mkv", "[2] of 3: \\n.mkv", "-i.mkv"]
    blocks = [Path(shutil.copy(film("plain.mkv"), tmp_path / name)) for name in names]
    clip = make(*blocks)
    assert clip.media.length == timedelta(seconds=3)
    assert pictures(place(clips, clip)) == pictures(film("plain.mkv")) * 3


def test_names_that_look_like_something_else(make: Make, film: Film, clips: Path, tmp_path: Path) -> None:
    for number, name in enumerate(["concat:a|b.mp4", "10.01.02[M][0@0][0].mp4", "%d.mp4", "-y.mp4", "http:x.mp4"]):
        clip = make(Path(shutil.copy(film("plain.mp4"), tmp_path / name)), camera=f"cam-{number}")
        assert len(pictures(place(clips, clip))) == 10


def cut(film: Film, tmp_path: Path, name: str, share: float) -> Path:
    data = film(name).read_bytes()
    path = tmp_path / f"cut-{name}"
    path.write_bytes(data[: int(len(data) * share)])
    return path


REFUSED: dict[str, tuple[Callable[[Film, Path], list[Path]], str]] = {
    "H.265": (lambda film, _: [film("hevc.mp4")], "H.265"),
    "AV1": (lambda film, _: [film("av1.mkv")], "AV1"),
    "MJPEG": (lambda film, _: [film("mjpeg.mkv")], "MJPEG"),
    "4:4:4": (lambda film, _: [film("high444.mp4")], "yuv444p"),
    "no picture": (lambda film, _: [film("sound.mp4")], "no video"),
    "truncated, index at the end": (lambda film, tmp: [cut(film, tmp, "plain.mp4", 0.5)], "moov atom not found"),
    "truncated, index first": (lambda film, tmp: [cut(film, tmp, "fast.mp4", 0.5)], "cut off"),
    "truncated Matroska": (lambda film, tmp: [cut(film, tmp, "ulaw.mkv", 0.3)], "cut off"),
    "different pictures": (lambda film, _: [film("plain.mkv"), film("large.mkv")], "different kinds"),
    "a playlist that would read another file": (
        lambda film, tmp: [write(tmp / "list.mp4", playlist(film("stream.ts")))],
        "broken",
    ),
    "a list that would read another file": (
        lambda film, _: [write(film("plain.mkv").with_name("list.mp4"), b"ffconcat version 1.0\nfile plain.mkv\n")],
        "broken",
    ),
    "noise": (lambda _, tmp: [write(tmp / "noise.mp4", bytes(range(256)) * 40)], "broken"),
    "empty": (lambda _, tmp: [write(tmp / "empty.mp4", b"")], "is empty"),
    "a directory": (lambda _, tmp: [tmp], "no file"),
    "Hikvision": (lambda film, tmp: [Path(shutil.copy(film("plain.mp4"), tmp / "hiv00001.mp4"))], "Hikvision"),
}


def playlist(path: Path) -> bytes:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nfile://{path}\n#EXT-X-ENDLIST\n".encode()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_a_clip_is_refused_with_the_reason_and_kept(
    make: Make, film: Film, clips: Path, tmp_path: Path, case: str
) -> None:
    files, words = REFUSED[case]
    given = files(film, tmp_path)
    before = [condition(path) for path in given if path.is_file()]
    with pytest.raises(ClipError, match=words) as refused:
        make(*given)
    assert refused.value.permanent
    assert "\n" not in str(refused.value)
    assert [condition(path) for path in given if path.is_file()] == before
    assert [path for path in clips.rglob("*") if path.is_file()] == []


def test_a_block_that_the_camera_never_closed_gives_what_there_is(make: Make, film: Film, tmp_path: Path) -> None:
    """Its header promises no length, so nothing is missing."""
    whole = film("plain.mkv").read_bytes()
    live = tmp_path / "live.mkv"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(film("long.mp4")),
        "-c",
        "copy",
        "-f",
        "matroska",
        "-live",
        "1",
        "pipe:1",
    ]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert data != whole
    live.write_bytes(data[: len(data) // 2])
    assert timedelta(seconds=2) < make(live).media.length < timedelta(seconds=9)


def test_a_file_that_is_away_is_waited_for_a_day(make: Make, tmp_path: Path) -> None:
    """The share may not be mounted."""
    for end, permanent in ((datetime.now(UTC), False), (datetime.now(UTC) - timedelta(days=2), True)):
        with pytest.raises(ClipError, match=r"away\.mkv is not there") as refused:
            make(tmp_path / "away.mkv", end=end)
        assert refused.value.permanent is permanent


def test_a_clip_made_before_a_crash_is_found(make: Make, film: Film, clips: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copy(film("plain.mkv"), tmp_path / "a.mkv"))
    first = make(moved)
    made = condition(place(clips, first))
    moved.unlink()  # it is not needed any more
    assert make(moved) == first
    assert condition(place(clips, first)) == made


def test_what_a_crash_left_half_made_is_removed_and_never_served(
    make: Make, film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apache serves *.mp4 only."""
    seen = []
    real = subprocess.run

    def watched(command: list[str], **options: Any) -> Any:
        if "ffmpeg" in command:
            seen.append(command[-1].removeprefix("file:"))
        return real(command, **options)

    monkeypatch.setattr("subprocess.run", watched)
    make(film("plain.mkv"))
    (part,) = seen
    assert not part.endswith(".mp4")
    left = Path(part)
    left.write_bytes(b"half")
    make(film("aac.mp4"), camera="garage")
    assert not left.exists()


def test_a_conversion_that_hangs_is_ended(
    make: Make, film: Film, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "bin/nice"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    monkeypatch.setattr("alexa_ip_cam.events.clip_maker._LEAST_SECONDS", 0.2)
    with pytest.raises(ClipError, match="longer than") as refused:
        make(film("plain.mkv"))
    assert not refused.value.permanent
    assert [path for path in clips.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_waited_for(make: Make, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr("alexa_ip_cam.events.clip_maker.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ClipError, match="disk is full: 1 MB are free") as refused:
        make(film("plain.mkv"))
    assert not refused.value.permanent
