"""Judges what several ways have in common: units, disks, the clock, how fresh a status is. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexa_ip_cam.care.machine import Disk, Kept
from alexa_ip_cam.care.steps import Outcome, broken, good

CLOCK_SECONDS = 60.0
"""An HTTP date has whole seconds and takes its time; a stream's URL lives five minutes."""
FREE_MB = 100.0
_STALE_SECONDS = 60.0  # services write their status every five or ten seconds


def unit(state: str, key: str, **known: object) -> Outcome:
    """A unit that should run. One that is just being started again does."""
    return good("runs") if state in ("active", "reloading") else broken(key, state=state, **known)


def clock(offset: float | None) -> Outcome:
    """The clock, by how many seconds it is ahead."""
    if offset is None:
        return good("not compared, because nobody told the time")
    if abs(offset) > CLOCK_SECONDS:
        return broken("clock-wrong", seconds=f"{abs(offset):.0f}")
    return good(f"right within {max(1.0, abs(offset)):.0f} s")


def disk(path: Path, found: Disk) -> Outcome:
    """A disk that services write to."""
    if found.read_only:
        return broken("disk-read-only", path=path)
    if found.free < FREE_MB:
        return broken("disk-full", path=path, free=f"{found.free:.0f}")
    return good(f"{found.free:.0f} MB free")


def status(found: Kept, key: str) -> Outcome:
    """Whether a service still writes its status."""
    if found.content is None or found.age is None:
        return broken(key, age="some time")
    if found.age > _STALE_SECONDS:
        return broken(key, age=f"{found.age:.0f} s")
    return good("runs, and says how it is doing")


def content(found: Kept) -> Mapping[str, Any]:
    """What a status says; nothing when there is none."""
    return found.content or {}
