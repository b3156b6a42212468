"""From the family's sentence to the picture, through port 443, for every camera."""

from __future__ import annotations

import asyncio
import time

import pytest

from alexa_ip_cam.signing import derive_key, sign_stream
from home import Home
from home.inventory import STREAMS_NAME
from machine.support import marked, show
from simulators.echo.fatal import FatalCheck
from simulators.echo.session import EchoSession
from world.clip import Clip, nal_type

pytestmark = pytest.mark.machine

KEYFRAME = 5


@pytest.mark.parametrize("camera_id", ["front-porch", "driveway", "back-garden", "side-gate"])
def test_every_camera_shows_its_picture(home: Home, camera_id: str) -> None:
    camera = home.world.cameras[camera_id]
    seen = show(home, camera_id)
    facts = seen.png(home.directory / f"{camera_id}.png")
    assert (facts.codec, facts.width, facts.height) == ("h264", camera.width, camera.height)
    assert seen.faults == []
    assert seen.fatal is None


@pytest.mark.parametrize("camera_id", ["front-porch", "back-garden"])
def test_pictures_arrive_byte_for_byte(home: Home, camera_id: str) -> None:
    """Every slice that the camera sent, keyframes of 350 to 400 kB among them."""
    clip = Clip.load(home.world.cameras[camera_id].clip)
    seen = show(home, camera_id, seconds=5)
    numbered = [unit for unit in seen.access_units if unit.complete and marked(unit.nals)]
    assert len(numbered) > 60
    for unit in numbered:
        number = marked(unit.nals)
        assert number is not None
        slices = [nal for nal in unit.nals if nal_type(nal) in {1, KEYFRAME}]
        assert slices == [nal for nal in clip.nals(number) if nal_type(nal) in {1, KEYFRAME}]
    numbers = [marked(unit.nals) for unit in numbered]
    assert numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(numbers)))


def stream_uri(token: str) -> str:
    return f"rtsp://{STREAMS_NAME}:443/{token}"


def test_a_url_without_a_good_signature_opens_nothing(home: Home) -> None:
    """Unsigned, altered, expired and another camera's URLs look just like a camera that does not exist."""
    key = derive_key(home.inventory.secrets["vault_signing_key"], "streams")
    soon, past = int(time.time()) + 60, int(time.time()) - 1
    good = sign_stream(key, "front-porch", soon)
    altered = good[:-1] + ("0" if good[-1] != "0" else "1")
    for_another = good.replace("front-porch", "driveway")
    refused = ["front-porch", altered, sign_stream(key, "front-porch", past), for_another, "no-such-camera"]
    assert refusal(home, good) is None
    assert {token: refusal(home, token) for token in refused} == dict.fromkeys(
        refused, "DESCRIBE answered 404 Not Found"
    )


def refusal(home: Home, token: str) -> str | None:
    """Why an Echo cannot open this stream; None when it can."""

    async def try_to_open() -> str | None:
        session = EchoSession(stream_uri(token), address=home.appliance.address, port=443, roots_pem=home.roots_pem)
        try:
            await session.open()
        except FatalCheck as refused:
            return refused.reason
        finally:
            await session.close(teardown=False)
        return None

    return asyncio.run(try_to_open())
