"""The check itself: all ways are gone, several at a time."""

import functools
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.care import judge_machine, machine
from alexa_ip_cam.care.audit import Audit, audit
from alexa_ip_cam.care.certificate import Certificate
from alexa_ip_cam.care.event import Event
from alexa_ip_cam.care.picture import Picture
from alexa_ip_cam.care.settings import Settings
from alexa_ip_cam.care.skill import Skill
from alexa_ip_cam.care.steps import Outcome, Way, go
from alexa_ip_cam.proof import settings as proof_settings

_AT_A_TIME = 4  # ways; each is mostly waited for


class Result(NamedTuple):
    """The ways as they were gone, and what the next check needs to know of the queue."""

    ways: Sequence[Way]
    progress: Mapping[str, Any]


def check(settings: Settings, before: Mapping[str, Any], audit: Audit = audit) -> Result:
    """Go all ways.

    Args:
        settings: of the self-check.
        before: what `remembered` gave.
        audit: looks at a camera.

    Raises:
        ValueError: the proof's settings, which say where port 443 is, cannot be read.
    """
    port = proof_settings.load(settings.etc / "proof.json")

    @functools.cache
    def clock() -> Outcome:
        return judge_machine.clock(machine.clock_offset(settings.clock_url))

    clock()  # before the threads, so that it is asked once
    picture = Picture(settings, port, audit, clock)
    event = Event(settings, before.get("progress", {})) if settings.events else None
    wanted = [("picture", camera.id, picture.steps(camera)) for camera in settings.cameras]
    if event is not None:
        wanted.append(("event", "", event.steps()))
    wanted.append(("certificate", "", Certificate(settings, port, clock).steps()))
    if settings.skill:
        wanted.append(("skill", "", Skill(settings).steps()))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        ways = list(pool.map(lambda way: go(*way), wanted))
    return Result(ways, event.progress() if event is not None else {})


def remembered(path: Path) -> dict[str, Any]:
    """What the timer's last check left; empty before the first, and when it is damaged."""
    try:
        kept = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
