"""Filters: what the skill is told about each home."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from alexa_ip_cam.skill.settings import Camera

# What the skill's settings are made from; keys and passwords go another way or not at all.
_VARIABLES = (
    "appliance_streams_name",
    "appliance_clips_name",
    "appliance_remote_name",
    "gateway_enabled",
    "skill_owners",
    "skill_host",
    "skill_stream_ttl_seconds",
    "skill_snapshots",
    "skill_media_metadata",
)


def skill_home(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an appliance's variables that the skill is made from: ``hostvars['cams'] | skill_home``.

    A camera's address and password stay out of it: they are nobody's business at Amazon.
    """
    home = {name: variables[name] for name in _VARIABLES if name in variables}
    home["cameras"] = [
        {key: camera[key] for key in Camera._fields if key in camera} for camera in variables.get("cameras", [])
    ]
    return home


class FilterModule:
    """Tells Ansible which filters this file has."""

    def filters(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """The filters by name."""
        return {"skill_home": skill_home}
