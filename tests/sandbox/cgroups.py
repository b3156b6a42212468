"""Control groups: one per machine, so that its systemd has a tree of its own and can be killed as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_KILL_SECONDS = 10.0


def hierarchies() -> list[Path]:
    """Mount points of the hierarchies a container's systemd may use: cgroup2 and v1's `name=systemd`."""
    found = []
    for line in MOUNTS.read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(where))
    return found


def unified_available() -> bool:
    """Tell whether a cgroup2 hierarchy is mounted, which systemd of Debian 13 and later needs."""
    return any(line.split()[2] == "cgroup2" for line in MOUNTS.read_text().splitlines())


def create(name: str) -> list[Path]:
    """Make the group `name` at the top of each hierarchy and return their directories.

    Each has a group `machine` and a group `helpers` below it: in cgroup2 a group that has groups below may
    hold no process itself.
    """
    groups = [hierarchy / name for hierarchy in hierarchies()]
    for group in groups:
        for part in ("machine", "helpers"):
            (group / part).mkdir(parents=True)
        if (group / "cgroup.controllers").exists():
            for controller in (group / "cgroup.controllers").read_text().split():
                # Without a controller the machine's units merely lack its limits.
                with suppress(OSError):
                    (group / "cgroup.subtree_control").write_text(f"+{controller}")
    return groups


def members(group: Path) -> set[int]:
    """Return the ids of all processes in the group and in the groups below it."""
    pids: set[int] = set()
    for listing in [group / "cgroup.procs", *group.glob("**/cgroup.procs")]:
        try:
            pids.update(int(pid) for pid in listing.read_text().split())
        except OSError:  # the group went away, or is one whose processes are in threads mode
            continue
    return pids


def destroy(group: Path) -> None:
    """Kill every process in the group and remove it with all below; nothing happens when it is gone.

    Raises TimeoutError when it does not go away within ten seconds.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    while group.exists():
        try:
            for pid in members(group):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for directory in sorted((path for path in group.glob("**/*/") if path.is_dir()), reverse=True):
                directory.rmdir()
            group.rmdir()
        except OSError as problem:
            # Busy: a process still dies, or its parent has not waited for it. Gone: the machine tidies up by itself.
            if time.monotonic() > deadline:
                pids = sorted(members(group))
                raise TimeoutError(
                    f"{group} does not go away, processes {pids} survive SIGKILL: {problem}"
                ) from problem
            time.sleep(0.02)
