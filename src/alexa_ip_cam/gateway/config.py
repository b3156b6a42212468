"""The gateway's configuration file: read, checked strictly, and turned into plain objects."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alexa_ip_cam.gateway.settings import Limits
from alexa_ip_cam.service.checks import (
    Setting,
    a_bool,
    a_choice,
    a_list_of_texts,
    a_number,
    a_path,
    a_whole_number,
    take,
)

_CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_KEY = re.compile(r"[0-9a-f]{64}")
_LISTEN = re.compile(r"([0-9a-zA-Z.:\[\]-]+):([0-9]{1,5})")


class ConfigError(ValueError):
    """The configuration cannot be used; the message says which entry is wrong and what it should be."""


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One camera: its id, its LIVE555 instance, and how it is kept."""

    id: str
    host: str
    port: int
    url: str
    always_warm: bool
    keep_audio: bool


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. Times are seconds, sizes are bytes."""

    listen_host: str
    listen_port: int
    status_socket: Path | None
    status_file: Path | None
    snapshot_dir: Path | None
    snapshot_seconds: float
    require_signature: bool
    stream_keys: tuple[bytes, ...]
    history_seconds: float
    history_floor_seconds: float
    history_cap_seconds: float
    default_start: str
    squeezed_user_agents: tuple[str, ...]
    public_port: int
    limits: Limits
    cameras: tuple[CameraConfig, ...]


def load(path: Path) -> Config:
    """Read and check the file.

    Raises:
        ConfigError: it cannot be read, is not JSON, or an entry is wrong.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid JSON: {error}") from error
    try:
        return parse(document)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse(document: object) -> Config:
    """Check a decoded document.

    Raises:
        ConfigError: an entry is unknown, missing or wrong.
    """
    if not isinstance(document, dict):
        raise ConfigError("the file must hold one JSON object")
    known = {*_SETTINGS, *Limits.settings()}
    if unknown := sorted(set(document) - known):
        raise ConfigError(f"unknown entries: {', '.join(map(str, unknown))}")
    if "cameras" not in document:
        raise ConfigError("cameras: is missing; an empty list is allowed")
    try:
        values = take(document, _SETTINGS)
        limits = Limits(**take(document, Limits.settings()))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if values["require_signature"] and not values["stream_keys"]:
        raise ConfigError("stream_keys: at least one key is needed while require_signature is true")
    if not values["history_floor_seconds"] <= values["history_seconds"] <= values["history_cap_seconds"]:
        raise ConfigError("history_floor_seconds <= history_seconds <= history_cap_seconds must hold")
    values.pop("managed")
    host, port = values.pop("listen")
    return Config(listen_host=host, listen_port=port, limits=limits, **values)


def _listen(value: object) -> tuple[str, int]:
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[2]) > 65535:
        raise ValueError('must be "address:port", such as "127.0.0.1:8554"')
    return match[1].strip("[]"), int(match[2])


def _keys(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or not all(isinstance(key, str) and _KEY.fullmatch(key) for key in value):
        raise ValueError("must be a list of keys of 64 lower-case hexadecimal digits")  # and never shows one
    return tuple(bytes.fromhex(key) for key in value)


def _cameras(value: object) -> tuple[CameraConfig, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    cameras = tuple(_camera(entry, number) for number, entry in enumerate(value, 1))
    ids = [camera.id for camera in cameras]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"each id may stand once; given more often: {', '.join(twice)}")
    return cameras


def _camera(entry: object, number: int) -> CameraConfig:
    if not isinstance(entry, dict):
        raise ValueError(f"number {number} must be an object")
    name = entry.get("id")
    if not isinstance(name, str) or not _CAMERA_ID.fullmatch(name):
        raise ValueError(f"number {number}: id must be 1 to 32 characters of a-z, 0-9 and inner hyphens, not {name!r}")
    settings = {
        "id": Setting(None, lambda value: value),
        "upstream": Setting(None, _upstream),
        "warm": Setting("always", a_choice("always", "on_demand")),
        "audio": Setting("drop", a_choice("keep", "drop")),
    }
    if unknown := sorted(set(entry) - set(settings)):
        raise ValueError(f"{name}: unknown entries: {', '.join(map(str, unknown))}")
    if "upstream" not in entry:
        raise ValueError(f"{name}: upstream is missing")
    try:
        values: dict[str, Any] = take(entry, settings)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    host, port = values["upstream"]
    return CameraConfig(
        id=name,
        host=host,
        port=port,
        url=entry["upstream"],
        always_warm=values["warm"] == "always",
        keep_audio=values["audio"] == "keep",
    )


def _upstream(value: object) -> tuple[str, int]:
    problem = "must be rtsp://address:port/path, without a user name"
    if not isinstance(value, str) or not re.fullmatch(r"rtsp://[!-~]+", value):
        raise ValueError(problem)
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(problem) from None
    if not host or port is None or "@" in parts.netloc or parts.path in {"", "/"}:
        raise ValueError(problem)
    return host, port


_SETTINGS = {
    "managed": Setting(None, lambda value: value),  # a note of who writes the file
    "listen": Setting(("127.0.0.1", 8554), _listen),
    "status_socket": Setting(None, a_path),
    "status_file": Setting(None, a_path),
    "snapshot_dir": Setting(None, a_path),
    "snapshot_seconds": Setting(10.0, a_number(2, 3600)),
    "require_signature": Setting(True, a_bool),
    "stream_keys": Setting((), _keys),
    "history_seconds": Setting(3.2, a_number(1, 10)),
    "history_floor_seconds": Setting(2.3, a_number(0.5, 10)),
    "history_cap_seconds": Setting(4.0, a_number(1, 10)),
    "default_start": Setting("history", a_choice("history", "squeezed")),
    "squeezed_user_agents": Setting(
        ("Lavf", "VLC", "GStreamer", "LIVE555", "go2rtc", "gortsplib", "mediamtx"), a_list_of_texts
    ),
    "public_port": Setting(443, a_whole_number(1, 65535)),
    "cameras": Setting((), _cameras),
}
