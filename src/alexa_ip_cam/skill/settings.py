"""The skill's settings: `settings.json` beside the code, rendered from the inventory, checked once."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.alexa.lwa import Client
from alexa_ip_cam.alexa.messages import ENDPOINT_ID, MAX_ENDPOINTS

from . import checks
from .checks import SettingsError
from .names import friendly_name_problem

__all__ = ["Camera", "Settings", "SettingsError", "Site", "load_settings", "parse_settings"]

AUDIO_CODECS = {"none": "NONE", "aac": "AAC", "g711": "G711"}  # the inventory's word: Alexa's word
HOSTS = ("local", "remote")

MIN_TTL_SECONDS = 30  # Alexa hands a URL on within seconds; less would fail on a clock that is a little off
MAX_TTL_SECONDS = 86_400

_CAMERA_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_USER_ID = re.compile(r"amzn1\.account\.[A-Za-z0-9]{1,128}")
_TABLE = re.compile(r"[a-zA-Z0-9_.-]{3,255}")  # "Naming rules" of DynamoDB
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_MAX_MANUFACTURER, _MAX_MODEL = 128, 256  # characters, as Alexa's discovery allows


class Camera(NamedTuple):
    """A camera as Alexa gets to know it.

    `audio` is Alexa's word (NONE, AAC, G711); sizes are in pixels; `host`: which of the site's names its stream has.
    """

    id: str
    name: str
    manufacturer: str
    model: str
    width: int
    height: int
    audio: str
    doorbell: bool
    host: str


class Site(NamedTuple):
    """One home: its appliance, its cameras, and who may see them.

    `cameras` is keyed by endpoint id. `stream_key` (32 bytes), `snapshot_key`, `clip_key` (40 hexadecimal digits) and
    `media_key` (32 bytes) are derived keys; the root key never leaves the controller. `owners` are Amazon user ids.
    `remote_name` is None where no camera has its stream there.
    """

    streams_name: str
    remote_name: str | None
    clips_name: str
    port: int
    owners: frozenset[str]
    cameras: dict[str, Camera]
    sign_streams: bool
    stream_key: bytes
    snapshot_key: str
    clip_key: str
    media_key: bytes
    stream_ttl_seconds: int
    snapshots: bool
    media_metadata: bool


class Settings(NamedTuple):
    """Everything the skill knows.

    `lwa_client_id`: of the security profile that links accounts; tokens for another one are refused. `messaging`: the
    skill's own credentials for events, None until the skill exists at Amazon. `table`, in AWS region `region`:
    the store. `lwa_url` and `store_url` are Amazon's own unless they are simulated (None: the region's DynamoDB).
    """

    lwa_client_id: str
    lwa_url: str
    messaging: Client | None
    table: str
    region: str
    store_url: str | None
    sites: tuple[Site, ...]

    def sites_of(self, user_id: str) -> tuple[Site, ...]:
        """The homes that an Amazon user owns."""
        return tuple(site for site in self.sites if user_id in site.owners)


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

    In it `sites` is a list of objects with exactly the fields of `Site`, there `owners` is a list, `cameras` a list of
    objects with exactly the fields of `Camera`, and keys are hexadecimal. A camera's `audio` is the inventory's word.
    `messaging` is null or an object with `client_id` and `client_secret`.

    Raises:
        SettingsError: a setting is missing, unknown or of another form.
    """
    where = "the settings"
    values = checks.an_object(document, where, Settings._fields)
    if not isinstance(values["sites"], list) or not values["sites"]:
        raise SettingsError("sites must be a list of at least one home")
    sites = tuple(_site(site, f"site {number}") for number, site in enumerate(values["sites"], 1))
    names = [site.streams_name for site in sites]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsError(f"two sites have the streams_name {twice[0]}; give each its own")
    settings = Settings(
        lwa_client_id=checks.text(values, "lwa_client_id", 256, where),
        lwa_url=checks.url(values, "lwa_url", where),
        messaging=None if values["messaging"] is None else _messaging(values["messaging"]),
        table=_matching(values, "table", _TABLE, "a DynamoDB table's name"),
        region=_matching(values, "region", _REGION, "an AWS region such as eu-west-1"),
        store_url=None if values["store_url"] is None else checks.url(values, "store_url", where),
        sites=sites,
    )
    for owner in sorted({owner for site in sites for owner in site.owners}):
        if (count := sum(len(site.cameras) for site in settings.sites_of(owner))) > MAX_ENDPOINTS:
            raise SettingsError(f"{owner} owns {count} cameras; Alexa takes at most {MAX_ENDPOINTS} for one account")
    return settings


def _messaging(value: object) -> Client:
    values = checks.an_object(value, "messaging", Client._fields)
    return Client(*(checks.secret_text(values, key, "messaging") for key in Client._fields))


def _matching(values: Mapping[str, Any], key: str, pattern: re.Pattern[str], what: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise SettingsError(f"the settings: {key} must be {what}, not {value!r}")
    return value


def _site(value: object, where: str) -> Site:
    values = checks.an_object(value, where, Site._fields)
    streams_name = checks.dns_name(values, "streams_name", where)
    where = f"site {streams_name}"
    clips_name = checks.dns_name(values, "clips_name", where)
    remote_name = None if values["remote_name"] is None else checks.dns_name(values, "remote_name", where)
    names = [name for name in (streams_name, clips_name, remote_name) if name]
    if len(set(names)) < len(names):
        raise SettingsError(f"{where}: streams_name, clips_name and remote_name must differ")
    site = Site(
        streams_name=streams_name,
        remote_name=remote_name,
        clips_name=clips_name,
        port=checks.whole_number(values, "port", 1, 65_535, where),
        owners=_owners(values["owners"], where),
        cameras=_cameras(values["cameras"], streams_name, where),
        sign_streams=checks.boolean(values, "sign_streams", where),
        stream_key=bytes.fromhex(checks.hex_key(values, "stream_key", 64, where)),
        snapshot_key=checks.hex_key(values, "snapshot_key", 40, where),
        clip_key=checks.hex_key(values, "clip_key", 40, where),
        media_key=bytes.fromhex(checks.hex_key(values, "media_key", 64, where)),
        stream_ttl_seconds=checks.whole_number(values, "stream_ttl_seconds", MIN_TTL_SECONDS, MAX_TTL_SECONDS, where),
        snapshots=checks.boolean(values, "snapshots", where),
        media_metadata=checks.boolean(values, "media_metadata", where),
    )
    for camera in site.cameras.values():
        if camera.host == "remote" and not remote_name:
            raise SettingsError(
                f"{where}: camera {camera.id} is on the remote host, but the site has none; give it one, or let the "
                "camera's host be local"
            )
    return site


def _owners(value: object, where: str) -> frozenset[str]:
    # None at all is right at first: the log tells the owner's id when somebody has asked.
    if not isinstance(value, list) or not all(isinstance(one, str) and _USER_ID.fullmatch(one) for one in value):
        raise SettingsError(f"{where}: owners must be a list of Amazon user ids, each like amzn1.account.AB12…")
    return frozenset(value)


def _cameras(value: object, streams_name: str, where: str) -> dict[str, Camera]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ENDPOINTS:
        raise SettingsError(f"{where}: cameras must be a list of 1 to {MAX_ENDPOINTS} cameras")
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
    values = checks.an_object(value, where, Camera._fields)
    camera_id = values["id"]
    if not isinstance(camera_id, str) or not _CAMERA_ID.fullmatch(camera_id):
        raise SettingsError(f"{where}: id must be 1 to 32 of a-z, 0-9 and inner hyphens, not {camera_id!r}")
    where = f"camera {camera_id}"
    name = values["name"]
    if not isinstance(name, str):
        raise SettingsError(f"{where}: name must be text, not {name!r}")
    if problem := friendly_name_problem(name):
        raise SettingsError(f"{where}: the name {name!r} {problem}")
    return Camera(
        id=camera_id,
        name=name,
        manufacturer=checks.text(values, "manufacturer", _MAX_MANUFACTURER, where),
        model=checks.text(values, "model", _MAX_MODEL, where),
        width=checks.whole_number(values, "width", 1, 65_535, where),
        height=checks.whole_number(values, "height", 1, 65_535, where),
        audio=AUDIO_CODECS[checks.choice(values, "audio", tuple(AUDIO_CODECS), where)],
        doorbell=checks.boolean(values, "doorbell", where),
        host=checks.choice(values, "host", HOSTS, where),
    )
