"""Throwaway machines: virgin, connected, able to run hardened services, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Machine, Network, SandboxError, debian_root, suite_from_env

pytestmark = pytest.mark.machine
TESTS = Path(__file__).resolve().parent.parent

# The hardening that the appliance's own units use, taken together. Port 443 without root shows that the
# ambient capability arrives, and the answer on it that the credential does.
HARDENED = b"""\
[Service]
ExecStart=/usr/bin/python3 /usr/local/bin/serve
LoadCredential=word:/etc/word
DynamicUser=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
DevicePolicy=closed
IPAddressAllow=localhost
IPAddressDeny=any
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateTmp=yes
ProcSubset=pid
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
Restart=on-failure
RestrictAddressFamilies=AF_INET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RuntimeDirectory=hardened
StateDirectory=hardened
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
"""
SERVE = b"""\
import os, pathlib, socket
word = pathlib.Path(os.environ["CREDENTIALS_DIRECTORY"], "word").read_bytes()
pathlib.Path(os.environ["STATE_DIRECTORY"], "started").touch()
with socket.create_server(("0.0.0.0", 443)) as server:
    while True:
        with server.accept()[0] as client:
            client.sendall(word)
"""
ASK = """\
import socket, sys
with socket.create_connection((sys.argv[1], 443), timeout=2) as s:
    print(s.recv(100).decode())
"""
OWNER = """\
from sandbox import Machine, Network, debian_root, suite_from_env
with Network("owner") as net, Machine(net, "orphan", number=10, root=debian_root(suite_from_env())) as machine:
    print(net.bridge, machine.leader_pid, flush=True)
    machine.run(["sleep", "300"], timeout=300)
"""


@pytest.fixture(scope="module")
def root() -> Path:
    return debian_root(suite_from_env())


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with Network("test") as network:
        yield network


@pytest.fixture(scope="module")
def pair(net: Network, root: Path) -> Iterator[tuple[Machine, Machine]]:
    files = {
        "/etc/systemd/system/hardened.service": HARDENED,
        "/etc/word": b"swordfish",
        "/usr/local/bin/serve": SERVE,
    }
    with (
        Machine(net, "first", number=10, root=root, files=files) as first,
        Machine(net, "second", number=11, root=root, binds={TESTS: "/srv/tests"}) as second,
    ):
        yield first, second


def test_both_run_without_a_failed_unit(pair: tuple[Machine, Machine]) -> None:
    for machine in pair:
        failed = machine.run(["systemctl", "--failed", "--no-legend"]).stdout
        assert (machine.wait_ready(), failed) == ("running", "")
        assert machine.run(["hostname"]).stdout.strip() == machine.name


def test_they_reach_each_other_and_ssh_checks_their_keys(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    scanned = second.run(["ssh-keyscan", "-t", "ed25519", first.address]).stdout.splitlines()[-1]
    pinned = next(option.partition("=")[2] for option in first.ssh_args if option.startswith("UserKnownHostsFile="))
    assert Path(pinned).read_text().split()[:3] == scanned.split()
    wrong = ["ssh", *first.ssh_args, f"root@{second.address}", "true"]
    refused = subprocess.run(wrong, capture_output=True, text=True, check=False)
    assert (refused.returncode, "Host key verification failed" in refused.stderr) == (255, True)


def test_files_go_in_and_come_out(pair: tuple[Machine, Machine], tmp_path: Path) -> None:
    first, second = pair
    everything = bytes(range(256))
    first.write("/opt/new dir/it's.bin", everything, 0o600)
    assert first.read("/opt/new dir/it's.bin") == everything
    assert first.run(["stat", "-c", "%a %U", "/opt/new dir/it's.bin"]).stdout == "600 root\n"
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "run").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "tree" / "deep" / "run").chmod(0o755)
    first.push(tmp_path / "tree", "/opt/pushed")
    assert first.run(["/opt/pushed/deep/run"]).stdout == "ran\n"
    assert second.read(f"/srv/tests/machine/{Path(__file__).name}") == Path(__file__).read_bytes()
    with pytest.raises(SandboxError, match="No such file"):
        first.read("/missing")


def test_commands_get_their_arguments_input_and_a_say(pair: tuple[Machine, Machine]) -> None:
    first, _ = pair
    odd = ["a b", "$HOME", "'\"", "*"]
    assert first.run(["printf", "%s\n", *odd]).stdout.splitlines() == odd
    assert first.run(["cat"], input="hello").stdout == "hello"
    assert first.enter(["cat"], input="hello").stdout == "hello"
    assert first.run(["false"], check=False).returncode == 1
    with pytest.raises(SandboxError, match=r"first: `sh -c .*` ended with status 3\nbecause"):
        first.run(["sh", "-c", "echo because >&2; exit 3"])
    with pytest.raises(SandboxError, match="did not end within"):
        first.run(["sleep", "20"], timeout=0.2)


def test_a_fully_hardened_service_runs_and_its_limits_hold(pair: tuple[Machine, Machine]) -> None:
    first, second = pair
    first.run(["systemctl", "start", "hardened.service"])
    deadline = time.monotonic() + 10
    while not first.run(["ss", "-Hltn", "sport = 443"]).stdout:
        assert time.monotonic() < deadline, first.journal("hardened.service")
        time.sleep(0.1)
    assert first.run(["python3", "-c", ASK, "127.0.0.1"]).stdout == "swordfish\n"
    outsider = second.run(["python3", "-c", ASK, first.address], check=False)
    assert "TimeoutError" in outsider.stderr


def test_packages_install_and_are_kept_for_the_next_machine(net: Network, root: Path) -> None:
    with Machine(net, "install", number=20, root=root) as machine:
        machine.run(["apt-get", "-q", "update"], timeout=120)
        machine.run(["apt-get", "-q", "-y", "install", "stunnel4"], timeout=120)
        assert machine.run(["dpkg-query", "-W", "-f", "${Status}", "stunnel4"]).stdout == "install ok installed"
    with Machine(net, "install", number=20, root=root) as machine:
        assert machine.run(["dpkg-query", "-W", "stunnel4"], check=False).returncode == 1
        again = machine.run(["apt-get", "-y", "--no-download", "--download-only", "install", "stunnel4"])
        assert "Download complete" in again.stdout


def test_a_machine_keeps_its_disk_over_a_reboot_but_not_over_its_end(net: Network, root: Path) -> None:
    with Machine(net, "mortal", number=21, root=root) as machine:
        machine.write("/var/lib/mark", b"here")
        before = machine.leader_pid
        assert machine.reboot() == "running"
        assert machine.leader_pid != before
        assert machine.read("/var/lib/mark") == b"here"
    with Machine(net, "mortal", number=21, root=root) as machine:
        assert machine.run(["test", "-e", "/var/lib/mark"], check=False).returncode == 1
    assert not (root / "var/lib/mark").exists()


def test_a_machine_that_cannot_boot_says_why(net: Network, root: Path) -> None:
    with (
        pytest.raises(SandboxError, match=r"broken did not boot: systemd-nspawn has ended[\s\S]*/nowhere"),
        Machine(net, "broken", number=22, root=root, binds={"/nowhere": "/x"}),
    ):
        pass


@pytest.mark.parametrize("warden", ["lives", "dies"])
def test_a_killed_owner_leaves_nothing(warden: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        bridge, leader = owner.stdout.readline().split()
        assert left_of(bridge, leader) == ["bridge", "process", "table"]
        if warden == "dies":
            os.kill(warden_of(owner.pid), signal.SIGKILL)
        owner.kill()
    if warden == "dies":
        time.sleep(0.5)
        assert left_of(bridge, leader) == ["bridge", "process", "table"]
        with Network("next"):
            assert left_of(bridge, leader) == []
        return
    deadline = time.monotonic() + 15
    while left := left_of(bridge, leader):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


def left_of(bridge: str, leader: str) -> list[str]:
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    found = {
        "bridge": Path("/sys/class/net", bridge).exists(),
        "process": alive(leader),
        "table": bridge.replace("-", "_") in tables,
    }
    return [what for what, there in found.items() if there]


def alive(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def warden_of(owner: int) -> int:
    children = Path(f"/proc/{owner}/task/{owner}/children").read_text().split()
    return next(int(pid) for pid in children if b"sandbox.warden" in Path(f"/proc/{pid}/cmdline").read_bytes())
