"""An inventory with three cameras, the settings made from it, and Alexa talking to the skill in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.lambda_zip import build, settings_from_inventory
from alexa_ip_cam.skill.dispatch import answer
from alexa_ip_cam.skill.settings import Settings, parse_settings
from simulators.amazon.alexa import Alexa


@pytest.fixture
def inventory() -> dict[str, Any]:
    def camera(camera_id: str, name: str, **rest: Any) -> dict[str, Any]:
        plain = {"manufacturer": "Axis", "model": "P3245-V", "width": 1280, "height": 720, "audio": "none"}
        address = {"url": "rtsp://192.0.2.20/media", "username": "viewer", "password": "hush-hush"}
        return {"id": camera_id, "name": name, **plain, **address, **rest}

    return {
        "cameras": [
            camera("front-porch", "Front Porch"),
            camera("back-yard", "Back Yard", audio="aac", width=1920, height=1080),
            camera("den", "The Den", audio="g711"),
        ],
        "appliance_streams_name": "cams.example.com",
        "appliance_clips_name": "clips.example.com",
        "appliance_signing_key": "00112233445566778899aabbccddeeff" * 2,
    }


@pytest.fixture
def document(inventory: dict[str, Any]) -> dict[str, Any]:
    """The settings in the form of settings.json."""
    return settings_from_inventory(inventory, sign_streams=True)


@pytest.fixture
def settings(document: dict[str, Any]) -> Settings:
    return parse_settings(document)


@pytest.fixture
def alexa(settings: Settings) -> Alexa:
    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(json.dumps(answer(json.loads(json.dumps(event)), settings, "request-1")))
        return reply

    return Alexa(invoke)


@pytest.fixture
def archive(document: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "skill.zip"
    build(document, path)
    return path
