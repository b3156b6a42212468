"""Which cameras can be reached, as the gateway's status file tells it; only what lasts is passed on."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexa_ip_cam.events.outbox import Outbox
from alexa_ip_cam.events.states import CONNECTIVITY

DOWN_SECONDS = 60.0
"""A camera that restarts, or a Wi-Fi that hiccups, is back before that."""
UP_SECONDS = 10.0
STALE_SECONDS = 60.0
"""The gateway writes its file every five seconds. An old one: no gateway is there, and without it no camera."""

_log = logging.getLogger(__name__)


class Health:
    """Looks at the file each time it is asked to.

    Args:
        outbox: who is told of changes.
        path: the gateway's status file.
        monotonic: seconds that nobody sets.
    """

    def __init__(self, outbox: Outbox, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._outbox = outbox
        self._path = path
        self._monotonic = monotonic
        self._changed: dict[str, float] = {}  # since when a camera's file says something else than we have told
        self._written = 0
        self._fresh_at = monotonic()

    def look(self, camera_ids: list[str]) -> None:
        """Look once, every few seconds.

        Args:
            camera_ids: the cameras to look after.
        """
        cameras = self._read()
        now = self._monotonic()
        for camera_id in camera_ids:
            value = "OK" if cameras is not None and _is_reached(cameras.get(camera_id)) else "UNREACHABLE"
            state = self._outbox.states.get(camera_id, CONNECTIVITY)
            if state is not None and state.value == value:
                self._changed.pop(camera_id, None)
                continue
            since = self._changed.setdefault(camera_id, now)
            if now - since >= (DOWN_SECONDS if value == "UNREACHABLE" else UP_SECONDS):
                del self._changed[camera_id]
                self._outbox.set_state(camera_id, CONNECTIVITY, value, self._outbox.now())
                _log.info("%s: connectivity %s", camera_id, value)

    def _read(self) -> dict[str, Any] | None:
        """The cameras' part of the file; None when it is not kept any more."""
        try:
            written = self._path.stat().st_mtime_ns
            document = json.loads(self._path.read_bytes())
            cameras = document["cameras"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        # By our own clock: the one on the wall may be set meanwhile.
        if written != self._written:
            self._written, self._fresh_at = written, self._monotonic()
        if self._monotonic() - self._fresh_at > STALE_SECONDS or not isinstance(cameras, dict):
            return None
        return cameras


def _is_reached(camera: object) -> bool:
    if not isinstance(camera, dict):
        return False
    # One that is woken only for a viewer says nothing while it sleeps, unless waking it failed.
    return bool(camera.get("connected")) or (camera.get("warm") == "on_demand" and not camera.get("problem"))
