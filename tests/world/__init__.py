"""One throwaway Debian machine that plays everything outside the appliance: cameras, ACME server, DNS host."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from world.cameras import Camera
    from world.machine import World
    from world.profiles import PROFILES, Profile

__all__ = ["PROFILES", "Camera", "Profile", "World"]

_HOMES = {"Camera": "cameras", "PROFILES": "profiles", "Profile": "profiles", "World": "machine"}


def __getattr__(name: str) -> Any:
    # Loaded on demand: the cameras import this package inside the machine, where the sandbox does not exist.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
