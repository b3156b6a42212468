"""The skill's settings: `settings.json` beside the code, rendered from the inventory, checked once."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.alexa.messages import ENDPOINT_ID, MAX_ENDPOINTS

from .names import friendly_name_problem

AUDIO_CODECS = {"none": "NONE", "aac": "AAC", "g711": "G711"}  # the inventory's word: Alexa's word

MIN_TTL_SECONDS = 30  # Alexa hands a URL on within seconds; less would fail on a clock that is a little off
MAX_TTL_SECONDS = 86_400

_CAMERA_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_DNS_NAME = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_MAX_MANUFACTURER, _MAX_MODEL = 128, 256  # characters, as Alexa's discovery allows


class SettingsError(ValueError):
    """The settings cannot be used. The message names the setting and the mend, and never shows a key."""


class Camera(NamedTuple):
    """A camera as Alexa gets to know it. `audio` is Alexa's word (NONE, AAC, G711); sizes are in pixels."""

    id: str
    name: str
    manufacturer: str
    model: str
    width: int
    height: int
    audio: str


class Settings(NamedTuple):
    """Everything the skill knows.

    `cameras` is keyed by endpoint id. `stream_key` (32 bytes) and `snapshot_key` (40 hexadecimal
    digits) are derived keys; the root key never leaves the controller.
    """

    streams_name: str
    clips_name: str
    port: int
    cameras: dict[str, Camera]
    sign_streams: bool
    stream_key: bytes
    snapshot_key: str
    stream_ttl_seconds: int


def load_settings(path: Path) -> Settings:
    """Read and check the settings file.

    Raises:
        SettingsError: it is not JSON, or a setting is missing, unknown or of another form.
        OSError: it cannot be read.
    """
    try:
        document = json.loads(path.read_bytes())
    except ValueError as problem:
        raise SettingsError(f"{path.name} is not JSON: {type(problem).__name__}") from None
    return parse_settings(document)


def parse_settings(document: object) -> Settings:
    """Check settings in the form of the file: an object with exactly the fields of `Settings`.

    In it `cameras` is a list of objects with exactly the fields of `Camera`, `audio` is the inventory's word, and
    `stream_key` is 64 hexadecimal digits.

    Raises:
        SettingsError: a setting is missing, unknown or of another form.
    """
    values = _object(document, "the settings", Settings._fields)
    streams_name = _dns_name(values, "streams_name")
    clips_name = _dns_name(values, "clips_name")
    if streams_name == clips_name:
        raise SettingsError(f"streams_name and clips_name must differ, and both are {streams_name}")
    return Settings(
        streams_name=streams_name,
        clips_name=clips_name,
        port=_whole_number(values, "port", 1, 65_535),
        cameras=_cameras(values["cameras"], streams_name),
        sign_streams=_boolean(values, "sign_streams"),
        stream_key=bytes.fromhex(_hex_key(values, "stream_key", 64)),
        snapshot_key=_hex_key(values, "snapshot_key", 40),
        stream_ttl_seconds=_whole_number(values, "stream_ttl_seconds", MIN_TTL_SECONDS, MAX_TTL_SECONDS),
    )


def _cameras(value: object, streams_name: str) -> dict[str, Camera]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ENDPOINTS:
        raise SettingsError(f"cameras must be a list of 1 to {MAX_ENDPOINTS} cameras")
    cameras: dict[str, Camera] = {}
    called: dict[str, str] = {}
    for number, item in enumerate(value, 1):
        camera = _camera(item, f"camera {number}")
        endpoint = endpoint_id(streams_name, camera.id)
        if not ENDPOINT_ID.fullmatch(endpoint):
            raise SettingsError("streams_name is too long: at most 256 characters together with a camera's id")
        if endpoint in cameras:
            raise SettingsError(f"two cameras have the id {camera.id}; give each its own")
        if other := called.get(camera.name.casefold()):
            raise SettingsError(f"cameras {other} and {camera.id} are both called {camera.name!r}; rename one")
        cameras[endpoint] = camera
        called[camera.name.casefold()] = camera.id
    return cameras


def _camera(value: object, where: str) -> Camera:
    values = _object(value, where, Camera._fields)
    camera_id = values["id"]
    if not isinstance(camera_id, str) or not _CAMERA_ID.fullmatch(camera_id):
        raise SettingsError(f"{where}: id must be 1 to 32 of a-z, 0-9 and inner hyphens, not {camera_id!r}")
    where = f"camera {camera_id}"
    name = values["name"]
    if not isinstance(name, str):
        raise SettingsError(f"{where}: name must be text, not {name!r}")
    if problem := friendly_name_problem(name):
        raise SettingsError(f"{where}: the name {name!r} {problem}")
    audio = values["audio"]
    if not isinstance(audio, str) or audio not in AUDIO_CODECS:
        raise SettingsError(f"{where}: audio must be one of {', '.join(AUDIO_CODECS)}, not {audio!r}")
    return Camera(
        id=camera_id,
        name=name,
        manufacturer=_text(values, "manufacturer", _MAX_MANUFACTURER, where),
        model=_text(values, "model", _MAX_MODEL, where),
        width=_whole_number(values, "width", 1, 65_535, where),
        height=_whole_number(values, "height", 1, 65_535, where),
        audio=AUDIO_CODECS[audio],
    )


def _object(value: object, where: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} must be an object")
    if missing := [key for key in keys if key not in value]:
        raise SettingsError(f"{where}: missing {', '.join(missing)}")
    if unknown := [str(key) for key in value if key not in keys]:
        raise SettingsError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(keys)}")
    return value


def _dns_name(values: Mapping[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not _DNS_NAME.fullmatch(value):
        raise SettingsError(
            f"{key} must be a DNS name in lower case with at least one dot, such as cams.example.com, not {value!r}; "
            "Echo devices refuse IP addresses"
        )
    return value


def _text(values: Mapping[str, Any], key: str, longest: int, where: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise SettingsError(f"{where}: {key} must be 1 to {longest} printable characters, not {value!r}")
    return value


def _whole_number(values: Mapping[str, Any], key: str, low: int, high: int, where: str = "settings") -> int:
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise SettingsError(f"{where}: {key} must be a whole number from {low} to {high}, not {value!r}")
    return value


def _boolean(values: Mapping[str, Any], key: str) -> bool:
    value = values[key]
    if not isinstance(value, bool):
        raise SettingsError(f"{key} must be true or false, not {value!r}")
    return value


def _hex_key(values: Mapping[str, Any], key: str, digits: int) -> str:
    value = values[key]
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]*", value) or len(value) != digits:
        raise SettingsError(f"{key} must be {digits} lower-case hexadecimal digits")
    return value
