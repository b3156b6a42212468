"""Filters: what LIVE555 is told about each camera."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

FIRST_PORT, PORTS = 20000, 10000
"""Below Linux's range for outgoing connections (32768 and up), so that none of them can sit on a camera's port."""

_AUDITED = ("id", "url", "username", "password", "manufacturer", "width", "height", "audio", "transport")
_HEADER = "# Written by Ansible; changes made here are overwritten.\n"


def live555_port(camera: Mapping[str, Any]) -> int:
    """The TCP port of a camera's LIVE555 on 127.0.0.1: the camera's own ``port``, or one computed from its ``id``.

    The computed port depends on nothing but the id, so a camera keeps it whatever happens to the others.

    Raises:
        AnsibleFilterError: the camera has no id, or its port is not a whole number.
    """
    name = _label(camera)
    port = camera.get("port")
    if port is None:
        return FIRST_PORT + int(hashlib.sha256(name.encode()).hexdigest(), 16) % PORTS
    if isinstance(port, bool) or not isinstance(port, int):
        raise AnsibleFilterError(f"camera {name}: port must be a whole number, like port: 20123 (without quotes)")
    return port


def live555_configurations(cameras: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Text of each camera's configuration file, by file name (``<id>.conf``): ``key=value`` lines.

    Raises:
        AnsibleFilterError: a value holds a line break or another control character; names the camera and the
            key, never the value.
    """
    return {f"{_label(camera)}.conf": _configuration(camera) for camera in cameras}


def camera_for_audit(camera: Mapping[str, Any]) -> dict[str, Any]:
    """What module ``rtsp_probe`` takes of a camera; the rest has nothing to do with its picture."""
    return {key: camera[key] for key in _AUDITED if key in camera}


def _configuration(camera: Mapping[str, Any]) -> str:
    values = {
        "url": camera["url"],
        "username": camera.get("username"),
        "password": camera.get("password"),
        "transport": camera.get("transport", "tcp"),
        "port": live555_port(camera),
    }
    text = _HEADER
    for key, value in values.items():
        if value is None or value == "":
            continue
        if not str(value).isprintable():
            raise AnsibleFilterError(f"camera {_label(camera)}: {key} holds a line break or another control character")
        text += f"{key}={value}\n"
    return text


def _label(camera: Mapping[str, Any]) -> str:
    name = camera.get("id") if isinstance(camera, Mapping) else None
    if not isinstance(name, str) or not name:
        raise AnsibleFilterError("a camera without an id; give it one, like id: front-porch")
    return name


class FilterModule:
    """Tells Ansible which filters this file has."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {
            "live555_port": live555_port,
            "live555_configurations": live555_configurations,
            "camera_for_audit": camera_for_audit,
        }
