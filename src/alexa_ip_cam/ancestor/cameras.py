"""The cameras of the ancestor's ``config.json``, in the form of our inventory."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from alexa_ip_cam.ancestor.shell_files import Stream

_AUDIO = {"NONE": "none", "AAC": "aac", "G711": "g711"}
_STREAM = re.compile(r"/proxyStream(?:-(\d+))?")
_ID_MAX = 32
_HTTPS_PORT = 443


class Carried:
    """What came of the cameras: ``cameras`` for the inventory, ``passwords`` for its vault, ``problems`` in words."""

    def __init__(self) -> None:
        self.cameras: list[dict[str, Any]] = []
        self.passwords: dict[str, str] = {}
        self.hosts: set[str] = set()
        self.used: set[int] = set()
        self.problems: list[str] = []


def carry(described: Sequence[Any], streams: Sequence[Stream], recordings_base: str) -> Carried:
    """Put each camera together from its description, the proxy's stream and the folder of its recordings.

    Args:
        described: ``cameras`` of ``config.json``.
        streams: of ``proxy-start.sh``, in their order.
        recordings_base: ``recordings.recordingsBasePath``; each camera's folder is this and its ``manufacturerId``.
    """
    carried = Carried()
    for number, one in enumerate(described, 1):
        label = f"camera {number}"
        if not isinstance(one, Mapping):
            carried.problems.append(f"{label} is no object; correct config.json")
            continue
        name = one.get("friendlyName")
        if isinstance(name, str) and name.strip():
            label += f" ({name.strip()})"
        else:
            carried.problems.append(f"{label} has no friendlyName; give it one")
            continue
        problems = list(_problems(one, len(streams)))
        camera_id = _id(name)
        if not camera_id or camera_id in {camera["id"] for camera in carried.cameras}:
            problems.append("its friendlyName makes no id that no other camera has; change it")
        carried.problems += [f"{label}: {problem}" for problem in problems]
        if not problems:
            _add(carried, one, camera_id, streams, recordings_base)
    return carried


def _add(
    carried: Carried, one: Mapping[str, Any], camera_id: str, streams: Sequence[Stream], recordings_base: str
) -> None:
    uri = urlsplit(one["uri"])
    index = _index(uri.path)
    stream = streams[index - 1]
    carried.hosts.add(uri.hostname or "")
    carried.used.add(index)
    camera: dict[str, Any] = {"id": camera_id, "name": " ".join(one["friendlyName"].split()), "url": stream.url}
    if stream.username:
        variable = f"vault_{camera_id.replace('-', '_')}_password"
        carried.passwords[variable] = stream.password
        camera |= {"username": stream.username, "password": f"{{{{ {variable} }}}}"}
    camera |= {
        "manufacturer": one.get("manufacturerName") or "unknown",
        "model": one.get("modelName") or "unknown",
        "width": one["resolutions"][0]["width"],
        "height": one["resolutions"][0]["height"],
        "audio": _AUDIO[(one.get("audioCodecs") or ["NONE"])[0]],
    }
    if one.get("manufacturerId") and recordings_base:
        camera["recordings"] = {"type": "axis", "path": recordings_base + one["manufacturerId"]}
    carried.cameras.append(camera)


def _problems(one: Mapping[str, Any], streams: int) -> Iterator[str]:
    sizes = one.get("resolutions")
    if not (isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], Mapping) and _is_size(sizes[0])):
        yield "resolutions must hold the one width and height that its stream has"
    video, audio = one.get("videoCodecs", ["H264"]), one.get("audioCodecs", ["NONE"])
    if video != ["H264"]:
        yield "videoCodecs must be H264 alone: Echo devices play nothing else that a camera sends"
    if not (isinstance(audio, list) and len(audio) == 1 and audio[0] in _AUDIO):
        yield f"audioCodecs must be one of {', '.join(_AUDIO)}"
    maker = one.get("manufacturerId", "")
    if maker and not (isinstance(maker, str) and re.fullmatch(r"axis-[0-9A-Fa-f]{12}", maker)):
        yield (
            "its manufacturerId is none of an Axis camera (axis- and 12 hexadecimal digits), so that its recordings"
            " cannot be carried over; empty it, and see docs/recordings.md afterwards"
        )
    yield from _uri_problems(one.get("uri"), streams)


def _uri_problems(value: object, streams: int) -> Iterator[str]:
    uri = urlsplit(value) if isinstance(value, str) else None
    if uri is None or uri.scheme != "rtsp" or not uri.hostname or not _STREAM.fullmatch(uri.path):
        yield "its uri must be rtsp://NAME:443/proxyStream-N, by which its URL in proxy-start.sh is found"
        return
    if uri.port != _HTTPS_PORT:
        yield "its uri must have port 443: Echo devices take no other"
    if not 1 <= _index(uri.path) <= streams:
        yield f"its uri names {uri.path[1:]}, and proxy-start.sh has {streams} URLs; correct one of them"


def _index(path: str) -> int:
    match = _STREAM.fullmatch(path)
    return int(match[1] or 1) if match else 0


def _is_size(size: Mapping[str, Any]) -> bool:
    return all(isinstance(size.get(side), int) and size[side] > 0 for side in ("width", "height"))


def _id(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug.removesuffix("-camera")[:_ID_MAX].strip("-")
