"""Cameras come, change and go without a viewer of another noticing."""

from __future__ import annotations

import concurrent.futures

import pytest

from home import Home
from machine.support import marked, show

pytestmark = pytest.mark.machine


def test_other_viewers_go_on(home: Home) -> None:
    added = dict(home.inventory.cameras[0]) | {"id": "attic", "name": "Attic"}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        watching = pool.submit(show, home, "side-gate", 75.0)
        home.inventory.add_camera(added)
        home.site("--tags", "live555,gateway")
        assert "attic" in running(home)
        home.inventory.cameras[-1]["transport"] = "udp"
        home.site("--tags", "live555,gateway")
        assert show(home, "attic").keyframe_bytes > 0
        home.inventory.remove_camera("attic")
        home.site("--tags", "live555,gateway")
        assert "attic" not in running(home)
        seen = watching.result()
    assert not seen.closed
    numbers = [marked(unit.nals) for unit in seen.access_units]
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))
    leftovers = home.appliance.run(["sh", "-c", "ls /etc/alexa-ip-cam/live555 /etc/systemd/system/*.wants"]).stdout
    assert "attic" not in leftovers


def running(home: Home) -> str:
    units = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active", "live555@*"]
    return home.appliance.run(units).stdout
