"""LIVE555 and stunnel without the gateway, beside the running appliance: what the gateway is measured against."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from home import Home
from home.inventory import STREAMS_NAME
from sandbox import Machine

# Away from everything the appliance uses; one port per camera and way.
_FIRST_TLS_PORT = 4430
_FIRST_RTSP_PORT = 19500
_CONFIG = "/etc/stunnel/bench-direct.conf"
_UNIT = "bench-direct.service"
_START_S = 10.0


@dataclass(frozen=True)
class Way:
    """One way to a camera: the URI an Echo opens, and the port that it connects to."""

    uri: str
    port: int

    @property
    def host(self) -> str:
        """The server's name for TLS."""
        return urlsplit(self.uri).hostname or ""


@dataclass(frozen=True)
class DirectCamera:
    """A camera's two ways without the gateway.

    ``warm`` joins the LIVE555 instance that the gateway keeps running, ``cold`` one that has no other viewer and has
    therefore paused the camera.
    """

    warm: Way
    cold: Way


@contextlib.contextmanager
def direct(home: Home, camera_ids: list[str]) -> Iterator[dict[str, DirectCamera]]:
    """Run the ways for some cameras; gone again at the end."""
    machine = home.appliance
    cameras: dict[str, DirectCamera] = {}
    services: list[tuple[int, int]] = []
    for number, camera_id in enumerate(camera_ids):
        warm_tls, cold_tls = _FIRST_TLS_PORT + 2 * number, _FIRST_TLS_PORT + 2 * number + 1
        cold_rtsp = _FIRST_RTSP_PORT + number
        services += [(warm_tls, _rtsp_port(machine, camera_id)), (cold_tls, cold_rtsp)]
        _start_cold(machine, camera_id, cold_rtsp)
        cameras[camera_id] = DirectCamera(
            warm=Way(f"rtsp://{STREAMS_NAME}:{warm_tls}/{camera_id}", warm_tls),
            cold=Way(f"rtsp://{STREAMS_NAME}:{cold_tls}/{_cold_name(camera_id)}", cold_tls),
        )
    try:
        for camera_id in camera_ids:
            _wait_described(machine, camera_id)
        _start_stunnel(machine, services)
        yield cameras
    finally:
        machine.run(["systemctl", "stop", *(f"live555@{_cold_name(camera_id)}.service" for camera_id in camera_ids)])
        # It is gone already when it could not start.
        machine.run(["systemctl", "stop", _UNIT], check=False)


def _cold_name(camera_id: str) -> str:
    return f"cold-{camera_id}"


def _conf(camera_id: str) -> str:
    return f"/etc/alexa-ip-cam/live555/{camera_id}.conf"


def _rtsp_port(machine: Machine, camera_id: str) -> int:
    lines = machine.read(_conf(camera_id)).decode().splitlines()
    return int(next(line.partition("=")[2] for line in lines if line.startswith("port=")))


def _start_cold(machine: Machine, camera_id: str, port: int) -> None:
    lines = machine.read(_conf(camera_id)).decode().splitlines()
    changed = [f"port={port}" if line.startswith("port=") else line for line in lines]
    name = _cold_name(camera_id)
    machine.write(_conf(name), "\n".join([*changed, ""]).encode(), 0o600)
    machine.run(["systemctl", "start", f"live555@{name}.service"])


def _wait_described(machine: Machine, camera_id: str) -> None:
    """Before it has heard from its camera what there is, LIVE555 knows no such stream."""
    unit = f"live555@{_cold_name(camera_id)}.service"
    deadline = time.monotonic() + _START_S
    while machine.run(["systemctl", "show", "--property=StatusText", "--value", unit]).stdout != "Camera is there.\n":
        if time.monotonic() > deadline:
            raise RuntimeError(f"{unit} does not reach its camera:\n{machine.journal(unit, 20)}")
        time.sleep(0.05)


def _start_stunnel(machine: Machine, services: list[tuple[int, int]]) -> None:
    # The appliance's own settings and certificate for every connection; only the services differ.
    own = machine.read("/etc/stunnel/alexa-ip-cam.conf").decode()
    settings = own.partition("\n[")[0]
    certificate = "".join(dict.fromkeys(re.findall(r"^(?:cert|key) = .*\n", own, re.MULTILINE)))
    blocks = [f"[s{tls}]\naccept = 0.0.0.0:{tls}\nconnect = 127.0.0.1:{rtsp}\n{certificate}" for tls, rtsp in services]
    machine.write(_CONFIG, "\n".join([settings, *blocks]).encode())
    machine.run(
        ["systemd-run", f"--unit={_UNIT}", "--property=User=stunnel4", "--collect", "/usr/bin/stunnel4", _CONFIG]
    )
    for tls, _ in services:
        _wait_open(machine, tls)


def _wait_open(machine: Machine, port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection((machine.address, port), _START_S).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"port {port} does not open:\n{machine.journal(_UNIT, 20)}") from None
            time.sleep(0.05)
        else:
            return
