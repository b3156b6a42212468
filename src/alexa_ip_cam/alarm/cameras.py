"""Watches the gateway's status file: which cameras have been gone for an hour, and whether the gateway itself is."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexa_ip_cam.alarm.board import Board
from alexa_ip_cam.alarm.files import read_json, write_json

GONE_SECONDS = 3_600.0
STALE_SECONDS = 120.0
"""The gateway writes its status every 5 s; older than this, it does not run or hangs."""

_GATEWAY = "gateway"
_CAMERA = "camera-"


def is_asleep(camera: Mapping[str, Any]) -> bool:
    """Whether a camera that is not connected, by the gateway's status, is so because nobody watches it."""
    return camera.get("warm") == "on_demand" and camera.get("problem") in (None, "nobody watches")


def troubles(status: Mapping[str, Any] | None) -> dict[str, str]:
    """What is wrong just now, by alarm key; `status` is what the gateway wrote, None when that is missing or old.

    An on-demand camera that nobody watches is well as far as anybody knows.
    """
    if status is None:
        return {_GATEWAY: "the gateway does not run, so no camera can be shown"}
    found = {}
    for name, camera in status.get("cameras", {}).items():
        if not camera.get("connected") and not is_asleep(camera):
            problem = camera.get("problem") or "it has not answered yet"
            found[f"{_CAMERA}{name}"] = f"camera {name} gives no pictures ({problem})"
    return found


def lasting(now_wrong: Mapping[str, str], since: Mapping[str, float], now: float) -> dict[str, float]:
    """Since when each trouble lasts, given what was known before; times in Unix seconds, never in the future."""
    return {key: min(since.get(key, now), now) for key in now_wrong}


def texts(now_wrong: Mapping[str, str], since: Mapping[str, float], now: float) -> dict[str, str]:
    """The alarms to be raised, by key: what has lasted for an hour."""
    found = {}
    for key, text in now_wrong.items():
        if now - since[key] < GONE_SECONDS:
            continue
        if key == _GATEWAY:
            mend = "Look at: journalctl -u alexa-ip-cam-gateway; run site.yml again."
        else:
            name = key.removeprefix(_CAMERA)
            mend = (
                f"Look whether it has power and network, and whether its address and password are still those of the"
                f" inventory: journalctl -u live555@{name}. Live view of the others goes on."
            )
        found[key] = f"{text} for an hour or longer. {mend}"
    return found


def watch(status_file: Path, board: Board, memory: Path) -> None:
    """Look once, and raise and clear what follows from it.

    Raises:
        OSError: the board or the memory cannot be written.
    """
    now = time.time()
    now_wrong = troubles(_read(status_file, now))
    known = {key: float(value) for key, value in read_json(memory).items() if isinstance(value, int | float)}
    since = lasting(now_wrong, known, now)
    if since != known:
        write_json(memory, since)
    wanted = texts(now_wrong, since, now)
    for key, text in wanted.items():
        board.raise_alarm(key, text)
    for key in board.alarms():
        # While the gateway is gone nobody knows about the cameras; their alarms stay as they are.
        watched = key == _GATEWAY or (key.startswith(_CAMERA) and _GATEWAY not in now_wrong)
        if watched and key not in now_wrong:
            board.clear(key)


def _read(status_file: Path, now: float) -> dict[str, Any] | None:
    try:
        age = now - status_file.stat().st_mtime
    except OSError:
        return None
    return read_json(status_file) if age < STALE_SECONDS else None
