"""``alexa-ip-cam-event --camera ID --file FILE``: for the hook that a recorder runs when a recording is finished."""

import argparse
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

from alexa_ip_cam.events import announcement
from alexa_ip_cam.events.announcement import CAUSES, LONGEST_SECONDS, Announcement

_OK, _WRONG, _FAILED = 0, 2, 1


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns its exit status: 0, 1 when it could not be written down, 2 for a wrong argument."""
    parser = argparse.ArgumentParser(
        prog="alexa-ip-cam-event",
        description="Tells the appliance that a camera's recording is finished. The file stays where it is, and must "
        "be readable for the user alexa-events until its clip is made.",
    )
    parser.add_argument("--camera", required=True, metavar="ID", help="the camera's id in the inventory")
    parser.add_argument("--file", required=True, type=Path, help="the finished video")
    parser.add_argument(
        "--start",
        metavar="TIME",
        help="when it begins: Unix seconds, or like 2026-11-24T10:00:00+01:00 (UTC if no zone)",
    )
    parser.add_argument("--length", metavar="SECONDS", help="how long it is; the video tells when left out")
    parser.add_argument("--cause", choices=CAUSES, default="motion", help="what set it off (motion)")
    parser.add_argument("--pressed", action="store_true", help="somebody pressed the doorbell's button")
    parser.add_argument("--spool", type=Path, default=announcement.SPOOL, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        target = _directory(options.spool, options.camera)
        said = Announcement(
            file=str(options.file.absolute()),
            start=_start(options.start),
            length=_length(options.length),
            cause=options.cause,
            pressed=options.pressed,
            changed=_changed(options.file),
        )
    except ValueError as error:
        print(f"alexa-ip-cam-event: {error}", file=sys.stderr)
        return _WRONG
    try:
        announcement.leave(target, said)
    except OSError as error:
        print(f"alexa-ip-cam-event: {target}: {error.strerror}; {_mend(error)}", file=sys.stderr)
        return _FAILED
    return _OK


def _directory(spool: Path, camera: str) -> Path:
    directory = spool / camera
    if not camera or "/" in camera or camera.startswith(".") or not directory.is_dir():
        known = sorted(path.name for path in spool.iterdir()) if spool.is_dir() else []
        raise ValueError(
            f"no camera {camera!r} takes recordings from this command; "
            + (f"these do: {', '.join(known)}" if known else "give one `recordings: {type: command}` in the inventory")
        )
    return directory


def _changed(path: Path) -> int:
    try:
        about = path.stat()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(about.st_mode):
        raise ValueError(f"{path} is no file")
    return about.st_mtime_ns


def _start(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if text.replace(".", "", 1).isdecimal():
            return datetime.fromtimestamp(float(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"--start {text!r} is neither Unix seconds nor like 2026-11-24T10:00:00+01:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _length(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_SECONDS:
        raise ValueError(f"--length {text!r} is not a number of seconds up to {LONGEST_SECONDS:g}")
    return seconds


def _mend(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"add the user to the group: adduser {os.environ.get('USER', '<user>')} alexa-recorders"
    return "try again"


if __name__ == "__main__":
    sys.exit(main())
