"""What the other services have written down. Any of it may be missing, old, or half of what is expected."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.alarm.board import Alarm, Board
from alexa_ip_cam.page.clips import Clip, newest
from alexa_ip_cam.page.settings import Settings

_LARGEST_FILE = 4 << 20  # bytes; none of ours comes near it


class Source(NamedTuple):
    """One file's object, and how many seconds ago it was written. Nothing and no age when there is none to be read."""

    value: Mapping[str, Any]
    age: float | None

    def is_fresh(self, seconds: float) -> bool:
        """Whether it was written within so many seconds."""
        return self.age is not None and self.age <= seconds


class Seen(NamedTuple):
    """Everything that the page tells of, at one moment (`now`, Unix seconds)."""

    now: float
    gateway: Source
    events: Source
    proof: Source
    check: Source
    alarms: Sequence[Alarm]
    snapshots: Mapping[str, float]  # Unix time of each camera's last picture
    clips: Sequence[Clip]


def look(settings: Settings) -> Seen:
    """Read everything once; raises nothing for what is missing or damaged."""
    now = time.time()
    return Seen(
        now=now,
        gateway=read(settings.gateway_status, now),
        events=read(settings.events_status, now),
        proof=read(settings.proof, now),
        check=read(settings.check, now),
        alarms=_alarms(settings.alarms),
        snapshots={camera.id: at for camera in settings.cameras if (at := _written(settings, camera.id)) is not None},
        clips=newest(settings.clips, settings.recordings),
    )


def read(path: Path, now: float) -> Source:
    """A file's object and its age."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE)
            age = now - path.stat().st_mtime
        value = json.loads(data)
    except (OSError, ValueError):
        return Source({}, None)
    return Source(value, max(0.0, age)) if isinstance(value, dict) else Source({}, None)


def _written(settings: Settings, camera_id: str) -> float | None:
    try:
        return (settings.snapshots / f"{camera_id}.jpg").stat().st_mtime
    except OSError:
        return None


def _alarms(directory: Path) -> list[Alarm]:
    try:
        raised = Board(directory).alarms().values()
    except OSError:
        return []
    return sorted((alarm for alarm in raised if not alarm.test), key=lambda alarm: alarm.since)
