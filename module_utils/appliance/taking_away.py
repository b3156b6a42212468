"""Taking away what the appliance was given: units stopped, files and directories removed, everything else left alone.

What is to be done is found by looking, so a run that was cut off is gone on with, and a second one finds nothing.
"""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; gives its exit status and what it printed."""

_UNITS = "etc/systemd/system"
_ENDED = ("inactive", "failed")


class TakingAwayError(Exception):
    """systemd refused; the message says what."""


@dataclass(frozen=True)
class Plan:
    """Units to stop and to keep from starting; paths to remove, those inside others first."""

    units: tuple[str, ...]
    paths: tuple[Path, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.units or self.paths)


def plan(
    patterns: Sequence[str], paths: Sequence[str], if_empty: Sequence[str], run: Run, root: Path = Path("/")
) -> Plan:
    """See what is there; changes nothing.

    Args:
        patterns: names of units, with ``*`` for the instances of a template; unit files of these names go, too.
        paths: files, links and whole directories.
        if_empty: directories that go when nothing else is in them, inner ones first.
        run: runs systemctl.
        root: ``/``, or another place in tests.
    """
    files = [file for pattern in patterns for file in sorted((root / _UNITS).glob(pattern))]
    gone = [*files, *(place for path in paths if _is_there(place := root / path.lstrip("/")))]
    for name in if_empty:
        directory = root / name.lstrip("/")
        if directory.is_dir() and not directory.is_symlink() and set(directory.iterdir()) <= set(gone):
            gone.append(directory)
    return Plan(tuple(_units(patterns, run, root)), tuple(dict.fromkeys(gone)))


def apply(wanted: Plan, run: Run, root: Path = Path("/")) -> None:
    """Carry a plan out.

    Raises:
        TakingAwayError: a unit cannot be stopped or disabled; no file was removed.
        OSError: a path cannot be removed; those before it are gone.
    """
    for verb in ("stop", "disable"):
        if wanted.units:
            status, output = run(["systemctl", verb, *wanted.units])
            if status != 0:
                raise TakingAwayError(f"systemctl {verb} {' '.join(wanted.units)} failed: {output.strip()}")
    for path in wanted.paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if wanted.units or any(path.is_relative_to(root / _UNITS) for path in wanted.paths):
        status, output = run(["systemctl", "daemon-reload"])
        if status != 0:
            raise TakingAwayError(f"systemctl daemon-reload failed: {output.strip()}")
    if wanted.units:
        run(["systemctl", "reset-failed", *wanted.units])  # fails for units that had not failed


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _units(patterns: Sequence[str], run: Run, root: Path) -> list[str]:
    """Units that run or would be started at boot."""
    if not patterns:
        return []
    _, output = run(["systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", *patterns])
    rows = [line.split() for line in output.splitlines() if line.strip()]
    running = {row[0] for row in rows if row[1] == "loaded" and row[2] not in _ENDED}
    links = {path.name for path in (root / _UNITS).glob("*.wants/*") if path.is_symlink()}
    return sorted(running | {name for name in links if any(fnmatch.fnmatchcase(name, one) for one in patterns)})
