"""How recorders name their files: one pattern for each layout of a drop folder.

A pattern is looked for at the end of a file's path below the root, so that it does not matter how many folders a camera
puts around. Its groups: `start` and `end`, digits of a date and time or of a time alone with `date` beside it; `dst`;
`kind`, what set the camera off; `size`, the bytes of the finished file in hexadecimal digits.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from alexa_ip_cam.events.sources.local_time import to_utc

_VIDEO = r"\.(?:mp4|m4v|mov|mkv|avi|ts|flv)"


class Layout(NamedTuple):
    """How one kind of recorder names its files.

    Attributes:
        pattern: finds a file's times in its path.
        closed_by_name: whether a file has this name only once it is finished.
        causes: our cause for each `kind`; None for what is no event. A kind that is not named is motion.
        zone: the time zone of the names, when it is not the camera's own.
    """

    pattern: re.Pattern[str]
    closed_by_name: bool = False
    causes: Mapping[str, str | None] = {}
    zone: tzinfo | None = None


class Named(NamedTuple):
    """What a file's name says; None for what it does not."""

    start: datetime | None
    end: datetime | None
    cause: str | None
    size: int | None


def _at_end(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|/)(?:{pattern})$", re.IGNORECASE)


_REOLINK_SD = (
    r"Rec{stream}\d\d_(?P<dst>DST)?(?P<date>\d{{8}})_(?P<start>\d{{6}})_(?P<end>\d{{6}})"
    r"_[0-9A-F]+_(?P<size>[0-9A-F]+)\.mp4"
)

LAYOUTS: dict[str, Layout] = {
    # FTP: <camera>_<number>_[<hub>_]<YYYYMMDDHHMMSS>.mp4
    "reolink": Layout(_at_end(r"[^/]+_(?P<start>\d{14})\.mp4")),
    # SD card, main stream (RecM) and sub stream (RecS).
    "reolink-sd": Layout(_at_end(_REOLINK_SD.format(stream="M"))),
    "reolink-sd-sub": Layout(_at_end(_REOLINK_SD.format(stream="S"))),
    # Dahua, Amcrest: <YYYY-MM-DD>/001/dav/HH/HH.MM.SS-HH.MM.SS[M][0@0][0].mp4, and a newer form. Until it is finished,
    # the name has an underscore at its end. R is the schedule, which is no event.
    "dahua": Layout(
        _at_end(
            r"(?P<date>\d{4}-\d\d-\d\d)/(?:[^/]+/)*(?P<start>\d\d\.\d\d\.\d\d)-(?P<end>\d\d\.\d\d\.\d\d)"
            r"\[(?P<kind>[A-Z])\]\[[^/]*\]\[[^/]*\]\.(?:mp4|dav)"
            r"|[^/]+_ch\d+_(?:main|sub|extra)_(?P<start2>\d{14})_(?P<end2>\d{14})\.(?:mp4|dav)"
        ),
        closed_by_name=True,
        causes={"R": None, "A": "rule", "I": "rule"},
    ),
    # record/MDalarm_YYYYMMDD_HHMMSS.mkv; schedule_... is no event.
    "foscam": Layout(
        _at_end(
            r"(?P<kind>MDalarm|SDalarm|HMDalarm|alarm|schedule)_(?P<date>\d{8})[_-](?P<start>\d{6})\.(?:mkv|avi|mp4)"
        ),
        causes={"SDALARM": "audio", "HMDALARM": "person", "ALARM": "rule", "SCHEDULE": None},
    ),
    # FTP: <address>_<channel>_<YYYYMMDDHHMMSSmmm>_<EVENT>.mp4
    "hikvision": Layout(
        _at_end(r"[^/]+_\d+_(?P<start>\d{17})_(?P<kind>[A-Z_]+)\.mp4"),
        causes={"TIMING": None, "LINE_CROSSING_DETECTION": "rule", "FIELD_DETECTION": "rule"},
    ),
    # motion: [<event>-]<YYYYMMDDHHMMSS>.mkv; motionEye: <YYYY-MM-DD>/<HH-MM-SS>.mp4
    "motion": Layout(
        _at_end(
            rf"(?:[^/]*-)?(?P<start>\d{{14}}){_VIDEO}|(?P<date>\d{{4}}-\d\d-\d\d)/(?P<start2>\d\d-\d\d-\d\d){_VIDEO}"
        )
    ),
    # <YYYY>Y<MM>M<DD>D<HH>H/[E<n>]<MM>M<SS>S<length>.mp4, in UTC whatever the camera's zone is.
    "yi-hack": Layout(
        _at_end(r"(?P<date>\d{4}Y\d\dM\d\dD\d\dH)/(?:E\d)?(?P<start>\d\dM\d\dS)\d\d\.mp4"),
        zone=UTC,
    ),
    # record/<YYYYMMDD>/<HH>/<MM>.mp4, moved there when it is finished.
    "wyze": Layout(_at_end(r"(?P<date>\d{8}/\d\d)/(?P<start>\d\d)\.mp4"), closed_by_name=True),
    # Any video. A date and time in its name are taken where there are some.
    "generic": Layout(
        _at_end(
            r"[^/]*?(?:(?P<start>(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d[-_.T ]?\d\d[-_.:]?\d\d[-_.:]?\d\d)[^/]*)?" + _VIDEO
        )
    ),
}

FOREIGN = re.compile(r"(?:^|/)(?:hiv\d{5}\.mp4|index\d\dp?\.bin)$", re.IGNORECASE)
"""Hikvision's containers on network storage: 256 MB each from the first day on, overwritten in turn, many recordings in
each, and no MP4 whatever the name says."""

_DAY_IN_FOLDER = re.compile(r"(?:^|/)(20\d\d)[-_./Y]?(0[1-9]|1[0-2])[-_./M]?(0[1-9]|[12]\d|3[01])(?![0-9])")


def read_name(layout: Layout, path: str, zone: tzinfo, *, near: datetime | None = None) -> Named | None:
    """What a file's path below the root tells; None when it is no recording of this layout.

    Args:
        layout: the kind of recorder.
        path: the path, with slashes.
        zone: the camera's time zone.
        near: when the file was last written, for the hour that comes twice a year.
    """
    match = layout.pattern.search(path)
    if match is None:
        return None
    groups = {name.rstrip("2"): text for name, text in match.groupdict().items() if text is not None}
    kind = groups.get("kind")
    cause = layout.causes.get(kind.upper(), "motion") if kind else "motion"
    if kind and cause is None:
        return None
    try:
        start, end = _times(groups)
    except ValueError:  # digits that are no date
        start = end = None
    summer = True if "dst" in groups else (False if "size" in groups else None)
    first = to_utc(start, zone, near=near, summer=summer) if start else None
    last = _end(first, end, zone) if first and end else None
    return Named(first, last, cause, int(groups["size"], 16) if "size" in groups else None)


def day_of_folder(path: str) -> str | None:
    """The day that a folder's path tells, as ``YYYYMMDD``; None when it tells none."""
    days = _DAY_IN_FOLDER.findall(path)
    return "".join(days[-1]) if days else None


def _times(groups: Mapping[str, str]) -> tuple[datetime | None, datetime | None]:
    """Start and end by the camera's clock, without a zone."""
    if "start" not in groups:
        return None, None
    date = re.sub(r"\D", "", groups.get("date", ""))
    start = _moment(date + re.sub(r"\D", "", groups["start"]))
    if "end" not in groups:
        return start, None
    return start, _moment(date + re.sub(r"\D", "", groups["end"]))


def _end(start: datetime, end: datetime, zone: tzinfo) -> datetime:
    """The first moment from the start on at which the clock showed the end; its date may be that of the start."""
    both = [end.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    later = [moment for moment in both if moment >= start]
    return min(later) if later else (end + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)


def _moment(digits: str) -> datetime:
    seconds = digits[:14].ljust(14, "0")
    milliseconds = digits[14:17] or "0"
    moment = datetime.strptime(seconds, "%Y%m%d%H%M%S")  # noqa: DTZ007 - the zone is the caller's
    return moment.replace(microsecond=int(milliseconds) * 1000)
