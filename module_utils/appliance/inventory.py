"""The owner's inventory, checked as a whole: every problem in one list, each with the mend.

Pure of Ansible. A value that Ansible could not work out arrives as ``Unresolved``, so that one missing password
variable hides no other problem.
"""

from __future__ import annotations

import collections
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence

from ansible.module_utils.appliance.camera_rules import (
    Camera,
    Unresolved,
    camera_problems,
    is_camera_id,
    is_port,
    spoken_form,
    unresolved,
)

ENDPOINTS_MAX = 300
"""Endpoints in one answer to Alexa's discovery."""

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_KEY_MEND = "make one with: openssl rand -hex 32"

PortOf = Callable[[str], int]
"""Gives the port that a camera id gets when the camera names none."""


def cameras_problems(cameras: object, port_of: PortOf, reserved_ports: Mapping[int, str]) -> list[str]:
    """Problems of the list ``cameras``.

    Args:
        cameras: the list as the inventory has it.
        port_of: gives the port that an id gets by itself.
        reserved_ports: ports of the appliance's other services, and what has them.
    """
    if isinstance(cameras, Unresolved):
        return [unresolved("cameras", cameras)]
    if not isinstance(cameras, Sequence) or isinstance(cameras, str):
        return ["cameras must be a list; begin each camera with a hyphen, as inventory.example does"]
    if not cameras:
        return ["cameras is empty; describe at least one camera"]
    problems = []
    if len(cameras) > ENDPOINTS_MAX:
        problems.append(f"cameras has {len(cameras)} entries; Alexa takes at most {ENDPOINTS_MAX}, remove some")
    whole: list[tuple[str, Camera]] = []
    for number, camera in enumerate(cameras, start=1):
        label = _label(number, camera)
        if isinstance(camera, Unresolved):
            problems.append(f"{label}: {unresolved('it', camera)}")
        elif isinstance(camera, Mapping):
            whole.append((label, camera))
            problems += [f"{label}: {problem}" for problem in camera_problems(camera)]
        else:
            problems.append(f"{label}: it is not a mapping; write key: value lines, as inventory.example does")
    return problems + _same_ids(whole) + _same_names(whole) + _same_ports(whole, port_of, reserved_ports)


def camera_listeners(cameras: object, port_of: PortOf) -> dict[str, str]:
    """Where LIVE555 listens for each camera whose id and port are right, by what messages call it: ``camera <id>``."""
    places = [_place(camera, port_of) for camera in cameras] if isinstance(cameras, list) else []
    return {f"camera {place[0]}": f"127.0.0.1:{place[1]}" for place in places if place}


def names_problems(streams_name: object, clips_name: object) -> list[str]:
    """Problems of ``appliance_streams_name`` and ``appliance_clips_name``."""
    problems = _domain_problems("appliance_streams_name", streams_name, "cams.example.com")
    problems += _domain_problems("appliance_clips_name", clips_name, "clips.example.com")
    if not problems and streams_name == clips_name:
        problems.append(
            "appliance_streams_name and appliance_clips_name are the same; stunnel tells live view from recordings by "
            "the name, so give two, such as cams.example.com and clips.example.com"
        )
    return problems


def keys_problems(key: object, previous: object) -> list[str]:
    """Problems of ``appliance_signing_key`` and ``appliance_signing_key_previous``; never quotes them."""
    problems = []
    if isinstance(key, Unresolved):
        problems.append(unresolved("appliance_signing_key", key))
    elif not _is_key(key):
        problems.append(
            "appliance_signing_key must be text of 64 hexadecimal digits (0-9, a-f); take the line of "
            f"inventory.example, or {_KEY_MEND}"
        )
    if isinstance(previous, Unresolved):
        problems.append(unresolved("appliance_signing_key_previous", previous))
    elif previous != "" and not _is_key(previous):
        problems.append(
            'appliance_signing_key_previous must be "" or the 64 hexadecimal digits of the key before; set it to ""'
        )
    elif previous == key:
        problems.append(
            "appliance_signing_key_previous is the same as appliance_signing_key; make a new key, or set the previous "
            'one to ""'
        )
    return problems


def _label(number: int, camera: object) -> str:
    """What the owner knows a camera by: its id where it has a readable one, and its place in the list where not."""
    name = camera.get("id") if isinstance(camera, Mapping) else None
    if is_camera_id(name):
        return f"camera {name}"
    if isinstance(name, str) and name:
        return f"camera number {number}, {name[:40]!r}"
    return f"camera number {number}"


def _same_ids(cameras: Sequence[tuple[str, Camera]]) -> list[str]:
    ids = collections.Counter(name for _, camera in cameras if isinstance(name := camera.get("id"), str))
    return [
        f"camera {name}: {count} cameras have this id; give each its own, because it names the stream"
        for name, count in ids.items()
        if count > 1
    ]


def _same_names(cameras: Sequence[tuple[str, Camera]]) -> list[str]:
    seen: dict[str, str] = {}
    problems = []
    for label, camera in cameras:
        name = camera.get("name")
        if not isinstance(name, str):
            continue
        spoken = spoken_form(name)
        if spoken in seen:
            problems.append(f"{label}: its name sounds the same as that of {seen[spoken]}; Alexa needs two names")
        seen.setdefault(spoken, label)
    return problems


def _same_ports(cameras: Sequence[tuple[str, Camera]], port_of: PortOf, reserved: Mapping[int, str]) -> list[str]:
    taken = {port: f"the appliance's {what}" for port, what in reserved.items()}
    ids = set()
    problems = []
    for label, camera in cameras:
        place = _place(camera, port_of)
        if place is None or place[0] in ids:
            continue
        name, port = place
        ids.add(name)
        if port in taken:
            mend = "give it a free one with port:, such as 20123"
            problems.append(f"{label}: its port {port} is that of {taken[port]}; {mend}")
        taken.setdefault(port, label)
    return problems


def _place(camera: object, port_of: PortOf) -> tuple[str, int] | None:
    """Id and port of a camera; None when one of them is wrong."""
    if not isinstance(camera, Mapping):
        return None
    name, own = camera.get("id"), camera.get("port")
    if not isinstance(name, str) or not is_camera_id(name):
        return None
    if own is None:
        return name, port_of(name)
    return (name, own) if isinstance(own, int) and is_port(own) else None


def _domain_problems(variable: str, value: object, example: str) -> list[str]:
    if isinstance(value, Unresolved):
        return [unresolved(variable, value)]
    if not isinstance(value, str) or not value:
        return [f"{variable} is empty or not text; give a DNS name of your own, such as {example}"]
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        pass
    else:
        mend = f"certificates are for names, so make a DNS name that points to it, such as {example}"
        return [f"{variable} is the IP address {value}; {mend}"]
    labels = value.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(labels) < 2 or len(value) > 253:
        mend = f"write it in small letters without scheme, port or final dot, such as {example}"
        return [f"{variable} is {value!r}, which is no full DNS name; {mend}"]
    if not labels[-1].strip("0123456789"):
        return [f"{variable} is {value!r}, whose last part is a number; give a DNS name, such as {example}"]
    return []


def _is_key(value: object) -> bool:
    return isinstance(value, str) and _KEY.fullmatch(value) is not None
