"""What the appliance shows to others: sockets, passwords in process lists, privileges of its units."""

from __future__ import annotations

import socket

import pytest

from home import Home

pytestmark = pytest.mark.machine

# Ours, and the distribution's that our drop-ins confine.
MOST_EXPOSURE = 2.0


def listening(home: Home) -> set[tuple[str, int]]:
    """Address and port of every listening TCP and bound UDP socket."""
    sockets = set()
    for line in home.appliance.run(["ss", "-Hltun"]).stdout.splitlines():
        address, _, port = line.split()[4].rpartition(":")
        sockets.add((address.split("%")[0], int(port)))
    return sockets


def test_only_443_and_ssh_are_open_to_the_network(home: Home) -> None:
    outside = {port for address, port in listening(home) if not address.startswith(("127.", "[::1]"))}
    assert outside == {22, 443}


def test_live555_and_apache_cannot_be_reached_from_outside(home: Home) -> None:
    inside = {port for address, port in listening(home) if address.startswith("127.")}
    assert len(inside & set(range(20000, 30000))) == len(home.inventory.cameras)
    assert {8080, 8554} <= inside
    for port in inside:
        with pytest.raises(OSError):  # noqa: PT011  # refused or unreachable, as the kernel likes
            socket.create_connection((home.appliance.address, port), timeout=2).close()


def test_no_process_shows_a_secret(home: Home) -> None:
    cmdlines = home.appliance.run(
        ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"], check=False
    )
    assert "live555-proxy" in cmdlines.stdout
    assert [name for name, value in home.inventory.secrets.items() if value in cmdlines.stdout] == []


def test_no_journal_shows_a_secret(home: Home) -> None:
    journal = home.appliance.run(["journalctl", "--no-pager", "-o", "cat"]).stdout
    assert "live555" in journal
    assert [name for name, value in home.inventory.secrets.items() if value in journal] == []


def test_files_with_secrets_are_private(home: Home) -> None:
    found = home.appliance.run(
        ["grep", "-rlF", "-f", "/dev/stdin", "/etc", "/usr/local", "/srv", "/run", "/var/lib"],
        input="\n".join(home.inventory.secrets.values()) + "\n",
        check=False,
    ).stdout.split()
    assert found != []
    modes = home.appliance.run(["stat", "-c", "%n %a", *found]).stdout.splitlines()
    assert [line for line in modes if line.split()[1] not in {"600", "640", "400", "440"}] == []


def test_units_are_confined(home: Home) -> None:
    units = ["stunnel@alexa-ip-cam.service", "apache2.service", "certbot.service"]
    units += ["alexa-ip-cam-alarm.service", "alexa-ip-cam-alarm-cameras.service"]
    units += ["alexa-ip-cam-proof.service", "alexa-ip-cam-renewal@ok.service"]
    units += ["alexa-ip-cam-gateway.service", "alexa-ip-cam-events.service", "alexa-ip-cam-page.service"]
    units += [f"live555@{home.inventory.cameras[0]['id']}.service"]
    exposure = {}
    for unit in units:
        overall = home.appliance.run(["systemd-analyze", "security", "--no-pager", unit]).stdout
        exposure[unit] = float(overall.split("Overall exposure level for")[1].split(":")[1].split()[0])
    assert {unit: level for unit, level in exposure.items() if level > MOST_EXPOSURE} == {}
