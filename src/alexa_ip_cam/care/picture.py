"""The way of a picture: camera, LIVE555, gateway, port 443, the name. One way for each camera."""

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alexa_ip_cam.care import judge_machine, machine, names, stream
from alexa_ip_cam.care.audit import Audit, Finding
from alexa_ip_cam.care.machine import Kept
from alexa_ip_cam.care.names import Answers
from alexa_ip_cam.care.settings import Camera, Settings
from alexa_ip_cam.care.steps import Outcome, Step, broken, good
from alexa_ip_cam.care.stream import Seen
from alexa_ip_cam.proof import served
from alexa_ip_cam.proof.served import Look
from alexa_ip_cam.proof.settings import Settings as Port
from alexa_ip_cam.signing import sign_stream

_URL_SECONDS = 120
_CONNECT_SECONDS = 3.0
_STATUS = Path("alexa-ip-cam-gateway/status.json")


class Picture:
    """Goes the way of each camera's pictures.

    Args:
        settings: of the self-check.
        port: where port 443 is, and the roots that count.
        audit: looks at a camera.
        clock: judges the clock; shared, because one question is enough.
    """

    def __init__(self, settings: Settings, port: Port, audit: Audit, clock: Callable[[], Outcome]) -> None:
        self._settings, self._port, self._audit, self._clock = settings, port, audit, clock

    def steps(self, camera: Camera) -> list[Step]:
        """The steps, in the order in which a picture goes; the name last, because all names share what is before."""
        return [
            Step("camera", lambda: self._camera(camera)),
            Step("live555", lambda: self._live555(camera)),
            Step("front", lambda: self._front(camera)),
            Step("clock", self._clock),
            Step("stunnel", lambda: judge_machine.unit(machine.unit_state("stunnel@alexa-ip-cam"), "stunnel-stopped")),
            Step("tls", lambda: self._tls(camera)),
            Step("stream", lambda: self._stream(camera)),
            Step("name", lambda: self._name(camera)),
        ]

    def _status(self, camera: Camera) -> Mapping[str, Any]:
        """What the gateway says of the camera, if it says so now."""
        kept = machine.kept(self._settings.run / _STATUS) if self._settings.gateway else Kept(None, None)
        if judge_machine.status(kept, "gateway-silent").key:
            return {}
        found = judge_machine.content(kept).get("cameras", {}).get(camera.id)
        return found if isinstance(found, dict) else {}

    def _camera(self, camera: Camera) -> Outcome:
        status = self._status(camera)
        if is_asleep(status):
            return good("sleeps until somebody watches")
        if status.get("connected"):
            # By LIVE555, which has its pictures: some cameras take no second connection.
            found = of_pictures(self._audit(f"rtsp://127.0.0.1:{camera.port}/{camera.id}", "", "", camera.inventory))
            if found:
                return findings(found)
        conf = live555_conf(self._settings.etc / "live555" / f"{camera.id}.conf")
        url, user, password = conf["url"], conf.get("username", ""), conf.get("password", "")
        return findings(self._audit(url, user, password, camera.inventory, transport=conf.get("transport", "tcp")))

    def _live555(self, camera: Camera) -> Outcome:
        unit = judge_machine.unit(machine.unit_state(f"live555@{camera.id}"), "live555-stopped", camera=camera.id)
        if unit.key:
            return unit
        try:
            socket.create_connection(("127.0.0.1", camera.port), timeout=_CONNECT_SECONDS).close()
        except OSError as error:
            return broken("live555-silent", camera=camera.id, port=camera.port, what=error)
        return unit

    def _front(self, camera: Camera) -> Outcome:
        if not self._settings.gateway:
            return judge_machine.unit(machine.unit_state("haproxy"), "haproxy-stopped")
        unit = judge_machine.unit(machine.unit_state("alexa-ip-cam-gateway"), "gateway-stopped")
        return unit if unit.key else gateway(machine.kept(self._settings.run / _STATUS), camera.id)

    def _tls(self, camera: Camera) -> Outcome:
        port = self._port
        return tls(served.look(port.address, port.port, self._settings.name_of(camera), port.roots), port)

    def _stream(self, camera: Camera) -> Outcome:
        path = camera.id
        if self._settings.gateway:
            key = bytes.fromhex(stream_keys(self._settings.etc / "gateway.json")[0])
            path = sign_stream(key, camera.id, int(time.time()) + _URL_SECONDS)
        uri = f"rtsp://{self._settings.name_of(camera)}:443/{path}"
        return picture(stream.look(self._port.address, self._port.port, uri, self._port.roots), camera.id)

    def _name(self, camera: Camera) -> Outcome:
        name = self._settings.name_of(camera)
        # A name for devices outside leads to the router, which nobody can see from here.
        return address(name, names.ask(name), public=name == self._settings.remote_name)


def is_asleep(status: Mapping[str, Any]) -> bool:
    """Whether a camera is woken only for a viewer, and nobody watches."""
    asleep = status.get("warm") == "on_demand" and not status.get("connected")
    return asleep and status.get("problem") in (None, "", "nobody watches")


def findings(found: list[Finding]) -> Outcome:
    """The audit's worst finding, or what it thinks well of."""
    for finding in found:
        if finding.level == "fails":
            return broken("camera", what=finding.text, mend=finding.mend[:1].upper() + finding.mend[1:])
    return good("; ".join(finding.text for finding in found if finding.level == "works") or "fits Echo devices")


# What LIVE555 hands on as the camera sent it. How it is reached, and how fast, is its own.
_OF_PICTURES = {"codec", "parameter-sets", "profile", "level", "b-frames", "size", "fps", "gop", "keyframe", "audio"}


def of_pictures(found: list[Finding]) -> list[Finding]:
    """What can be said of a camera by way of LIVE555; nothing when LIVE555 itself has trouble."""
    if any(finding.level == "fails" and finding.key in ("reachable", "path", "protocol") for finding in found):
        return []
    return [finding for finding in found if finding.key in _OF_PICTURES]


def gateway(kept: Kept, camera_id: str) -> Outcome:
    """What the gateway says of a camera."""
    silent = judge_machine.status(kept, "gateway-silent")
    if silent.key:
        return silent
    camera = judge_machine.content(kept).get("cameras", {}).get(camera_id)
    if not isinstance(camera, dict):
        return broken("gateway-camera-unknown")
    if is_asleep(camera):
        return good("wakes the camera for a viewer")
    if not camera.get("connected"):
        return broken("gateway-no-stream", camera=camera_id, problem=camera.get("problem") or "it has just begun")
    return good(f"has the last {float(camera.get('buffered_seconds') or 0):.1f} s")


# The first that OpenSSL's words fit counts.
_REFUSALS = (
    ("has expired", "certificate-expired"),
    ("not yet valid", "certificate-not-yet"),
    ("mismatch", "certificate-names"),
    ("TLS", "tls-refused"),
)


def tls(look: Look, port: Port) -> Outcome:
    """Whether an Echo would connect."""
    if not look.reached:
        return broken("port-closed", port=port.port, address=port.address, what=look.problem)
    if look.problem:
        key = next((key for words, key in _REFUSALS if words in look.problem), "certificate-chain")
        return broken(key, name=look.name, what=look.problem)
    return good("an Echo connects")


def picture(seen: Seen, camera_id: str) -> Outcome:
    """Whether a viewer gets a picture."""
    if seen.problem:
        return broken("stream-broken", what=seen.problem)
    if seen.status != 200:
        return broken("stream-refused", status=seen.status)
    if seen.seconds is None:
        return broken("stream-no-picture", camera=camera_id, seconds=f"{stream.PICTURE_SECONDS:.0f}")
    return good(f"first picture after {seen.seconds:.2f} s")


def address(name: str, answers: Answers, *, public: bool) -> Outcome:
    """Whether a device finds the appliance by its name."""
    if not answers.here:
        own = [one for one in answers.own or () if is_at_home(one)]
        return broken("name-filtered", name=name, own=", ".join(own)) if own else broken("name-missing", name=name)
    shown = ", ".join(answers.here)
    if public:
        return good(f"{name} leads to {shown}")
    if not all(map(is_at_home, answers.here)):
        return broken("name-public", name=name, addresses=shown)
    if set(answers.ours) != set(answers.here):
        return broken("name-elsewhere", name=name, addresses=shown)
    if answers.six:
        return broken("name-ipv6", name=name, addresses=", ".join(answers.six))
    return good(f"{name} leads to {shown}, which is this machine")


# RFC 1918. Python calls more than these private, which no router gives out at home.
_HOME = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def is_at_home(address: str) -> bool:
    """Whether an IPv4 address is one of a home network."""
    return any(ipaddress.ip_address(address) in network for network in _HOME)


def live555_conf(path: Path) -> dict[str, str]:
    """LIVE555's file of a camera.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if "url" not in values:
        raise ValueError(f"{path} has no url")
    return values


def stream_keys(path: Path) -> list[str]:
    """The keys of streams' URLs, newest first, in hexadecimal.

    Raises:
        ValueError: the gateway's configuration cannot be read.
    """
    keys = (machine.kept(path).content or {}).get("stream_keys")
    if not isinstance(keys, list) or not keys:
        raise ValueError(f"{path} has no stream_keys")
    return [str(key) for key in keys]
