"""A machine with nothing but the role live555 on it, and a world with cameras."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from home import playbook
from machine.proxy_process import free_port
from machine.rtsp_probe import RtspProbe
from sandbox import Machine
from world import World, sei
from world.clip import Clip

PLAY = [{"hosts": "all", "gather_facts": True, "roles": [{"role": "live555"}]}]
OWNED = ("/etc", "/usr/local", "/var/cache/alexa-ip-cam")


@dataclasses.dataclass
class Rig:
    """The world, the appliance, and the variables of the next run."""

    world: World
    appliance: Machine
    folder: Path
    variables: dict[str, Any]

    def apply(self, *arguments: str, **changes: Any) -> playbook.Recap:
        """Run the role with the variables and these changes, which hold for this run only."""
        inventory = self.folder / "hosts.json"
        inventory.touch(mode=0o600)
        host = {
            "ansible_host": self.appliance.address,
            "ansible_user": "root",
            "ansible_ssh_common_args": " ".join(self.appliance.ssh_args),
            **self.variables,
            **changes,
        }
        inventory.write_text(json.dumps({"all": {"hosts": {"appliance": host}}}))
        play = self.folder / "play.yml"
        play.write_text(json.dumps(PLAY))
        return playbook.run(inventory, *arguments, playbook=str(play))

    def cameras(self, *names: str) -> list[dict[str, Any]]:
        """Cameras of the world as the inventory has them, by id."""
        return [camera for camera in self.world.inventory_cameras() if camera["id"] in names]

    def port(self, camera_id: str) -> int:
        """Where the camera's LIVE555 listens, as its own configuration says."""
        text = self.appliance.read(f"/etc/alexa-ip-cam/live555/{camera_id}.conf").decode()
        return int(text.split("\nport=")[1])

    def pid(self, camera_id: str) -> str:
        """The process of the camera's instance."""
        return self.shown(camera_id, "MainPID")

    def shown(self, camera_id: str, name: str) -> str:
        """A property of the camera's unit."""
        unit = f"live555@{camera_id}.service"
        return self.appliance.run(["systemctl", "show", "--value", f"--property={name}", unit]).stdout.strip()

    def state(self) -> str:
        """Everything that a run could change: files, packages and running instances."""
        find = ["find", *OWNED, "-printf", "%p %m %s %T@\n"]
        units = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "live555@*"]
        return "".join(self.appliance.run(argv).stdout for argv in (find, ["dpkg", "-l"], units))

    @contextlib.contextmanager
    def tunnel(self, camera_id: str) -> Iterator[int]:
        """A port of this machine that leads to the camera's LIVE555 on the appliance's loopback."""
        local = free_port()
        forward = f"127.0.0.1:{local}:127.0.0.1:{self.port(camera_id)}"
        argv = ["ssh", "-S", "none", *self.appliance.ssh_args, "-N", "-o", "ExitOnForwardFailure=yes", "-L", forward]
        with subprocess.Popen([*argv, f"root@{self.appliance.address}"]) as process:
            try:
                _wait_for_port(local)
                yield local
            finally:
                process.terminate()

    def keyframe(self, camera_id: str, seconds: float = 8) -> tuple[bytes, bytes]:
        """One keyframe's slice as a viewer of LIVE555 gets it, and as the camera sent it."""
        clip = Clip.load(self.world.cameras[camera_id].clip)
        with self.tunnel(camera_id) as local, RtspProbe("127.0.0.1", local, camera_id) as probe:
            probe.start()
            marks: dict[int, int] = {}
            for timestamp, nal in probe.nal_units(seconds):
                if (mark := sei.parse(nal)) is not None:
                    marks[timestamp] = mark[0]
                elif nal[0] & 0x1F == 5 and timestamp in marks:
                    return nal, next(sent for sent in clip.nals(marks[timestamp]) if sent[0] & 0x1F == 5)
        raise AssertionError(f"no whole keyframe of {camera_id} came within {seconds} s")


def frame_numbers(probe: RtspProbe, seconds: float) -> list[int]:
    """The numbers of the pictures that come."""
    found = (sei.parse(nal) for _, nal in probe.nal_units(seconds))
    return [mark[0] for mark in found if mark is not None]


def seconds_until_media(local: int, camera_id: str, limit: float) -> float:
    """Ask as a viewer does that was disconnected, again and again, until the first picture is there."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        with contextlib.suppress(OSError, AssertionError), RtspProbe("127.0.0.1", local, camera_id, 2) as probe:
            probe.start()
            if next(probe.nal_units(2), None) is not None:
                return time.monotonic() - begun
        time.sleep(0.1)
    raise AssertionError(f"no media within {limit} s")


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the tunnel did not open"
            time.sleep(0.05)
        else:
            return
