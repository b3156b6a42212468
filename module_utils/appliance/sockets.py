"""Who listens where on this machine, and which unit of systemd a process belongs to. Reads /proc; changes nothing."""

from __future__ import annotations

import dataclasses
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
_LISTENING = "0A"  # TCP_LISTEN in the kernel's include/net/tcp_states.h


@dataclasses.dataclass(frozen=True)
class Holder:
    """A process that listens on a port; ``unit`` is empty for one that systemd did not start."""

    pid: int
    command: str
    unit: str

    def __str__(self) -> str:
        """As an owner would look it up."""
        return f"{self.command} (process {self.pid}{', ' + self.unit if self.unit else ''})"


def holders(port: int, proc: Path = PROC) -> list[Holder]:
    """The processes that listen on a TCP port, on whatever address."""
    inodes = set(_listening_inodes(port, proc))
    return [_holder(pid, proc) for pid in _owners(inodes, proc)] if inodes else []


def can_listen(address: str, port: int) -> bool:
    """Whether a socket of ours could be bound there now; it is closed again without listening.

    Raises OSError when the reason is another one than the address being in use, such as an address that this machine
    does not have.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as candidate:
        # A connection that is just ending must not count; a listening socket does all the same.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
    return True


def is_local(address: str) -> bool:
    """Whether an address belongs to this machine: only then can a socket be bound to it."""
    try:
        return can_listen(address, 0)
    except OSError:
        return False


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        for line in path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else ():
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                yield inode


def _owners(inodes: set[str], proc: Path) -> list[int]:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return sorted(int(folder.name) for folder in proc.iterdir() if folder.name.isdigit() and _has_open(folder, wanted))


def _has_open(folder: Path, wanted: set[str]) -> bool:
    try:
        return any(str(entry.readlink()) in wanted for entry in (folder / "fd").iterdir())
    except OSError:
        return False  # the process, or one of its files, went away while we looked


def _holder(pid: int, proc: Path) -> Holder:
    folder = proc / str(pid)
    try:
        command = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        groups = (folder / "cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Holder(pid, "a process that just ended", "")
    # The innermost unit names the service; user sessions nest theirs below user@1000.service.
    units = [part for line in groups.splitlines() for part in line.split("/") if part.endswith((".service", ".scope"))]
    return Holder(pid, command, units[-1] if units else "")
