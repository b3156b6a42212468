"""A camera that is gone: from the gateway's own status to the owner."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from home import Home

pytestmark = pytest.mark.machine

CAMERA = "side-gate"
KEY = f"camera-{CAMERA}"


def wait_until_connected(home: Home, wanted: bool) -> None:
    """Wait until the gateway says that of the camera."""
    deadline = time.monotonic() + 60
    while True:
        status: dict[str, Any] = json.loads(home.appliance.read("/run/alexa-ip-cam-gateway/status.json"))
        if status["cameras"][CAMERA]["connected"] is wanted:
            return
        assert time.monotonic() < deadline, status["cameras"][CAMERA]
        time.sleep(0.5)


def look(home: Home) -> str:
    """Have the watch look, as its timer does every five minutes; returns what is raised."""
    home.appliance.run(["systemctl", "start", "alexa-ip-cam-alarm-cameras.service"])
    return home.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout


def test_the_owner_is_told_of_a_camera_that_is_gone_for_an_hour_and_that_it_is_back(home: Home) -> None:
    home.world.stop_camera(CAMERA)
    try:
        wait_until_connected(home, False)
        assert KEY not in look(home)
        # An hour goes by.
        memory = json.dumps({KEY: time.time() - 3700}).encode()
        home.appliance.write("/var/lib/alexa-ip-cam-alarm/cameras.json", memory)
        raised = look(home)
        assert f"{KEY}, since " in raised
        assert f"camera {CAMERA} gives no pictures" in raised
        assert f"journalctl -u live555@{CAMERA}" in raised
    finally:
        home.world.start_camera(CAMERA)
    wait_until_connected(home, True)
    assert KEY not in look(home)
    home.appliance.run(["systemctl", "start", "alexa-ip-cam-alarm.service"])
    told = home.appliance.journal("alexa-ip-cam-alarm.service")
    assert told.count(f"camera {CAMERA} gives no pictures") == 2
    assert "well again" in told
