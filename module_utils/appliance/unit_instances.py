"""Instances of one systemd template unit: exactly the wanted ones, each running what is on disk now.

What to restart is found by looking at the running processes, not by remembering what this run changed: so a run that
was interrupted is made good by the next.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; gives its exit status and standard output."""

_LISTEN = "0A"  # state of a listening socket in /proc/net/tcp
_PROPERTIES = "Id,ActiveState,UnitFileState,MainPID,NeedDaemonReload"


class InstanceError(Exception):
    """An instance does not run as it should; the message names it and where to look."""


@dataclass(frozen=True)
class Template:
    """A template unit and what its instances depend on.

    Attributes:
        prefix: the unit's name up to and including the ``@``.
        program: the executable.
        configurations: directory with one ``<instance>.conf`` each.
        credential: name under which systemd hands the configuration over (``LoadCredential=``).
        root: ``/``, or another place in tests.
    """

    prefix: str
    program: str
    configurations: Path
    credential: str
    root: Path = Path("/")

    def unit(self, name: str) -> str:
        """The unit of an instance."""
        return f"{self.prefix}{name}.service"

    def name(self, unit: str) -> str:
        """The instance of a unit."""
        return unit.removeprefix(self.prefix).removesuffix(".service")


@dataclass(frozen=True)
class Plan:
    """Names of instances: to stop and disable, to enable, to start or restart; and whether systemd must reload."""

    stop: tuple[str, ...]
    enable: tuple[str, ...]
    restart: tuple[str, ...]
    reload: bool

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.stop or self.enable or self.restart or self.reload)


def plan(template: Template, wanted: Iterable[str], run: Run) -> Plan:
    """Compare what runs with what is wanted; changes nothing."""
    names = sorted(wanted)
    states = _states(template, names, run)
    enable, restart = [], []
    for name in names:
        state = states.get(template.unit(name), {})
        if state.get("UnitFileState") != "enabled":
            enable.append(name)
        if state.get("ActiveState") != "active" or _is_outdated(template, name, state):
            restart.append(name)
    reload = any(state.get("NeedDaemonReload") == "yes" for state in states.values())
    return Plan(tuple(sorted(_present(template, run) - set(names))), tuple(enable), tuple(restart), reload)


def apply(template: Template, wanted: Plan, run: Run) -> None:
    """Carry a plan out; starting is judged by :func:`prove`, not here.

    Raises:
        InstanceError: systemd refused to reload, enable or stop.
    """

    def must(*arguments: str) -> None:
        status, output = run(["systemctl", *arguments])
        if status != 0:
            raise InstanceError(f"systemctl {' '.join(arguments)} failed: {output.strip()}")

    if wanted.reload:
        must("daemon-reload")
    if wanted.stop:
        units = [template.unit(name) for name in wanted.stop]
        must("disable", "--now", *units)
        run(["systemctl", "reset-failed", *units])  # fails for units that had not failed
    if wanted.enable:
        must("enable", *map(template.unit, wanted.enable))
    if wanted.restart:
        run(["systemctl", "restart", *map(template.unit, wanted.restart)])


def prove(template: Template, ports: Mapping[str, int], run: Run, patience: float = 10.0) -> None:
    """Wait until each named instance is active and listens on its port of 127.0.0.1.

    Raises:
        InstanceError: one does not within ``patience`` seconds; carries its last words from the journal.
    """
    end = time.monotonic() + patience
    while missing := _not_serving(template, ports, run):
        if time.monotonic() >= end:
            raise InstanceError("; ".join(_complaint(template, name, ports[name], run) for name in missing))
        time.sleep(0.2)


def _states(template: Template, names: Sequence[str], run: Run) -> dict[str, dict[str, str]]:
    """Properties of units by name; one call for all."""
    if not names:
        return {}
    _, output = run(["systemctl", "show", f"--property={_PROPERTIES}", *map(template.unit, names)])
    blocks = (dict(line.split("=", 1) for line in block.splitlines()) for block in output.strip().split("\n\n"))
    return {block["Id"]: block for block in blocks if "Id" in block}


def _present(template: Template, run: Run) -> set[str]:
    """Instances that systemd has loaded or would start at boot."""
    pattern = template.unit("*")
    _, output = run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", pattern])
    units = {line.split()[0] for line in output.splitlines() if line.strip()}
    wants = (template.root / "etc/systemd/system").glob(f"*.wants/{pattern}")
    return {template.name(unit) for unit in units | {path.name for path in wants}}


def _is_outdated(template: Template, name: str, state: Mapping[str, str]) -> bool:
    """Whether a running instance has an older program, configuration or unit than there is now."""
    if state.get("NeedDaemonReload") == "yes":
        return True
    handed_over = template.root / "run/credentials" / template.unit(name) / template.credential
    try:
        # A replaced program shows as "<path> (deleted)".
        running = str((template.root / "proc" / state["MainPID"] / "exe").readlink())
        same_configuration = handed_over.read_bytes() == (template.configurations / f"{name}.conf").read_bytes()
    except (OSError, KeyError):
        return True
    return running != template.program or not same_configuration


def _listening(root: Path) -> set[int]:
    """Ports that something listens on at 127.0.0.1."""
    address = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), sys.byteorder):08X}"
    rows = (line.split() for line in (root / "proc/net/tcp").read_text().splitlines()[1:])
    ends = (row[1].split(":") for row in rows if row[3] == _LISTEN)
    return {int(port, 16) for host, port in ends if host == address}


def _not_serving(template: Template, ports: Mapping[str, int], run: Run) -> list[str]:
    states = _states(template, sorted(ports), run)
    listening = _listening(template.root)
    return [
        name
        for name in sorted(ports)
        if states.get(template.unit(name), {}).get("ActiveState") != "active" or ports[name] not in listening
    ]


def _complaint(template: Template, name: str, port: int, run: Run) -> str:
    unit = template.unit(name)
    own = ["--unit", unit, "--identifier", Path(template.program).name]  # not what systemd says about it
    _, journal = run(["journalctl", *own, "--lines", "2", "--output", "cat", "--no-pager"])
    words = " / ".join(line.strip() for line in journal.splitlines() if line.strip())
    return (
        f"camera {name}: {unit} does not serve 127.0.0.1 port {port}. Its last words: {words or '(none)'}. "
        f"See: journalctl -u {unit}"
    )
