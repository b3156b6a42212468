"""Makes clips that every player takes out of what cameras write, by ffmpeg and without encoding a picture again."""

import contextlib
import errno
import logging
import os
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexa_ip_cam.events.clip import Clip, ClipError
from alexa_ip_cam.events.probe import ONLY_VIDEO_FILES, VIDEO_FORMATS, ProbeError, Video, complaint, probe
from alexa_ip_cam.events.recording import Recording
from alexa_ip_cam.events.sources.patterns import FOREIGN
from alexa_ip_cam.media_id import Media, clip_path, media_id, parse_media_id

_LEAST_SECONDS, _BYTES_PER_SECOND = 60.0, 500_000
"""ffmpeg's time limit: as long as copying at the pace of a slow network takes."""

_SPARE_BYTES = 16_000_000
"""Room that is left on the clips' disk for others, the queue among them."""

_GIVE_UP = timedelta(days=1)
"""After this, a file that is not where it was will not come back, as it may when a share is not mounted."""

_WHOLE_SHARE = 0.9
"""Less of the promised length than this, and the file is cut off."""

_LONGEST_SECONDS = 86_400.0  # of a media id
_LOW_PRIORITY = ("nice", "-n", "15", "ionice", "-t", "-c", "3")
_PART = ".part-"
_G711 = ("pcm_alaw", "pcm_mulaw")
_PIXELS = ("yuv420p", "yuvj420p")
_NAMES = {"hevc": "H.265", "av1": "AV1", "mjpeg": "MJPEG", "mpeg4": "MPEG-4 Part 2"}
_PASSING = ("Input/output error", "Stale file handle", "Connection timed out", "Cannot allocate memory", "No such file")

_log = logging.getLogger(__name__)


class FfmpegClips:
    """Makes clips below a directory that Apache serves.

    What a killed run left half made is removed.

    Args:
        directory: the directory of all clips; made when missing, readable for everybody.
        key: the key of purpose ``media``.

    Raises:
        OSError: the directory cannot be made.
    """

    def __init__(self, directory: Path, key: bytes) -> None:
        self._directory = directory
        self._key = key
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        for part in directory.glob(f"*/*/{_PART}*"):
            part.unlink(missing_ok=True)

    def make(self, recording: Recording) -> Clip:
        """Make the clip, or find it made already. The recording's files are only read.

        Raises:
            ClipError: it cannot be made, for good or for now.
        """
        try:
            return self._made(recording) or self._make(recording)
        except OSError as error:
            raise ClipError(_told(error), permanent=False) from error

    def _made(self, recording: Recording) -> Clip | None:
        """The clip that was made before a crash could say so."""
        zero = Media(recording.camera_id, recording.start, timedelta(), recording.cause)
        identity = media_id(self._key, zero)
        start = identity.rsplit("_", 3)[0]
        folder = self._place(zero, identity).parent
        for path in sorted(folder.glob(f"{start}_*_{recording.cause}_*.mp4")):
            with contextlib.suppress(ValueError):
                return Clip(parse_media_id(self._key, path.stem), path.stem, path.stat().st_size)
        return None

    def _make(self, recording: Recording) -> Clip:
        size = sum(_size(path, recording) for path in recording.files)
        videos = [_look(path) for path in recording.files]
        _check(videos)
        zero = Media(recording.camera_id, recording.start, timedelta(), recording.cause)
        folder = self._place(zero, "none").parent
        _make_folder(folder)
        free, needed = shutil.disk_usage(folder).free, size + _SPARE_BYTES
        if free < needed:
            told = f"{free // 1_000_000} MB are free, {needed // 1_000_000} needed"
            raise ClipError(f"the clips' disk is full: {told}", permanent=False)
        part = folder / f"{_PART}{secrets.token_hex(8)}"
        try:
            said = _convert(recording.files, _audio(videos), part, _LEAST_SECONDS + size / _BYTES_PER_SECOND)
            length = _checked_length(part, videos, said)
            return self._put(part, zero._replace(length=length))
        finally:
            part.unlink(missing_ok=True)

    def _put(self, part: Path, media: Media) -> Clip:
        """Give a finished clip its name, once all of it is on disk."""
        identity = media_id(self._key, media)
        place = self._place(media, identity)
        descriptor = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        part.rename(place)
        _sync_folder(place.parent)
        return Clip(parse_media_id(self._key, identity), identity, size)

    def _place(self, media: Media, identity: str) -> Path:
        return self._directory / clip_path(media, identity).removeprefix("/clips/")


def _size(path: Path, recording: Recording) -> int:
    """Bytes of a file that is to be converted."""
    if FOREIGN.search(str(path)):
        raise ClipError(
            "it is one of Hikvision's containers, which hold many recordings each; let the camera upload by FTP",
            permanent=True,
        )
    try:
        about = path.stat()
    except FileNotFoundError:
        gone = datetime.fromtimestamp(time.time(), UTC) - (recording.end or recording.start) > _GIVE_UP
        raise ClipError(f"{path} is not there", permanent=gone) from None
    if not stat.S_ISREG(about.st_mode):
        raise ClipError(f"{path} is no file", permanent=True)
    if about.st_size == 0:
        raise ClipError(f"{path} is empty", permanent=True)
    with path.open("rb"):  # says plainly that we may not read it, where ffmpeg would call it broken
        return about.st_size


def _look(path: Path) -> Video:
    try:
        return probe(path)
    except ProbeError as error:
        raise ClipError(f"it is broken or cut off: {error}", permanent=True) from error


def _check(videos: Sequence[Video]) -> None:
    """Refuse what cannot be copied into a clip that an Echo plays."""
    for video in videos:
        if video.codec != "h264":
            name = _NAMES.get(video.codec, video.codec)
            raise ClipError(f"its video is {name}, which Alexa does not take; set the camera to H.264", permanent=True)
        if video.pixels not in _PIXELS:
            raise ClipError(f"its pixels are {video.pixels}, which Alexa does not take; yuv420p is", permanent=True)
    if len({video.picture for video in videos}) != 1:
        raise ClipError("its parts have pictures of different kinds, which cannot be joined", permanent=True)


def _audio(videos: Sequence[Video]) -> list[str]:
    """ffmpeg's arguments for the sound."""
    if len({video.sound for video in videos}) != 1:
        return ["-an"]
    if videos[0].audio == "aac":
        return ["-c:a", "copy"]
    if videos[0].audio in _G711:
        return ["-c:a", "aac", "-b:a", "32k"]
    return ["-an"]


def _convert(files: Sequence[Path], audio: list[str], target: Path, seconds: float) -> bytes:
    """Copy the recording into an MP4; returns what ffmpeg complained of."""
    command = [*_LOW_PRIORITY, "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"]
    # Some cameras leave time stamps out, and joined blocks begin at 0 each.
    command += ["-threads", "1", "-fflags", "+genpts"]
    listed = b""
    if len(files) == 1:
        command += [*ONLY_VIDEO_FILES, "-i", f"file:{files[0]}"]
    else:
        command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", f"concat,{VIDEO_FORMATS}"]
        command += ["-f", "concat", "-safe", "0", "-i", "pipe:0"]
        listed = b"".join(_listed(path) for path in files)
    command += ["-map", "0:v:0", "-map", "0:a:0?", "-map_metadata", "-1", "-map_chapters", "-1"]
    command += ["-c:v", "copy", *audio, "-avoid_negative_ts", "make_zero", "-movflags", "+faststart"]
    command += ["-f", "mp4", "-y", f"file:{target}"]
    try:
        done = subprocess.run(command, input=listed, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise ClipError(f"ffmpeg needed longer than {seconds:.0f} s", permanent=False) from None
    words = complaint(done.stderr)
    if os.strerror(errno.ENOSPC).encode() in done.stderr:
        raise ClipError("the clips' disk is full", permanent=False)
    if any(word.encode() in done.stderr for word in _PASSING):
        raise ClipError(f"it cannot be read now: {words}", permanent=False)
    if done.returncode < 0:
        raise ClipError(f"ffmpeg was ended by signal {-done.returncode}", permanent=False)
    if done.returncode != 0:
        raise ClipError(f"ffmpeg cannot convert it: {words}", permanent=True)
    return done.stderr


def _listed(path: Path) -> bytes:
    """A line of the list that ffmpeg's concat demuxer reads."""
    name = os.fsencode(path)
    if b"\n" in name or b"\r" in name:
        raise ClipError(f"{str(path)!r} has a line break in its name", permanent=True)
    return b"file 'file:" + name.replace(b"'", b"'\\''") + b"'\n"


def _checked_length(part: Path, videos: Sequence[Video], said: bytes) -> timedelta:
    """How long the finished clip is, if it is what was promised."""
    try:
        made = probe(part)
    except ProbeError as error:
        raise ClipError(f"nothing could be made of it: {complaint(said)}", permanent=True) from error
    seconds = made.seconds or 0.0
    # A block that the camera never closed promises nothing: all that is there is taken.
    promised = sum(video.seconds or 0.0 for video in videos)
    if seconds <= 0:
        raise ClipError("there is no picture in it", permanent=True)
    if seconds > _LONGEST_SECONDS:
        raise ClipError(f"it is {seconds / 3600:.0f} hours long; a clip may have a day", permanent=True)
    if seconds < promised * _WHOLE_SHARE - 0.5:
        raise ClipError(f"it is cut off: {seconds:.1f} s of {promised:.1f} s are there", permanent=True)
    return timedelta(milliseconds=round(seconds * 1000))


def _make_folder(folder: Path) -> None:
    """Make a folder that survives a power cut, and those above it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o755)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the clips' disk is full"
    if isinstance(error, PermissionError):
        return f"{error.filename} may not be read by the user alexa-events; give it the right to"
    return f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
