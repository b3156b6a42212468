"""Every bad input stops site.yml before anything changes, and says which camera, what is wrong and how to mend it.

A bare machine of its own: what the run would have changed shows best where nothing has been done yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from home.inventory import Inventory
from home.playbook import PlaybookError, Recap, run
from sandbox import Machine, Network, debian_root, suite_from_env

pytestmark = pytest.mark.machine

# Paths that change by themselves while nobody does anything: state of the running system, its clock and its log.
RESTLESS = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/log/journal",
    "/var/lib/systemd",
    "/etc/resolv.conf",
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with (
        Network("badinput") as network,
        Machine(network, "bare", number=10, root=debian_root(suite_from_env())) as bare,
    ):
        yield bare


@pytest.fixture
def inventory(tmp_path: Path, machine: Machine) -> Inventory:
    """A right inventory of two cameras; each test spoils it in one place."""
    made = Inventory(tmp_path / "inventory", address=machine.address, ssh_args=machine.ssh_args)
    made.secrets["vault_dns_secret"] = "c2VjcmV0"
    made.variables.update(
        certbot_email="owner@example.test",
        certbot_server="https://acme.example.test/dir",
        certbot_dns_plugin="rfc2136",
        certbot_dns_credentials={
            "dns_rfc2136_server": "192.0.2.53",
            "dns_rfc2136_name": "key",
            "dns_rfc2136_secret": "{{ vault_dns_secret }}",
            "dns_rfc2136_algorithm": "HMAC-SHA512",
        },
    )
    for camera_id, name in (("front-porch", "Front Porch"), ("garage", "Garage")):
        made.add_camera(
            {
                "id": camera_id,
                "name": name,
                "url": "rtsp://192.0.2.20/stream",
                "username": "viewer",
                "password": "hunter2-never-shown",
                "manufacturer": "Axis",
                "model": "P1",
                "width": 1280,
                "height": 720,
                "audio": "none",
            }
        )
    return made


def state(machine: Machine) -> set[str]:
    """Every file with its size, mode, owner and time, every package and every listening port."""
    prune = " -o ".join(f"-path {path}" for path in RESTLESS)
    find = f"find / -xdev \\( {prune} \\) -prune -o ! -type d -printf '%p %s %m %U:%G %T@\\n'"
    script = f"{find}; find / -xdev \\( {prune} \\) -prune -o -type d -printf '%p %m %U:%G\\n'; dpkg -l; ss -Htln"
    return set(machine.run(["sh", "-c", script]).stdout.splitlines())


def test_the_snapshot_sees_a_change(machine: Machine) -> None:
    before = state(machine)
    machine.write("/etc/alexa-ip-cam-probe", b"")
    try:
        assert state(machine) != before
    finally:
        machine.run(["rm", "/etc/alexa-ip-cam-probe"])


def refused(inventory: Inventory, machine: Machine, *arguments: str) -> str:
    """Run site.yml, which must fail and leave the machine as it was; gives what was printed."""
    inventory.write()
    before = state(machine)
    with pytest.raises(PlaybookError) as caught:
        run(inventory.directory, *arguments)
    assert state(machine) == before
    recap: Recap = caught.value.recap
    assert recap.changed == 0
    assert "hunter2-never-shown" not in recap.output
    return recap.output


def duplicate_id(inventory: Inventory) -> None:
    inventory.cameras[1]["id"] = "front-porch"


def unsafe_id(inventory: Inventory) -> None:
    inventory.cameras[1]["id"] = "../garage"


def other_url(inventory: Inventory) -> None:
    inventory.cameras[1]["url"] = "http://192.0.2.20/stream"


def missing_password_variable(inventory: Inventory) -> None:
    del inventory.secrets["vault_garage_password"]


def address_as_domain(inventory: Inventory) -> None:
    inventory.variables["appliance_streams_name"] = "192.168.1.10"


def misspelt_key(inventory: Inventory) -> None:
    inventory.cameras[1]["hight"] = inventory.cameras[1].pop("height")


def switch_as_text(inventory: Inventory) -> None:
    inventory.variables["gateway_enabled"] = "false"


def misspelt_variable(inventory: Inventory) -> None:
    inventory.variables["certbot_emial"] = inventory.variables.pop("certbot_email")


def clips_that_the_skill_does_not_announce(inventory: Inventory) -> None:
    inventory.variables["events_interfaces"] = ["media", "motion"]


CASES = {
    duplicate_id: ["camera front-porch: 2 cameras have this id; give each its own"],
    unsafe_id: ["camera number 2, '../garage': id must be text of 1 to 32", "write one like front-porch"],
    other_url: ["camera garage: url must begin with rtsp://, not http://; give the camera's RTSP address"],
    missing_password_variable: [
        "camera garage: password",
        "the variable vault_garage_password, which is not defined; define it",
    ],
    address_as_domain: ["appliance_streams_name is the IP address 192.168.1.10;", "make a DNS name"],
    misspelt_key: ["camera garage: hight is no key of a camera; did you mean height?"],
    misspelt_variable: [
        "certbot_email is missing; set it in the inventory",
        "certbot_emial is no variable of the role certbot; did you mean certbot_email?",
    ],
    clips_that_the_skill_does_not_announce: [
        "events_interfaces has media, but the skill announces no recordings",
        "set skill_media_metadata to true, or",
    ],
    switch_as_text: ["gateway_enabled must be true or false without quotes"],
}


@pytest.mark.parametrize("spoil", CASES, ids=lambda spoil: spoil.__name__)
def test_bad_inventory(inventory: Inventory, machine: Machine, spoil: object) -> None:
    assert callable(spoil)
    spoil(inventory)
    output = refused(inventory, machine)
    assert [part for part in CASES[spoil] if part not in output] == []
    assert "PLAY [Set the appliance up]" not in output


def test_all_problems_are_told_at_once_whatever_the_tag(inventory: Inventory, machine: Machine) -> None:
    together = (other_url, missing_password_variable, address_as_domain, misspelt_key, switch_as_text)
    for spoil in together:
        spoil(inventory)
    output = refused(inventory, machine, "--tags", "certbot", "-vvv", "--diff")
    assert [part for spoil in together for part in CASES[spoil] if part not in output] == []


@contextlib.contextmanager
def taken(machine: Machine, port: int, unit: str = "owners-program.service") -> Iterator[None]:
    """Something that listens on a port, as a service of that name."""
    machine.run(["systemd-run", f"--unit={unit}", "python3", "-m", "http.server", "--directory=/proc", str(port)])
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection((machine.address, port), timeout=1):
            break
        assert time.monotonic() < deadline, machine.journal(unit)
        time.sleep(0.05)
    try:
        yield
    finally:
        machine.run(["systemctl", "stop", unit])


@pytest.mark.parametrize(("port", "who"), [(443, "stunnel"), (8554, "the stream front"), (8080, "Apache")])
def test_a_port_that_is_taken_names_the_program(inventory: Inventory, machine: Machine, port: int, who: str) -> None:
    with taken(machine, port):
        output = refused(inventory, machine)
    assert f"the machine: {who} needs port {port}, which is taken by python3 (process " in output
    assert ", owners-program.service); " in output


def test_a_cameras_port_that_is_taken_names_the_camera(inventory: Inventory, machine: Machine) -> None:
    inventory.cameras[1]["port"] = 20123
    with taken(machine, 20123):
        output = refused(inventory, machine)
    assert "the machine: camera garage needs port 20123, which is taken by python3" in output
    assert "give the camera another with port:" in output


def test_our_own_services_may_have_their_ports(inventory: Inventory, machine: Machine) -> None:
    """As on every run but the first."""
    inventory.cameras[1]["port"] = 20123
    inventory.write()
    ours = {443: "stunnel@alexa-ip-cam", 8554: "alexa-ip-cam-gateway", 8080: "apache2", 20123: "live555@back-yard"}
    with contextlib.ExitStack() as stack:
        for port, unit in ours.items():
            stack.enter_context(taken(machine, port, f"{unit}.service"))
        run(inventory.directory, "--tags", "preflight")


def test_a_right_inventory_passes_and_changes_nothing(inventory: Inventory, machine: Machine) -> None:
    inventory.write()
    before = state(machine)
    recap = run(inventory.directory, "--tags", "preflight")
    assert recap.changed == 0
    assert state(machine) == before
    # Nothing here answers for the names, which is no reason to stop.
    assert "[WARNING]" in recap.output
    assert "cams.example.test" in recap.output


def source(path: Path, frame_size_line: str) -> str:
    """An archive laid out as LIVE555's own; gives its SHA-256."""
    with tarfile.open(path, "w:gz") as archive:
        for name in ("BasicUsageEnvironment", "UsageEnvironment", "groupsock", "liveMedia"):
            data = frame_size_line.encode()
            member = tarfile.TarInfo(f"live/{name}/MediaSink.cpp")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_with_another_hash(inventory: Inventory, machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "live.tar.gz"
    source(path, "unsigned OutPacketBuffer::maxSize = 60000;\n")
    inventory.variables.update(live555_source=str(path), live555_source_sha256="0" * 64)
    output = refused(inventory, machine)
    assert f"{path} has the SHA-256 " in output
    assert "it is another file, or was altered on its way" in output


def test_a_source_that_the_patch_does_not_fit(inventory: Inventory, machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "live.tar.gz"
    digest = source(path, "unsigned OutPacketBuffer::largest = 60000;\n")
    inventory.variables.update(live555_source=str(path), live555_source_sha256=digest)
    output = refused(inventory, machine)
    assert "this source does not match what the role knows how to patch: liveMedia/MediaSink.cpp" in output
    assert "Use the version the role pins" in output
