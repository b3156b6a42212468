from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from module_utils.appliance.unit_instances import InstanceError, Plan, Template, apply, plan, prove

PROGRAM = "/usr/local/lib/alexa-ip-cam/live555-proxy"


class Machine:
    """A file tree and a systemctl that plays the appliance's."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.template = Template("live555@", PROGRAM, root / "conf", "camera.conf", root)
        self.units: dict[str, dict[str, str]] = {}
        self.calls: list[list[str]] = []
        self.refuses: set[str] = set()
        for folder in ("conf", "proc/net", "etc/systemd/system/multi-user.target.wants"):
            (root / folder).mkdir(parents=True)
        self.listen()

    def listen(self, *ports: int, address: str = "127.0.0.1", state: str = "0A") -> None:
        host = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}"
        rows = [f"   0: {host}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:0 0 0 0" for port in ports]
        (self.root / "proc/net/tcp").write_text("\n".join(["  sl  local_address rem_address st", *rows]) + "\n")

    def add(self, name: str, *, text: str = "url=x\n", running: str = PROGRAM, enabled: bool = True) -> None:
        """An instance that runs with what is on disk."""
        pid = str(1000 + len(self.units))
        (self.root / "conf" / f"{name}.conf").write_text(text)
        handed_over = self.root / f"run/credentials/live555@{name}.service"
        handed_over.mkdir(parents=True)
        (handed_over / "camera.conf").write_text(text)
        (self.root / "proc" / pid).mkdir()
        (self.root / "proc" / pid / "exe").symlink_to(running)
        wants = self.root / "etc/systemd/system/multi-user.target.wants" / f"live555@{name}.service"
        if enabled:
            wants.symlink_to("../live555@.service")
        self.units[f"live555@{name}.service"] = {
            "ActiveState": "active",
            "UnitFileState": "enabled" if enabled else "disabled",
            "MainPID": pid,
            "NeedDaemonReload": "no",
        }

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        self.calls.append(list(command))
        if command[1] == "list-units":
            return 0, "".join(f"{unit} loaded active running A camera\n" for unit in self.units)
        if command[1] == "show":
            gone = {"ActiveState": "inactive", "UnitFileState": "disabled", "MainPID": "0", "NeedDaemonReload": "no"}
            blocks = ({"Id": unit, **self.units.get(unit, gone)} for unit in command[3:])
            return 0, "\n\n".join("\n".join(f"{k}={v}" for k, v in block.items()) for block in blocks) + "\n"
        if command[0] == "journalctl":
            return 0, "front-porch: cannot listen on 127.0.0.1 port 20936\n"
        return (1, "refused") if command[1] in self.refuses else (0, "")

    def plan(self, *names: str) -> Plan:
        return plan(self.template, names, self.run)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NOTHING = Plan((), (), (), reload=False)


def test_nothing_to_do_when_all_runs_as_it_should(machine: Machine) -> None:
    machine.add("garden")
    machine.add("front-porch")
    assert machine.plan("garden", "front-porch") == NOTHING
    assert not machine.plan("garden", "front-porch").changed


def test_a_virgin_machine_gets_every_instance(machine: Machine) -> None:
    assert machine.plan("b", "a") == Plan((), ("a", "b"), ("a", "b"), reload=False)


def test_an_added_camera_leaves_the_others_alone(machine: Machine) -> None:
    machine.add("garden")
    assert machine.plan("garden", "new") == Plan((), ("new",), ("new",), reload=False)


def test_a_removed_camera_is_stopped_even_when_it_was_only_enabled(machine: Machine) -> None:
    machine.add("garden")
    machine.add("gone")
    machine.add("dormant")
    del machine.units["live555@dormant.service"]
    assert machine.plan("garden") == Plan(("dormant", "gone"), (), (), reload=False)
    assert machine.plan("garden").changed


def test_a_changed_configuration_restarts_its_own_instance_only(machine: Machine) -> None:
    machine.add("garden")
    machine.add("front-porch")
    (machine.root / "conf/garden.conf").write_text("url=y\n")
    assert machine.plan("garden", "front-porch") == Plan((), (), ("garden",), reload=False)


def test_a_replaced_program_restarts_what_still_runs_the_old_one(machine: Machine) -> None:
    machine.add("garden", running=f"{PROGRAM} (deleted)")
    machine.add("front-porch")
    assert machine.plan("garden", "front-porch").restart == ("garden",)


def test_a_changed_unit_is_reloaded_and_its_instances_restarted(machine: Machine) -> None:
    machine.add("garden")
    machine.units["live555@garden.service"]["NeedDaemonReload"] = "yes"
    assert machine.plan("garden") == Plan((), (), ("garden",), reload=True)


def test_a_dead_or_disabled_instance_is_put_right(machine: Machine) -> None:
    machine.add("garden")
    machine.add("front-porch", enabled=False)
    machine.units["live555@garden.service"]["ActiveState"] = "failed"
    assert machine.plan("garden", "front-porch") == Plan((), ("front-porch",), ("garden",), reload=False)


def test_no_camera_at_all_is_no_error(machine: Machine) -> None:
    assert machine.plan() == NOTHING


def test_applying_takes_one_call_per_verb(machine: Machine) -> None:
    apply(machine.template, Plan(("old",), ("a", "b"), ("a", "b"), reload=True), machine.run)
    assert machine.calls == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "disable", "--now", "live555@old.service"],
        ["systemctl", "reset-failed", "live555@old.service"],
        ["systemctl", "enable", "live555@a.service", "live555@b.service"],
        ["systemctl", "restart", "live555@a.service", "live555@b.service"],
    ]
    machine.calls.clear()
    apply(machine.template, NOTHING, machine.run)
    assert machine.calls == []


def test_a_refusal_of_systemd_is_told(machine: Machine) -> None:
    machine.refuses = {"enable"}
    with pytest.raises(InstanceError, match=r"systemctl enable live555@a\.service failed: refused"):
        apply(machine.template, Plan((), ("a",), ("a",), reload=False), machine.run)


def test_proof_needs_an_active_unit_that_listens(machine: Machine) -> None:
    machine.add("front-porch")
    machine.listen(20936)
    prove(machine.template, {"front-porch": 20936}, machine.run, patience=0)
    machine.units["live555@front-porch.service"]["ActiveState"] = "activating"
    with pytest.raises(InstanceError):
        prove(machine.template, {"front-porch": 20936}, machine.run, patience=0)


@pytest.mark.parametrize(("address", "state"), [("192.168.1.5", "0A"), ("127.0.0.1", "01")])
def test_proof_fails_with_the_camera_and_its_last_words(machine: Machine, address: str, state: str) -> None:
    machine.add("front-porch")
    machine.listen(20936, address=address, state=state)
    with pytest.raises(InstanceError) as caught:
        prove(machine.template, {"front-porch": 20936}, machine.run, patience=0)
    message = str(caught.value)
    assert "camera front-porch" in message
    assert "cannot listen on 127.0.0.1 port 20936" in message
    assert "journalctl -u live555@front-porch.service" in message
