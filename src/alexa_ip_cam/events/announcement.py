"""What `alexa-ip-cam-event` leaves for the events service: one small file for each recording.

Standard library only, and nothing of ours, so that the command starts fast.
"""

import json
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

SPOOL = Path("/var/spool/alexa-ip-cam")
"""One directory for each camera that takes recordings from the command."""

ENDING = ".json"
CAUSES = ("motion", "audio", "person", "app", "voice", "rule")
LONGEST_SECONDS = 86_400.0
_LARGEST = 65_536  # bytes


class AnnouncementError(ValueError):
    """The file is not what the command writes; the message says what is wrong."""


class Announcement(NamedTuple):
    """What is said of a recording. `start` is aware, `length` in seconds; None leaves it to the video to tell."""

    file: str
    start: datetime | None
    length: float | None
    cause: str
    pressed: bool
    changed: int
    """When the file was last written at the time of the announcement, Unix nanoseconds."""


def leave(directory: Path, announcement: Announcement) -> Path:
    """Write an announcement, in one step: the service sees it whole or not at all.

    Args:
        directory: the camera's directory below the spool.
        announcement: what is to be said.

    Raises:
        OSError: the directory is missing, full, or closed to this user.
    """
    document = announcement._asdict()
    document["start"] = announcement.start.isoformat() if announcement.start else None
    descriptor, scratch = tempfile.mkstemp(dir=directory, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document).encode())
            os.fchmod(descriptor, 0o640)  # for the group, which the directory gives
            file.flush()
            os.fsync(descriptor)
        target = directory / f"{time.time_ns()}-{os.getpid()}{ENDING}"
        os.rename(scratch, target)  # noqa: PTH104 - rename(2) is the point
    except OSError:
        Path(scratch).unlink(missing_ok=True)
        raise
    return target


def read(path: Path) -> Announcement:
    """Read an announcement, which any local user who may record can have written.

    Raises:
        AnnouncementError: it is something else.
        OSError: it cannot be read.
    """
    # Neither a link nor a pipe: it is opened with our rights.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_LARGEST + 1)
    try:
        document = json.loads(data)
    except ValueError:
        raise AnnouncementError("it is not JSON") from None
    if len(data) > _LARGEST or not isinstance(document, dict) or set(document) != set(Announcement._fields):
        raise AnnouncementError("it was not written by alexa-ip-cam-event")
    return Announcement(
        file=_file(document["file"]),
        start=_start(document["start"]),
        length=_length(document["length"]),
        cause=_cause(document["cause"]),
        pressed=document["pressed"] is True,
        changed=document["changed"] if isinstance(document["changed"], int) else 0,
    )


def _file(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value or len(value) > 4096:
        raise AnnouncementError("file is not an absolute path")
    return value


def _start(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        start = datetime.fromisoformat(str(value))
    except ValueError:
        raise AnnouncementError("start is not a time") from None
    if start.tzinfo is None:
        raise AnnouncementError("start has no time zone")
    return start.astimezone(UTC)


def _length(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_SECONDS:
        raise AnnouncementError(f"length is not a number of seconds up to {LONGEST_SECONDS:g}")
    return float(value)


def _cause(value: object) -> str:
    if value not in CAUSES:
        raise AnnouncementError(f"cause is none of {', '.join(CAUSES)}")
    return str(value)
