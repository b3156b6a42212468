"""Each rule for the machine: what it lets through, what it refuses, and how it says so."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.appliance import sockets, target_rules

SYSTEMS = {"debian": ["12", "13"]}


def test_os_release(tmp_path: Path) -> None:
    path = tmp_path / "os-release"
    assert target_rules.os_release(path) == {}
    path.write_text("PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n\n# note\nVERSION_ID='13'\n")
    assert target_rules.os_release(path) == {
        "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)",
        "ID": "debian",
        "VERSION_ID": "13",
    }


@pytest.mark.parametrize(("name", "version"), [("debian", "11"), ("ubuntu", "12"), ("debian", "")])
def test_other_systems_are_refused(name: str, version: str) -> None:
    release = {"ID": name, "VERSION_ID": version, "PRETTY_NAME": "Some System"}
    (problem,) = target_rules.system_problems(release, SYSTEMS)
    assert problem == "it runs Some System; the appliance is made for debian 12 and 13, install one of these"


def test_supported_systems_pass() -> None:
    assert target_rules.system_problems({"ID": "debian", "VERSION_ID": "12"}, SYSTEMS) == []
    assert len(target_rules.system_problems({}, SYSTEMS)) == 1


def test_machine_python_and_systemd(tmp_path: Path) -> None:
    assert target_rules.machine_problems("x86_64", ["x86_64"]) == []
    assert "mips" in target_rules.machine_problems("mips", ["x86_64", "aarch64"])[0]
    assert target_rules.python_problems((3, 11), [3, 11]) == []
    assert target_rules.python_problems((4, 0), [3, 11]) == []
    assert "Python 3.9; Python 3.11 is needed" in target_rules.python_problems((3, 9), [3, 11])[0]
    assert target_rules.systemd_problems(tmp_path) == []
    assert "boot the machine with systemd" in target_rules.systemd_problems(tmp_path / "none")[0]


def test_room_is_measured_where_the_directory_will_be(tmp_path: Path) -> None:
    deep = str(tmp_path / "not" / "there")
    assert target_rules.disk_problems({deep: 0}) == []
    (problem,) = target_rules.disk_problems({deep: 10**12})
    assert problem.startswith(f"{deep} has ")
    assert "1000000000000 MB are needed" in problem


def test_a_free_port_passes_and_a_taken_one_names_the_holder() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        server.listen()
        (holder,) = sockets.holders(port)
        taken = target_rules.listener_problems("Apache", f"127.0.0.1:{port}", ["apache2.service"], "move it")
        assert taken == [f"Apache needs port {port}, which is taken by {holder}; move it"]
    assert target_rules.listener_problems("Apache", f"127.0.0.1:{port}", [], "move it") == []


def test_our_own_unit_may_have_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "holders", lambda _: [sockets.Holder(1, "live555-proxy", "live555@porch.service")])
    monkeypatch.setattr(sockets, "can_listen", lambda *_: False)
    assert target_rules.listener_problems("camera porch", "127.0.0.1:1", ["live555@*.service"], "move it") == []
    (problem,) = target_rules.listener_problems("stunnel", "127.0.0.1:1", ["stunnel@a.service"], "move it")
    assert "taken by live555-proxy (process 1, live555@porch.service); move it" in problem


def test_a_port_that_only_the_kernel_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "holders", lambda _: [])
    monkeypatch.setattr(sockets, "can_listen", lambda *_: False)
    (problem,) = target_rules.listener_problems("stunnel", "0.0.0.0:443", [], "move it")
    assert "taken by a process of another container or the kernel; move it" in problem


def test_an_address_of_another_machine_is_told() -> None:
    (problem,) = target_rules.listener_problems("stunnel", "192.0.2.1:443", [], "move it")
    assert problem.startswith("stunnel cannot listen on 192.0.2.1:443: ")


@pytest.mark.parametrize("listen", ["443", ":443", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", ""])
def test_what_is_no_address_and_port_is_told(listen: str) -> None:
    (problem,) = target_rules.listener_problems("stunnel", listen, [], "move it")
    assert problem == f"stunnel cannot listen on {listen!r}; write an address and a port, such as 127.0.0.1:8080"


def test_names_are_looked_up_side_by_side_and_never_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def resolver(name: str, *_: object, **__: object) -> list[Any]:
        if name == "slow.example.com":
            gate.wait(5)
        if name == "gone.example.com":
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", ("192.0.2.9", 443)), (0, 0, 0, "", ("192.0.2.9", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    answers = target_rules.look_up(["a.example.com", "gone.example.com", "slow.example.com"], 0.05)
    gate.set()
    assert answers == {"a.example.com": ["192.0.2.9"], "gone.example.com": [], "slow.example.com": None}


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        (None, "no answer for cams.example.com in time"),
        ([], "DNS rebinding"),
        (["127.0.0.2"], "every device takes for itself"),
        (["0.0.0.0"], "every device takes for itself"),  # noqa: S104
        (["fe80::1%eth0"], "every device takes for itself"),
        (["192.168.77.77"], "which is not this machine"),
        (["fd00:77::77"], "has the IPv6 address fd00:77::77"),
    ],
)
def test_odd_addresses_are_remarked_on(addresses: list[str] | None, told: str) -> None:
    (remark,) = target_rules.name_remarks("cams.example.com", addresses)
    assert told in remark


def test_a_public_address_may_be_a_forwarded_port() -> None:
    assert target_rules.name_remarks("cams.example.com", ["93.184.216.34"]) == []


def test_an_address_of_this_machine_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "is_local", lambda address: address == "192.168.1.5")
    assert target_rules.name_remarks("cams.example.com", ["192.168.1.5"]) == []


def test_an_ipv6_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "is_local", lambda _: True)
    (remark,) = target_rules.name_remarks("cams.example.com", ["192.168.1.5", "2001:db8::5"])
    assert "IPv6 address 2001:db8::5" in remark


@pytest.mark.parametrize(
    ("off", "told"), [(0, ""), (59, ""), (-59, ""), (180, "180 s ahead of"), (-7200, "7200 s behind")]
)
def test_clocks_are_compared(off: float, told: str) -> None:
    remarks = target_rules.clock_remarks(1000.0 + off, 1000.0)
    assert bool(remarks) == bool(told)
    assert told in "".join(remarks)
