"""What the role writes is what the service takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.config import load_keys, parse
from alexa_ip_cam.events.sources import make_source
from unit.edge.conftest import Render

UNIT = "etc/systemd/system/alexa-ip-cam-events.service"
CAMERA = {"name": "Porch", "manufacturer": "Axis", "model": "P3245", "width": 1280, "height": 720, "url": "rtsp://x/"}
CAMERAS = [
    {**CAMERA, "id": "porch", "audio": "aac", "recordings": {"type": "axis", "path": "/srv/recordings/100%/axis-1"}},
    {**CAMERA, "id": "yard", "name": "Yard", "audio": "none", "recordings": {"type": "command"}},
    {**CAMERA, "id": "garage", "name": "Garage", "audio": "g711"},
]
STORE = {
    "table": "cams",
    "region": "eu-west-1",
    "site": "cams.example.com",
    "access_key_id": "AKIA",
    "secret_access_key": "secret",
}


Written = Callable[..., str]


@pytest.fixture
def written(render: Render) -> Written:
    """Call ``written("template", variable=value)`` and get the file."""

    def run(template: str, **changed: Any) -> str:
        unknown = {
            "__events_store": {},
            "__events_stored": {"stat": {"exists": False}},
            "__events_can_alarm": False,
        }
        return "\n".join(render("events", template, **{"cameras": CAMERAS, **unknown, **changed}))

    return run


def test_the_service_takes_the_configuration(written: Written) -> None:
    config = parse(json.loads(written("etc/alexa-ip-cam/events.json")))
    assert [(camera.id, camera.audio) for camera in config.cameras] == [
        ("porch", "AAC"),
        ("yard", "NONE"),
        ("garage", "AAC"),
    ]
    for camera in config.cameras[:2]:
        assert camera.recordings is not None
        make_source(camera.id, camera.recordings)
    assert config.cameras[2].recordings is None
    assert config.store is None
    assert config.keys_file == Path("/run/credentials/alexa-ip-cam-events.service/keys")
    assert config.endpoints is not None
    assert [one["endpointId"] for one in config.endpoints] == [
        "cams_example_com:porch",
        "cams_example_com:yard",
        "cams_example_com:garage",
    ]


@pytest.mark.parametrize(("announced", "told"), [({}, False), ({"skill_media_metadata": True}, True)])
def test_clips_are_told_where_the_skill_announces_them(
    written: Written, announced: dict[str, bool], told: bool
) -> None:
    config = parse(json.loads(written("etc/alexa-ip-cam/events.json", **announced)))
    assert ("media" in config.interfaces) is told
    assert config.endpoints is not None
    listed = {one["interface"] for endpoint in config.endpoints for one in endpoint["capabilities"]}
    assert ("Alexa.MediaMetadata" in listed) is told
    assert config.interfaces - {"media"} == {"motion", "doorbell", "health", "discovery"}


def test_alarms_are_raised_where_there_is_somebody_to_tell(written: Written) -> None:
    config = parse(json.loads(written("etc/alexa-ip-cam/events.json")))
    assert config.alarm_program == Path("/usr/local/sbin/alexa-ip-cam-alarm")
    lines = written(UNIT, __events_can_alarm=True).splitlines()
    assert "SupplementaryGroups=alexa-recorders alexa-alarm" in lines
    assert any(line.startswith("ReadWritePaths=") and "-/var/lib/alexa-ip-cam-alarm" in line for line in lines)


def test_the_store_comes_in_when_it_is_known(written: Written) -> None:
    text = written("etc/alexa-ip-cam/events.json", __events_store=STORE)
    store = parse(json.loads(text)).store
    assert store is not None
    assert (store.table, store.region, store.url) == ("cams", "eu-west-1", None)
    assert "secret" not in text
    assert "AKIA" not in text
    with_url = written("etc/alexa-ip-cam/events.json", __events_store={**STORE, "endpoint_url": "http://127.0.0.1:1"})
    assert parse(json.loads(with_url)).store == store.__class__(
        "cams", "eu-west-1", store.credentials_file, "http://127.0.0.1:1"
    )


def test_the_keys_are_apart(written: Written, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(written("etc/alexa-ip-cam/events-keys.json"))
    keys = load_keys(tmp_path / "keys")
    text = written("etc/alexa-ip-cam/events.json")
    assert keys.clips not in text
    assert keys.media.hex() not in text
    assert "5a5a5a5a" not in text


def test_the_unit_is_confined(written: Written) -> None:
    lines = written(UNIT).splitlines()
    assert {"NoNewPrivileges=true", "ProtectSystem=strict", "ProtectHome=true"} <= set(lines)
    assert "LoadCredential=keys:/etc/alexa-ip-cam/events-keys.json" in lines
    assert "SupplementaryGroups=alexa-recorders" in lines  # reads what they announce
    assert not any(line.startswith("LoadCredential=store") for line in lines)
    assert not any(line.startswith("ReadOnlyPaths") for line in lines)  # it would hide a share that is mounted later


@pytest.mark.parametrize(
    ("path", "line"), [("/home/ftp/porch", "ProtectHome=read-only"), ("/srv/home/x", "ProtectHome=true")]
)
def test_homes_are_read_only_when_recordings_lie_there(written: Written, path: str, line: str) -> None:
    cameras = [{**CAMERAS[0], "recordings": {"type": "axis", "path": path}}]
    assert line in written(UNIT, cameras=cameras).splitlines()


def test_the_store_and_groups_reach_the_unit(written: Written) -> None:
    lines = written(UNIT, events_groups=["ftp", "motion"], __events_stored={"stat": {"exists": True}}).splitlines()
    assert "LoadCredential=store:/etc/alexa-ip-cam/events-store.json" in lines
    assert "SupplementaryGroups=alexa-recorders ftp motion" in lines
