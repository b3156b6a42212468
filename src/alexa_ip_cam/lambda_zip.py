"""Builds the zip that AWS Lambda runs: the skill, what it imports, and its settings. Equal inputs, equal bytes.

``python -m alexa_ip_cam.lambda_zip OUT < settings.json`` writes the zip and prints its SHA-256. Settings come by
standard input because they hold keys.
"""

import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from alexa_ip_cam.alexa.lwa import LWA_URL
from alexa_ip_cam.signing import derive_key
from alexa_ip_cam.skill.settings import Camera, SettingsError, parse_settings

HANDLER = "handler.handler"  # what Lambda is told to call

_PACKAGE = Path(__file__).resolve().parent
_ENTRY = _PACKAGE.parents[1] / "lambda" / "handler.py"
_PARTS = ("__init__.py", "media_id.py", "self_check.py", "signing.py", "alexa", "skill")
_APACHE_DIGITS = 40  # of a derived key: what Apache's configuration holds
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
_MODE = 0o100644  # Lambda's user is not the one who unpacks
_UNIX = 3  # who made the zip; decides how the mode is read


def build(settings: Mapping[str, Any], out: Path) -> str:
    """Write the zip, readable by its owner alone because it holds keys, and return its SHA-256 in hexadecimal.

    Args:
        settings: as `alexa_ip_cam.skill.settings.parse_settings` takes them.
        out: where the zip goes; its directory must exist. Replaced in one step.

    Raises:
        SettingsError: the settings cannot be used; nothing has been written.
        OSError: a source cannot be read or the zip not be written.
    """
    parse_settings(settings)
    content = _zip(dict(_files(settings)))
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()


def settings_from_inventory(
    *homes: Mapping[str, Any],
    table: str,
    region: str,
    messaging: Mapping[str, str] | None = None,
    lwa_url: str = LWA_URL,
    store_url: str | None = None,
) -> dict[str, Any]:
    """The skill's settings, made from the inventory's variables.

    Args:
        homes: the variables of each appliance that the skill serves, templates resolved; others are not looked at.
            Required are `cameras`, `appliance_streams_name`, `appliance_clips_name`, `appliance_signing_key` and
            `skill_lwa_client_id`, which all homes share. With defaults: `skill_owners` (Amazon user ids; nobody may
            ask without), `gateway_enabled` (true: streams are signed), `appliance_remote_name` (none), `skill_host`
            (`local`; a camera's own `host` goes before it), `skill_stream_ttl_seconds` (300), `skill_snapshots`
            (true), `skill_media_metadata` (false).
        table: the store's table.
        region: the AWS region of the table.
        messaging: the skill's messaging credentials, `client_id` and `client_secret`, as soon as the skill exists at
            Amazon. Without them AcceptGrant fails, and the log says why.
        lwa_url: of Login with Amazon.
        store_url: of DynamoDB, if it is not the region's own.

    Raises:
        SettingsError: a variable is missing, or the signing key has another form. `build` checks the rest.
    """
    clients = {str(_required(home, "skill_lwa_client_id")) for home in homes}
    if len(clients) != 1:
        raise SettingsError(
            "skill_lwa_client_id must be the same for all homes of a skill, because Alexa links all accounts through "
            "one security profile"
        )
    return {
        "lwa_client_id": clients.pop(),
        "lwa_url": lwa_url,
        "messaging": None if messaging is None else dict(messaging),
        "table": table,
        "region": region,
        "store_url": store_url,
        "sites": [_site(home) for home in homes],
    }


def main() -> int:
    """The command line. Exit status 0, or 1 with one line on standard error."""
    if len(sys.argv) != 2:
        print("usage: python -m alexa_ip_cam.lambda_zip OUT < settings.json", file=sys.stderr)
        return 1
    try:
        settings = json.load(sys.stdin)
        print(build(settings, Path(sys.argv[1])))
    except SettingsError as problem:
        print(f"settings: {problem}", file=sys.stderr)
        return 1
    except ValueError:
        print("settings: standard input is not JSON", file=sys.stderr)
        return 1
    return 0


def _site(home: Mapping[str, Any]) -> dict[str, Any]:
    root = _required(home, "appliance_signing_key")
    if not isinstance(root, str):
        raise SettingsError("appliance_signing_key must be 64 hexadecimal digits in quotes")
    try:
        keys = {purpose: derive_key(root, purpose).hex() for purpose in ("streams", "snapshots", "clips", "media")}
    except ValueError as problem:
        raise SettingsError(f"appliance_signing_key: {problem}") from None
    host = home.get("skill_host", "local")
    return {
        "streams_name": _required(home, "appliance_streams_name"),
        "remote_name": home.get("appliance_remote_name") or None,
        "clips_name": _required(home, "appliance_clips_name"),
        "port": 443,
        "owners": list(home.get("skill_owners") or []),
        "cameras": [_camera(camera, host) for camera in _required(home, "cameras")],
        "sign_streams": home.get("gateway_enabled", True),
        "stream_key": keys["streams"],
        "snapshot_key": keys["snapshots"][:_APACHE_DIGITS],
        "clip_key": keys["clips"][:_APACHE_DIGITS],
        "media_key": keys["media"],
        "stream_ttl_seconds": home.get("skill_stream_ttl_seconds", 300),
        "snapshots": home.get("skill_snapshots", True),
        "media_metadata": home.get("skill_media_metadata", False),
    }


def _camera(camera: Mapping[str, Any], host: object) -> dict[str, Any]:
    known = {"doorbell": False, "host": host, **camera}
    return {field: known[field] for field in Camera._fields if field in known}


def _required(home: Mapping[str, Any], name: str) -> Any:
    if name not in home:
        raise SettingsError(f"the inventory has no {name}")
    return home[name]


def _files(settings: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield _ENTRY.name, _ENTRY.read_bytes()
    yield "settings.json", json.dumps(settings, indent=1, sort_keys=True).encode()
    for part in _PARTS:
        path = _PACKAGE / part
        for source in path.rglob("*.py") if path.is_dir() else [path]:
            yield f"{_PACKAGE.name}/{source.relative_to(_PACKAGE).as_posix()}", source.read_bytes()


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    # Stored, not deflated: zlib's output differs between versions, and the whole is some 60 kB.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _TIMESTAMP)
            info.external_attr = _MODE << 16
            info.create_system = _UNIX
            archive.writestr(info, files[name])
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
