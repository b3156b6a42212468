"""Signed ways through the gateway, and homes with other cameras than the usual ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from alexa_ip_cam.signing import derive_key, sign_stream
from benchmarks.direct import Way
from benchmarks.viewer import RefusedError, view
from home import Home
from home.inventory import STREAMS_NAME
from world import Profile

_VALID_S = 6 * 3600
_PATIENCE_S = 30.0
_TAGS = ("--tags", "live555,gateway")


def stream_key(home: Home) -> bytes:
    """The key that this home's streams are signed with."""
    return derive_key(home.inventory.secrets["vault_signing_key"], "streams")


def gateway_way(home: Home, camera_id: str) -> Way:
    """What the skill would hand a device, without asking it: valid for six hours."""
    path = sign_stream(stream_key(home), camera_id, int(time.time()) + _VALID_S)
    return Way(f"rtsp://{STREAMS_NAME}:443/{path}", 443)


@contextlib.contextmanager
def only_cameras(home: Home, profiles: Mapping[str, Profile]) -> Iterator[None]:
    """Let the appliance have these cameras and no other; as before at the end."""
    usual = list(home.inventory.cameras)
    for camera_id, profile in profiles.items():
        if camera_id in home.world.cameras:
            home.world.start_camera(camera_id)
        else:
            home.world.add_camera(camera_id, profile, name=camera_id.replace("-", " ").title())
    home.inventory.cameras = []
    for camera_id in profiles:
        home.inventory.add_camera(home.world.cameras[camera_id].inventory())
    for camera in usual:
        home.world.stop_camera(camera["id"])
    try:
        home.site(*_TAGS)
        for camera_id in profiles:
            _wait_for_pictures(home, camera_id)
        yield
    finally:
        for camera in usual:
            home.world.start_camera(camera["id"])
        home.inventory.cameras = usual
        home.site(*_TAGS)
        for camera_id in profiles:
            home.world.stop_camera(camera_id)


def _wait_for_pictures(home: Home, camera_id: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            view(gateway_way(home, camera_id), address=home.appliance.address, roots_pem=home.roots_pem).close()
        except RefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return
