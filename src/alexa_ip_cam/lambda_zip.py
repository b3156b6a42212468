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

from alexa_ip_cam.signing import derive_key
from alexa_ip_cam.skill.settings import Camera, SettingsError, parse_settings

HANDLER = "handler.handler"  # what Lambda is told to call

_PACKAGE = Path(__file__).resolve().parent
_ENTRY = _PACKAGE.parents[1] / "lambda" / "handler.py"
_PARTS = ("__init__.py", "signing.py", "alexa", "skill")
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
    inventory: Mapping[str, Any], *, sign_streams: bool, stream_ttl_seconds: int = 300
) -> dict[str, Any]:
    """The skill's settings, made from the inventory's variables.

    Args:
        inventory: `cameras`, `appliance_streams_name`, `appliance_clips_name` and `appliance_signing_key`, templates
            resolved; others are not looked at.
        sign_streams: whether something on the appliance checks signatures of streams (the gateway does).
        stream_ttl_seconds: how long a URL may be opened after it was handed out.

    Raises:
        SettingsError: a variable is missing, or the signing key has another form. `build` checks the cameras.
    """
    key = inventory.get("appliance_signing_key")
    if not isinstance(key, str):
        raise SettingsError("appliance_signing_key must be 64 hexadecimal digits in quotes")
    try:
        stream_key, snapshot_key = derive_key(key, "streams"), derive_key(key, "snapshots")
    except ValueError as problem:
        raise SettingsError(f"appliance_signing_key: {problem}") from None
    try:
        return {
            "streams_name": inventory["appliance_streams_name"],
            "clips_name": inventory["appliance_clips_name"],
            "port": 443,
            "cameras": [
                {field: camera[field] for field in Camera._fields if field in camera} for camera in inventory["cameras"]
            ],
            "sign_streams": sign_streams,
            "stream_key": stream_key.hex(),
            "snapshot_key": snapshot_key.hex()[:40],
            "stream_ttl_seconds": stream_ttl_seconds,
        }
    except KeyError as missing:
        raise SettingsError(f"the inventory has no {missing.args[0]}") from None


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


def _files(settings: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield _ENTRY.name, _ENTRY.read_bytes()
    yield "settings.json", json.dumps(settings, indent=1, sort_keys=True).encode()
    for part in _PARTS:
        path = _PACKAGE / part
        for source in path.rglob("*.py") if path.is_dir() else [path]:
            yield f"{_PACKAGE.name}/{source.relative_to(_PACKAGE).as_posix()}", source.read_bytes()


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    # Stored, not deflated: zlib's output differs between versions, and the whole is some 30 kB.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _TIMESTAMP)
            info.external_attr = _MODE << 16
            info.create_system = _UNIX
            archive.writestr(info, files[name])
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
