"""Run one camera: `python3 -m world.camera <id>`; its settings are in a file only root can read."""

from __future__ import annotations

import json
import os
import socket
import sys
from fractions import Fraction
from pathlib import Path

from world.camera.schedule import phase_ns
from world.camera.server import Access, CameraServer
from world.camera.tracks import Track, Video, audio_track
from world.clip import Clip

_SETTINGS = Path("/etc/world/cameras")


def _tell_systemd_ready() -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", address.replace("@", "\0", 1) if address.startswith("@") else address)


def main() -> None:
    """Serve the camera named by the only argument."""
    camera_id = sys.argv[1]
    settings = json.loads((_SETTINGS / f"{camera_id}.json").read_text())
    video = Video(
        clip=Clip.load(Path(settings["video"])),
        rate=Fraction(settings["fps"]),
        parameter_sets=settings["parameter_sets"],
        aggregate=settings["aggregate"],
    )
    tracks: list[Track] = [video]
    if settings["audio"] != "none":
        tracks.append(audio_track(settings["audio"], Path(settings["sound"])))
    CameraServer(
        port=settings["port"],
        path=settings["path"],
        tracks=tracks,
        access=Access(settings["auth"], settings["username"], settings["password"]),
        phase=phase_ns(camera_id),
        ready=_tell_systemd_ready,
    ).run()


main()
