"""The events service's configuration file: read, checked strictly, and turned into plain objects.

It holds no secrets, only where they are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alexa_ip_cam.alexa.lwa import LWA_URL
from alexa_ip_cam.alexa.messages import ENDPOINT_ID
from alexa_ip_cam.service.checks import Setting, a_choice, a_number, a_path, take

REGIONS = ("NA", "EU", "FE")
INTERFACES = ("media", "motion", "doorbell", "health", "discovery")
"""What Alexa can be told: MediaMetadata, MotionSensor, DoorbellEventSource, EndpointHealth, proactive discovery."""

# "Send Events to the Alexa Event Gateway": Europe's serves India too, the Far East's Australia.
EVENT_GATEWAYS = {
    "NA": "https://api.amazonalexa.com/v3/events",
    "EU": "https://api.eu.amazonalexa.com/v3/events",
    "FE": "https://api.fe.amazonalexa.com/v3/events",
}

_CAMERA_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_DNS_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_AWS_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,255}")
_HEX = re.compile(r"[0-9a-f]*")


class ConfigError(ValueError):
    """The configuration cannot be used; the message says which entry is wrong and what it should be."""


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """One camera.

    `audio`: what its clips have, as Alexa calls it (NONE, AAC). `recordings`: the source's own settings, None for a
    camera without recordings, of which only health is told.
    """

    id: str
    audio: str
    recordings: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The skill's store: a DynamoDB table. `credentials_file`: JSON with ``access_key_id`` and ``secret_access_key``.

    `url`: of another DynamoDB than the region's own; None in life.
    """

    table: str
    region: str
    credentials_file: Path
    url: str | None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file.

    `keep_days` and `keep_disk_percent`: clips are deleted, oldest first, when they are older or the disk that holds
    them is fuller. `url_seconds`: how long a clip's URL that Alexa is told is good. `endpoints`: the cameras as the
    skill's discovery lists them (`skill.discovery.endpoints`); Alexa is told what has changed of them. None: it is not.
    `alarm_program`: what raises and clears alarms (``alexa-ip-cam-alarm``); None: nobody is told but the log.
    """

    streams_name: str
    clips_name: str
    database: Path
    clips_dir: Path
    keys_file: Path
    tokens_file: Path
    store: StoreConfig | None
    interfaces: frozenset[str]
    keep_days: float
    keep_disk_percent: float
    url_seconds: float
    messages_per_second: float
    rescan_seconds: float
    gateway_status_file: Path | None
    endpoints: tuple[Mapping[str, Any], ...] | None
    status_file: Path | None
    metrics_file: Path | None
    alarm_program: Path | None
    lwa_url: str
    event_gateways: Mapping[str, str]
    cameras: tuple[CameraConfig, ...]

    @property
    def oldest(self) -> timedelta:
        """Recordings that are already older when first seen get no clip: it would be deleted at once."""
        return timedelta(days=self.keep_days)


@dataclass(frozen=True, slots=True)
class Keys:
    """The derived keys of purposes `clips` (40 hexadecimal digits, as Apache takes it) and `media`."""

    clips: str
    media: bytes


def load(path: Path) -> Config:
    """Read and check the file.

    Raises:
        ConfigError: it cannot be read, is not JSON, or an entry is wrong.
    """
    try:
        return parse(_json(path))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def load_keys(path: Path) -> Keys:
    """Read the file of keys: a JSON object with `clips` (40 hexadecimal digits) and `media` (64).

    Raises:
        ConfigError: it cannot be read, or is of another form. Never shows a key.
    """
    document = _json(path)
    for name, digits in (("clips", 40), ("media", 64)):
        value = document.get(name) if isinstance(document, dict) else None
        if not isinstance(value, str) or len(value) != digits or not _HEX.fullmatch(value):
            raise ConfigError(f"{path}: {name} must be {digits} lower-case hexadecimal digits")
    return Keys(document["clips"], bytes.fromhex(document["media"]))


def parse(document: object) -> Config:
    """Check a decoded document.

    Raises:
        ConfigError: an entry is unknown, missing or wrong.
    """
    if not isinstance(document, dict):
        raise ConfigError("the file must hold one JSON object")
    if unknown := sorted(set(document) - set(_SETTINGS)):
        raise ConfigError(f"unknown entries: {', '.join(map(str, unknown))}")
    if missing := [name for name in _REQUIRED if name not in document]:
        raise ConfigError(f"missing entries: {', '.join(missing)}")
    try:
        values = take(document, _SETTINGS)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    values.pop("managed")
    return Config(**values)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        raise ConfigError(f"{path} is not valid JSON") from None  # its text may hold a key


def _name(pattern: re.Pattern[str], what: str) -> Any:
    def check(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"must be {what}, not {value!r}")
        return value

    return check


def _file(value: object) -> Path:
    path = a_path(value)
    if path is None:
        raise ValueError("must be an absolute path")
    return path


def _url(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"https?://[!-~]+", value) and urlsplit(value).hostname:
        return value.rstrip("/")
    raise ValueError("must be an http or https URL")


def _interfaces(value: object) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one in INTERFACES for one in value):
        raise ValueError(f"must be a list of some of: {', '.join(INTERFACES)}")
    return frozenset(value)


def _event_gateways(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value) <= set(REGIONS):
        raise ValueError(f"must be an object with URLs for {', '.join(REGIONS)}")
    return EVENT_GATEWAYS | {region: _url(url) for region, url in value.items()}


def _object(value: object, settings: dict[str, Setting], optional: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    if unknown := sorted(set(value) - set(settings)):
        raise ValueError(f"unknown entries: {', '.join(map(str, unknown))}")
    if missing := [name for name in settings if name not in value and name not in optional]:
        raise ValueError(f"missing entries: {', '.join(missing)}")
    return take(value, settings)


def _store(value: object) -> StoreConfig | None:
    if value is None:
        return None
    settings = {
        "table": Setting(None, _name(_AWS_NAME, "a table's name")),
        "region": Setting(None, _name(_AWS_NAME, "an AWS region")),
        "credentials_file": Setting(None, _file),
        "url": Setting(None, _url),
    }
    return StoreConfig(**_object(value, settings, ("url",)))


def _cameras(value: object) -> tuple[CameraConfig, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list")
    cameras = []
    for number, entry in enumerate(value, 1):
        try:
            cameras.append(CameraConfig(**_object(entry, _CAMERA_SETTINGS, ("audio", "recordings"))))
        except ValueError as error:
            raise ValueError(f"number {number}: {error}") from error
    ids = [camera.id for camera in cameras]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"each id may stand once; given more often: {', '.join(twice)}")
    return tuple(cameras)


def _recordings(value: object) -> Mapping[str, Any] | None:
    # Its content is the source's own affair: `sources.make_source` checks it.
    if value is not None and not isinstance(value, dict):
        raise ValueError("must be an object, or null")
    return value


def _endpoints(value: object) -> tuple[Mapping[str, Any], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and isinstance(name := one.get("endpointId"), str) and ENDPOINT_ID.fullmatch(name)
        for one in value
    ):
        raise ValueError("must be a list of objects, each with an endpointId")
    return tuple(value)


_CAMERA_SETTINGS = {
    "id": Setting(None, _name(_CAMERA_ID, "1 to 32 characters of a-z, 0-9 and inner hyphens")),
    "audio": Setting("NONE", a_choice("NONE", "AAC")),
    "recordings": Setting(None, _recordings),
}
_DNS = _name(_DNS_NAME, "a DNS name in lower case")
_REQUIRED = ("streams_name", "clips_name", "database", "clips_dir", "keys_file", "tokens_file", "cameras")
_SETTINGS = {
    "managed": Setting(None, lambda value: value),  # a note of who writes the file
    "streams_name": Setting(None, _DNS),
    "clips_name": Setting(None, _DNS),
    "database": Setting(None, _file),
    "clips_dir": Setting(None, _file),
    "keys_file": Setting(None, _file),
    "tokens_file": Setting(None, _file),
    "store": Setting(None, _store),
    "interfaces": Setting(frozenset(INTERFACES), _interfaces),
    "keep_days": Setting(30.0, a_number(0.01, 36_500)),
    "keep_disk_percent": Setting(80.0, a_number(1, 99)),
    "url_seconds": Setting(600.0, a_number(60, 86_400)),
    "messages_per_second": Setting(5.0, a_number(0.1, 1000)),
    "rescan_seconds": Setting(60.0, a_number(1, 3600)),
    "gateway_status_file": Setting(None, a_path),
    "endpoints": Setting(None, _endpoints),
    "status_file": Setting(None, a_path),
    "metrics_file": Setting(None, a_path),
    "alarm_program": Setting(None, a_path),
    "lwa_url": Setting(LWA_URL, _url),
    "event_gateways": Setting(EVENT_GATEWAYS, _event_gateways),
    "cameras": Setting((), _cameras),
}
