"""The owner's own camera, given as ``CAMERA=rtsp://user:password@host/path``."""

from __future__ import annotations

import urllib.parse
from typing import Any


class OwnCameraError(Exception):
    """``CAMERA`` is not usable; the message says how to mend it and does not repeat the password."""


def parse(url: str) -> dict[str, Any] | None:
    """The camera in the inventory's form, or None for an empty string; raises OwnCameraError."""
    if not url:
        return None
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OwnCameraError("CAMERA is not a URL; write CAMERA=rtsp://user:password@host/path") from error
    if parts.scheme != "rtsp" or not parts.hostname:
        raise OwnCameraError("CAMERA must begin with rtsp:// and name a host: CAMERA=rtsp://user:password@host/path")
    if (parts.username is None) != (parts.password is None):
        raise OwnCameraError("CAMERA has a user without a password, or the other way round")
    host = f"{parts.hostname}:{port}" if port else parts.hostname
    camera = {
        "id": "own-camera",
        "name": "My Own Camera",
        "url": urllib.parse.urlunsplit(("rtsp", host, parts.path, parts.query, "")),
        "manufacturer": "Unknown",
        "model": "RTSP camera",
        # What it really sends is seen in the report; Alexa only wants a size to choose by.
        "width": 1280,
        "height": 720,
        "audio": "none",
    }
    if parts.username is not None and parts.password is not None:
        camera["username"] = urllib.parse.unquote(parts.username)
        camera["password"] = urllib.parse.unquote(parts.password)
    return camera
