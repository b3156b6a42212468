"""The files that make a fresh copy of a root into one particular machine."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

from sandbox.errors import SandboxError

_HOST_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def host_nameservers(files: Sequence[Path] = _HOST_RESOLVERS) -> list[str]:
    """Return the host's nameservers that a machine can reach too.

    Raises SandboxError when all of them listen on the host's loopback only.
    """
    for path in files:
        lines = path.read_text().splitlines() if path.exists() else []
        servers = [line.split()[1] for line in lines if line.startswith("nameserver ")]
        reachable = [server for server in servers if not server.startswith("127.") and server != "::1"]
        if reachable:
            return reachable
    raise SandboxError(
        "the host's nameserver listens on loopback, where no machine can reach it: pass resolver= with the "
        "address of one on the network"
    )


def machine_files(
    *, name: str, address: str, gateway: str, resolvers: Sequence[str], host_key: bytes, login_key: str
) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of each file by its path in the machine."""
    # The hardware address follows from the other one, so that after a machine was replaced by another with the
    # same number, no neighbour sends to the one that is gone.
    hardware = ":".join(f"{octet:02x}" for octet in (2, 0, *IPv4Address(address).packed))
    network = (
        f"[Match]\nName=host0\n\n[Link]\nMACAddress={hardware}\n\n"
        f"[Network]\nAddress={address}/24\nGateway={gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    )
    return {
        "/etc/hostname": (f"{name}\n".encode(), 0o644),
        # Without its own name here each gathering of facts waits 10 s for an answer.
        "/etc/hosts": (f"127.0.0.1 localhost\n{address} {name}\n::1 localhost\n".encode(), 0o644),
        "/etc/resolv.conf": ("".join(f"nameserver {server}\n" for server in resolvers).encode(), 0o644),
        "/etc/systemd/network/10-host0.network": (network.encode(), 0o644),
        "/etc/ssh/ssh_host_ed25519_key": (host_key, 0o600),
        "/root/.ssh/authorized_keys": (login_key.encode(), 0o600),
    }


def place(tree: Path, path: str, content: bytes, mode: int) -> None:
    """Write a file of the machine whose root is `tree`; `path` is absolute inside it.

    Raises SandboxError when the path would lead out of the tree.
    """
    inside = PurePosixPath(path)
    if not inside.is_absolute() or ".." in inside.parts:
        raise SandboxError(f"{path} is not an absolute path in the machine")
    target = tree
    for part in inside.parts[1:-1]:
        target /= part
        if target.is_symlink() and target.readlink().is_absolute():
            raise SandboxError(f"{path} leads through the absolute symbolic link {target.readlink()}")
        if not target.exists():
            target.mkdir(mode=0o755)
    target /= inside.name
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(content)
    target.chmod(mode)
