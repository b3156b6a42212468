"""The newest clips, by the names of their files alone: these say camera, start, length and cause."""

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from alexa_ip_cam.media_id import read_media_id

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Clip(NamedTuple):
    """A recording that can be played. `identity` is its media id; `path` leads to it below the clips' folder."""

    camera_id: str
    start: datetime
    length: timedelta
    cause: str
    identity: str
    path: str


def newest(folder: Path, number: int) -> list[Clip]:
    """At most `number` clips, newest first.

    The folders of a day are read from the newest on, and no more of them than it takes. What is no clip, or no
    finished one, is left out.
    """
    days: dict[str, list[str]] = {}
    for camera in _names(folder):
        for date in _names(folder / camera):
            if _DATE.fullmatch(date):
                days.setdefault(date, []).append(camera)
    found: list[Clip] = []
    for date in sorted(days, reverse=True):
        if len(found) >= number:
            break
        found += (clip for camera in days[date] for clip in _clips_of(folder, camera, date))
    return sorted(found, key=lambda clip: (clip.start, clip.identity), reverse=True)[:number]


def _clips_of(folder: Path, camera: str, date: str) -> Iterator[Clip]:
    for name in _names(folder / camera / date):
        identity, dot, ending = name.rpartition(".")
        if not dot or ending != "mp4":
            continue
        try:
            media = read_media_id(identity)
        except ValueError:
            continue
        if media.camera_id == camera:
            yield Clip(*media, identity, f"{camera}/{date}/{name}")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are all that is needed
    except OSError:
        return []
