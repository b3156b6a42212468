"""The world: its machine, and what tests may do to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox import Machine, Network, debian_root
from sandbox.guest import host_nameservers
from world import acme, dns
from world.cameras import GUEST_CLIPS, Camera, make_camera
from world.clips import clips_dir
from world.profiles import PROFILES, Profile

#: Names for which the certbot key may put challenges into the DNS.
CHALLENGE_NAMES = ("example.test", "cams.example.test", "clips.example.test")

_HERE = Path(__file__).resolve().parent
_FIRST_PORT = 8554


class World:
    """A Debian machine with cameras, an ACME server and a DNS host, up on entering the context.

    `number` is the last octet of its address in `net`. `profiles` maps the ids of the cameras that run from the
    start to what they are. Raises SandboxError when the machine, a clip or a service cannot be made.
    """

    def __init__(
        self,
        net: Network,
        number: int = 2,
        *,
        profiles: Mapping[str, Profile] = PROFILES,
        challenge_names: Sequence[str] = CHALLENGE_NAMES,
        alternate_roots: int = 2,
        chain_length: int = 2,
        nonce_reject_percent: int = 5,
    ) -> None:
        self.net = net
        self.cameras: dict[str, Camera] = {}
        self.dns_update_key = dns.new_key("certbot")
        self._owner_key = dns.new_key("owner")
        self._number = number
        self._profiles = profiles
        self._challenge_names = challenge_names
        self._alternate_roots = alternate_roots
        self._pebble_environment = acme.pebble_environment(
            alternate_roots=alternate_roots,
            chain_length=chain_length,
            nonce_reject_percent=nonce_reject_percent,
        )
        self._machine: Machine | None = None
        self._authority: acme.Authority | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._machine = self._authority = None
        self.cameras = {}

    @property
    def machine(self) -> Machine:
        """The machine itself; raises RuntimeError outside the context."""
        if self._machine is None:
            raise RuntimeError("the world is not up: use it in a with statement")
        return self._machine

    @property
    def address(self) -> str:
        """Its IPv4 address, which is also a resolver for any name."""
        return self.net.address(self._number)

    def _start(self) -> None:
        # On first use both take a minute, one mostly reading and writing, the other computing.
        with ThreadPoolExecutor(1) as beside:
            making_root = beside.submit(debian_root, "bookworm", setup=_HERE / "setup.sh")
            started = [self._make_camera(name, profile, profile.name) for name, profile in self._profiles.items()]
            root = making_root.result()
        self._authority = acme.make_authority(self.address)
        self._machine = self._stack.enter_context(
            Machine(
                self.net,
                "world",
                number=self._number,
                root=root,
                binds={clips_dir(): GUEST_CLIPS},
                files=_programs() | {dns.ZONE_FILE: dns.zone_file(self.address)},
            )
        )
        self._write_services(self._authority)
        self.machine.run(["chown", "bind:bind", "/etc/bind/named.conf", dns.ZONE_FILE])
        self._start_cameras(started, "named", "pebble")
        acme.wait_ready(self.address, self._authority.ca_pem)

    def _write_services(self, authority: acme.Authority) -> None:
        named_conf = dns.named_conf(
            forwarders=host_nameservers(),
            clients=str(self.net.subnet),
            certbot=self.dns_update_key,
            owner=self._owner_key,
            challenge_names=self._challenge_names,
        )
        self.machine.write("/etc/bind/named.conf", named_conf, 0o600)
        self.machine.write("/etc/world/pebble.json", acme.pebble_json())
        self.machine.write("/etc/world/pebble.env", self._pebble_environment)
        self.machine.write(acme.CERTIFICATE_FILE, authority.certificate_pem)
        self.machine.write(acme.KEY_FILE, authority.key_pem, 0o600)

    # Cameras

    def inventory_cameras(self) -> list[dict[str, Any]]:
        """Return all cameras as the inventory's `cameras`."""
        return [camera.inventory() for camera in self.cameras.values()]

    def add_camera(self, camera_id: str, profile: Profile, *, name: str | None = None) -> Camera:
        """Start one more camera. Its pictures show `profile.name`; `name` is what the inventory calls it.

        Raises ValueError when the id is taken.
        """
        camera = self._make_camera(camera_id, profile, name or profile.name)
        self._start_cameras([camera])
        return camera

    def add_clones(self, profile_id: str, count: int, *, bitrate_kbps: int | None = None) -> list[Camera]:
        """Start `count` more cameras of a profile, with the ids `<profile_id>-1` and so on from the first free number.

        Those of one bitrate play one clip, each in its own phase. `bitrate_kbps` replaces the profile's.
        """
        profile = self._profiles[profile_id]
        if bitrate_kbps is not None:
            profile = replace(profile, bitrate_kbps=bitrate_kbps)
        free = (number for number in itertools.count(1) if f"{profile_id}-{number}" not in self.cameras)
        clones = [
            self._make_camera(f"{profile_id}-{number}", profile, f"{profile.name} {number}")
            for number in itertools.islice(free, count)
        ]
        self._start_cameras(clones)
        return clones

    def start_camera(self, camera_id: str) -> None:
        """Start a stopped or killed camera; returns once its port is open."""
        self._systemctl("start", camera_id)

    def stop_camera(self, camera_id: str) -> None:
        """End a camera's process in order: its connections are closed, its port answers no more."""
        self._systemctl("stop", camera_id)

    def kill_camera(self, camera_id: str) -> None:
        """End a camera's process by SIGKILL, as when its power goes, but for the kernel's closing of connections."""
        self._signal("KILL", camera_id)
        # Done once systemd has seen the end, so that a start right after is one.
        self._systemctl("stop", camera_id)

    def hang_camera(self, camera_id: str) -> None:
        """Make a camera fall silent: connections stay open and new ones are taken, nothing is answered or sent."""
        self._signal("STOP", camera_id)

    def resume_camera(self, camera_id: str) -> None:
        """Let a hung camera go on, from the present picture."""
        self._signal("CONT", camera_id)

    def _make_camera(self, camera_id: str, profile: Profile, name: str) -> Camera:
        if camera_id in self.cameras:
            raise ValueError(f"there is a camera {camera_id} already")
        port = _FIRST_PORT + len(self.cameras)
        camera = make_camera(camera_id, profile, name=name, address=self.address, port=port)
        self.cameras[camera_id] = camera
        return camera

    def _start_cameras(self, cameras: Sequence[Camera], *services: str) -> None:
        for camera in cameras:
            for path, content in camera.process_files().items():
                self.machine.write(path, content, 0o600)
        self.machine.run(["systemctl", "start", *services, *(f"camera@{camera.id}" for camera in cameras)])

    def _signal(self, name: str, camera_id: str) -> None:
        self._systemctl("kill", camera_id, f"--signal={name}", "--kill-whom=main")

    def _systemctl(self, verb: str, camera_id: str, *options: str) -> None:
        if camera_id not in self.cameras:
            raise KeyError(camera_id)
        self.machine.run(["systemctl", verb, *options, f"camera@{camera_id}"])

    # DNS

    def set_address(self, name: str, address: str | None) -> None:
        """Make `address` the only IPv4 address of `name`, a name in example.test, or take it away; valid at once."""
        dns.replace_records(self.address, self._owner_key, name, "A", [address] if address else [])

    def set_alias(self, name: str, target: str | None) -> None:
        """Make `name` a CNAME to `target`, or take its CNAME away; valid from the return on."""
        dns.replace_records(self.address, self._owner_key, name, "CNAME", [f"{target}."] if target else [])

    @contextmanager
    def frozen_dns(self) -> Iterator[None]:
        """Have the DNS host refuse every change meanwhile."""
        self.machine.run(["rndc", "freeze", dns.ZONE])
        try:
            yield
        finally:
            self.machine.run(["rndc", "thaw", dns.ZONE])

    # ACME

    @property
    def acme_directory(self) -> str:
        """URL of the ACME server's directory; its name resolves through the world's DNS."""
        return f"https://{acme.NAME}:{acme.PORT}/dir"

    def acme_tls_ca_pem(self) -> str:
        """Return the certificate to trust for talking to the ACME server."""
        return self._ca().decode()

    def acme_roots(self) -> list[str]:
        """Return the roots it issues from, in PEM: that of its default chain first, then the alternates."""
        return [
            acme.get(self.address, acme.MANAGEMENT_PORT, f"/roots/{number}", self._ca()).decode()
            for number in range(self._alternate_roots + 1)
        ]

    def acme_root_names(self) -> list[str]:
        """Return the common names of `acme_roots()`; they are other ones in each world."""
        return [acme.common_name(pem) for pem in self.acme_roots()]

    def _ca(self) -> bytes:
        if self._authority is None:
            raise RuntimeError("the world is not up: use it in a with statement")
        return self._authority.ca_pem


def _programs() -> dict[str, bytes]:
    """Return the cameras' program and the units, by path in the machine."""
    sources = [_HERE / name for name in ("__init__.py", "clip.py", "sei.py")]
    sources += sorted((_HERE / "camera").glob("*.py"))
    programs = {f"/usr/local/lib/world/world/{path.relative_to(_HERE)}": path for path in sources}
    units = {f"/etc/systemd/system/{path.name}": path for path in sorted((_HERE / "units").iterdir())}
    return {inside: path.read_bytes() for inside, path in (programs | units).items()}
