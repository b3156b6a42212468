"""Units of systemd that have to run now and after each boot.

Pure of Ansible, so that the module and its tests share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; gives its exit status, and its standard output or, when it failed, all that it said."""

_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload"
_UP = ("active", "activating", "reloading")


class UnitsError(Exception):
    """A unit is missing or does not start; the message says which, and where to look."""


@dataclass(frozen=True)
class Plan:
    """Names of units: without a file, to enable, to start; and whether systemd has to read its files again."""

    missing: tuple[str, ...]
    enable: tuple[str, ...]
    start: tuple[str, ...]
    reload: bool

    @property
    def changed(self) -> bool:
        """Whether anything is to be done to a unit."""
        return bool(self.missing or self.enable or self.start)


def plan(units: Sequence[str], run: Run) -> Plan:
    """Ask systemd what is to be done; changes nothing.

    Raises:
        UnitsError: systemd does not answer.
    """
    status, shown = run(["systemctl", "show", f"--property={_PROPERTIES}", *units])
    if status != 0:
        raise UnitsError(f"systemctl: {shown.strip()}")
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n")]
    found = dict(zip(units, blocks, strict=True))
    there = {unit: has for unit, has in found.items() if has["LoadState"] != "not-found"}
    return Plan(
        missing=tuple(unit for unit in units if unit not in there),
        enable=tuple(unit for unit, has in there.items() if has["UnitFileState"] != "enabled"),
        start=tuple(unit for unit, has in there.items() if has["ActiveState"] not in _UP),
        reload=any(has["NeedDaemonReload"] == "yes" for has in there.values()),
    )


def apply(wanted: Plan, run: Run) -> None:
    """Do it.

    Raises:
        UnitsError: a unit has no file, or systemd refuses to enable it or fails to start it.
    """
    if wanted.missing:
        raise UnitsError(f"systemd knows no {', '.join(wanted.missing)}")
    steps = [
        (["daemon-reload"], wanted.reload),
        (["enable", "--quiet", *wanted.enable], wanted.enable),
        (["start", *wanted.start], wanted.start),
    ]
    for words, needed in steps:
        if not needed:
            continue
        status, said = run(["systemctl", *words])
        if status != 0:
            where = f"; see journalctl --unit={' --unit='.join(wanted.start)}" if words[0] == "start" else ""
            raise UnitsError(f"systemctl {' '.join(words)}: {said.strip()}{where}")
