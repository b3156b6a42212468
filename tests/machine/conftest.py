"""One whole home, shared by all tests of the running appliance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from home import Home
from machine.support import Runs
from world import PROFILES, Camera


@pytest.fixture(scope="session")
def virgin_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose appliance is still a bare Debian. Tests take `built`, which builds it."""
    with Home("test", tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def runs(virgin_home: Home) -> Runs:
    """Check mode on the bare machine, then the real run, then the same again."""
    check = virgin_home.site("--check", "--diff")
    return Runs(check, virgin_home.site("--diff"), virgin_home.site("--diff"))


@pytest.fixture
def home(virgin_home: Home, runs: Runs) -> Home:
    """The home with its appliance built."""
    assert runs.second.failed == 0
    return virgin_home


@pytest.fixture(scope="session")
def unfit(virgin_home: Home) -> dict[str, Camera]:
    """Cameras of the world that no Echo shows: of High profile, and with ten seconds between keyframes. Not started."""
    fit, world = PROFILES["front-porch"], virgin_home.world
    cameras = {
        "high": world.add_camera("high", dataclasses.replace(fit, h264_profile="high", gops=3)),
        "long": world.add_camera("long", dataclasses.replace(fit, fps=10, gop=100, gops=2)),
    }
    for camera_id in cameras:
        world.stop_camera(camera_id)
    return cameras
