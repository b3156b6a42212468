"""Connectivity out of the gateway's status file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from alexa_ip_cam.events.health import DOWN_SECONDS, STALE_SECONDS, UP_SECONDS, Health
from alexa_ip_cam.events.outbox import Outbox

UP, DOWN = {"connected": True, "warm": "always"}, {"connected": False, "warm": "always", "problem": "no route"}
ASLEEP = {"connected": False, "warm": "on_demand", "problem": None}


class Rig:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "status.json"
        self.outbox = Outbox(folder / "events.db", interfaces=["health"])
        self.now = 0.0
        self.health = Health(self.outbox, self.path, monotonic=lambda: self.now)
        self.written = 0

    def keep(self, camera: dict[str, Any] | None, seconds: float) -> None:
        """The gateway writes this for so long; None: it writes nothing any more."""
        for _ in range(int(seconds / 5)):
            if camera is not None:
                self.path.write_text(json.dumps({"cameras": {"porch": camera}}))
                self.written += 1
                os.utime(self.path, (self.written, self.written))
            self.health.look(["porch"])
            self.now += 5

    @property
    def told(self) -> list[str]:
        return [one.body["value"] for one in self.outbox.queue.listed()]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_only_what_lasts_is_told(rig: Rig) -> None:
    rig.keep(UP, UP_SECONDS + 5)
    assert rig.told == ["OK"]
    rig.keep(DOWN, DOWN_SECONDS - 5)
    rig.keep(UP, 30)
    rig.keep(DOWN, DOWN_SECONDS)
    assert rig.told == ["OK"]
    rig.keep(DOWN, 10)
    assert rig.told == ["OK", "UNREACHABLE"]
    rig.keep(UP, UP_SECONDS + 5)
    rig.keep(UP, 100)
    assert rig.told == ["OK", "UNREACHABLE", "OK"]


def test_a_camera_that_sleeps_is_there(rig: Rig) -> None:
    rig.keep(ASLEEP, 300)
    assert rig.told == ["OK"]
    rig.keep({**ASLEEP, "problem": "401"}, 300)
    assert rig.told == ["OK", "UNREACHABLE"]


def test_a_gateway_that_is_gone_takes_its_cameras_along(rig: Rig) -> None:
    rig.keep(UP, 60)
    rig.keep(None, STALE_SECONDS + DOWN_SECONDS + 10)
    assert rig.told == ["OK", "UNREACHABLE"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cameras": 7}', '{"cameras": {"porch": 7}}', '{"cameras": {}}'])
def test_a_file_that_says_nothing(rig: Rig, content: str) -> None:
    rig.path.write_text(content)
    for _ in range(20):
        rig.health.look(["porch"])
        rig.now += 5
    assert rig.told == ["UNREACHABLE"]


def test_no_file(rig: Rig) -> None:
    rig.keep(None, DOWN_SECONDS + 10)
    assert rig.told == ["UNREACHABLE"]
