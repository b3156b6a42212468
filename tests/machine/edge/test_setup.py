"""The runs of the roles, and what they leave on the machine."""

from __future__ import annotations

import re

import pytest

from filter_plugins.signing import derived_key
from machine.edge.bench import ROOT_KEY, Edge
from machine.edge.conftest import Built

pytestmark = pytest.mark.machine


def test_check_mode_is_clean_on_a_bare_machine(built: Built) -> None:
    assert built.check.failed == 0
    assert built.check.changed > 0


def test_no_run_shows_a_secret(built: Built) -> None:
    secrets = [
        built.edge.world.dns_update_key.secret,
        ROOT_KEY,
        derived_key(ROOT_KEY, "clips", 40),
        derived_key(ROOT_KEY, "snapshots", 40),
    ]
    for recap in (built.check, built.first):
        assert [secret for secret in secrets if secret in recap.output] == []


def test_only_443_and_ssh_are_open_to_the_network(edge: Edge) -> None:
    rows = [line.split() for line in edge.appliance.run(["ss", "-Hltn"]).stdout.splitlines()]
    ports = {row[3].rpartition(":")[2] for row in rows if not row[3].startswith("127.")}
    assert ports == {"22", "443"}


@pytest.mark.parametrize(
    "unit",
    [
        *("stunnel@alexa-ip-cam", "apache2", "haproxy", "certbot", "alexa-ip-cam-proof", "alexa-ip-cam-renewal@ok"),
        *("alexa-ip-cam-alarm", "alexa-ip-cam-alarm-mail", "alexa-ip-cam-alarm-cameras"),
    ],
)
def test_units_are_confined(edge: Edge, unit: str) -> None:
    told = edge.appliance.run(["systemd-analyze", "security", "--no-pager", f"{unit}.service"]).stdout
    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert float(level) <= 2.0


def test_nothing_runs_as_root_that_need_not(edge: Edge) -> None:
    listed = edge.appliance.run(["ps", "-e", "-o", "user=,comm="]).stdout.splitlines()
    owners = {(user, program) for user, program in map(str.split, listed)}
    assert {user for user, program in owners if program == "stunnel4"} == {"stunnel4"}
    assert {user for user, program in owners if program == "haproxy"} == {"haproxy"}


def test_keys_and_credentials_are_private(edge: Edge) -> None:
    files = [
        "/etc/apache2/alexa-ip-cam-keys.conf",
        "/etc/letsencrypt/dns-rfc2136.ini",
        "/etc/stunnel/alexa-ip-cam/privkey.pem",
    ]
    modes = edge.appliance.run(["stat", "-L", "-c", "%a %U %G", *files]).stdout.splitlines()
    assert modes == ["600 root root", "600 root root", "640 root stunnel4"]
