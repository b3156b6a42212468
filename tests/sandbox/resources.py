"""Things on the host that a machine or network consists of, and how each is taken away again.

A resource is recorded before it is made, so taking one away must do for a thing that was never made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sandbox import cgroups
from sandbox.errors import SandboxError
from sandbox.host import tool

IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_UNMOUNT_SECONDS = 5.0


class Resource(NamedTuple):
    """One thing to take away: its kind (a key of `_REMOVERS`) and its name or path."""

    kind: str
    name: str


def remove(resource: Resource) -> None:
    """Take the thing away; nothing happens when it is gone already.

    Raises SandboxError or OSError when it stays.
    """
    _REMOVERS[resource.kind](resource.name)


def mounted_below(path: Path) -> list[Path]:
    """Return the mount points at or below `path`, the deepest first."""
    points = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted((point for point in points if point.is_relative_to(path)), reverse=True)


def _remove_cgroup(name: str) -> None:
    cgroups.destroy(Path(name))


def _remove_mount(name: str) -> None:
    deadline = time.monotonic() + _UNMOUNT_SECONDS
    while Path(name) in mounted_below(Path(name)):
        lazily = ["--lazy"] if time.monotonic() > deadline else []
        if tool(["umount", *lazily, name], check=False).returncode != 0:
            time.sleep(0.05)


def _remove_directory(name: str) -> None:
    if points := mounted_below(Path(name)):
        raise SandboxError(f"{name} is kept, because {points[0]} is still mounted in it")
    tool(["rm", "-rf", "--one-file-system", name], timeout=300)


def _remove_link(name: str) -> None:
    link = Path("/sys/class/net", name)
    # When the machine at its other end has just ended, the kernel may be quicker.
    if link.exists() and tool(["ip", "link", "delete", name], check=False).returncode != 0 and link.exists():
        tool(["ip", "link", "delete", name])


def _remove_table(name: str) -> None:
    # Adding a table that exists is no error, so this pair also does when it is gone.
    tool(["nft", "-f", "-"], stdin=f"add table ip {name}\ndelete table ip {name}\n")


def _restore_forwarding(before: str) -> None:
    IP_FORWARD.write_text(before)


_REMOVERS: dict[str, Callable[[str], None]] = {
    "cgroup": _remove_cgroup,
    "mount": _remove_mount,
    "directory": _remove_directory,
    "link": _remove_link,
    "table": _remove_table,
    "forwarding": _restore_forwarding,
}
