"""Amazon's side of a test home: what demo, machine tests and benchmarks speak to. No machine is started."""

from pathlib import Path

import pytest

from home import Home
from home.inventory import Inventory
from simulators.amazon.alexa import RefusedError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home("unit", tmp_path)
    home.inventory = Inventory(tmp_path / "inventory", address="192.0.2.1", ssh_args=[])
    home.inventory.add_camera(
        {
            "id": "front-porch",
            "name": "Front Porch",
            "url": "rtsp://192.0.2.20/media",
            "username": "viewer",
            "password": "hush-hush",
            "manufacturer": "Axis",
            "model": "P3245-V",
            "width": 1280,
            "height": 720,
            "audio": "none",
        }
    )
    return home


def test_the_family_speaks_with_an_account_that_is_linked(home: Home) -> None:
    with home.alexa() as alexa:
        stream = alexa.show(alexa.find("the front porch camera"))
        assert stream.uri.startswith("rtsp://cams.example.test:443/front-porch/")
        alexa.token = "Atza|somebody"
        with pytest.raises(RefusedError, match="INVALID_AUTHORIZATION_CREDENTIAL"):
            alexa.discover()


def test_without_the_gateway_nothing_is_signed(home: Home) -> None:
    with home.alexa(sign_streams=False) as alexa:
        assert alexa.show(alexa.find("front porch")).uri == "rtsp://cams.example.test:443/front-porch"
