"""What the host must have before a machine can be made, and how to get it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sandbox import cgroups
from sandbox.errors import CommandError, SandboxError

FILESYSTEMS = Path("/proc/filesystems")
#: Program that must be found on PATH, and the Debian package that brings it.
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
}


def tool(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    check: bool = True,
    env: dict[str, str] | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a program of the host and return its output as text.

    Raises CommandError when it fails and `check` is set, SandboxError when it is missing or runs longer than
    `timeout` seconds.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            env=env,
            check=False,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        raise SandboxError(missing_message([command[0]])) from error
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"`{command[0]}` did not end within {timeout:.0f} s") from error
    if check and done.returncode != 0:
        raise CommandError(done.returncode, command, done.stdout, done.stderr, "host")
    return done


def missing_programs() -> list[str]:
    """Return the needed programs that are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def missing_message(programs: Sequence[str]) -> str:
    """Say which packages to install for these programs."""
    packages = sorted({PROGRAMS.get(program, program) for program in programs})
    return f"not installed: {', '.join(programs)}. Install with: apt-get install {' '.join(packages)}"


def install_host_packages() -> None:
    """Install what is missing with apt-get; does nothing when all is there. Needs root."""
    missing = missing_programs()
    if not missing:
        return
    _require_root()
    packages = sorted({PROGRAMS[program] for program in missing})
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-q", "update"],
        ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages],
    ):
        tool(command, env=env, timeout=900)


def require_host() -> None:
    """Raise SandboxError, saying what to do, unless this host can boot machines."""
    _require_root()
    if missing := missing_programs():
        raise SandboxError(missing_message(missing))
    if not cgroups.hierarchies():
        raise SandboxError(
            "no control group hierarchy for systemd is mounted here; mount one with "
            "`mount -t cgroup2 none /sys/fs/cgroup`"
        )


def require_overlay(directory: Path) -> None:
    """Raise SandboxError unless an overlay whose writable part lies in `directory` can be mounted."""
    with tempfile.TemporaryDirectory(prefix="probe-", dir=directory) as name:
        probe = Path(name)
        for part in ("lower", "upper", "work", "merged"):
            (probe / part).mkdir()
        done = tool(
            [
                *("mount", "-t", "overlay", "overlay", "-o"),
                f"lowerdir={probe}/lower,upperdir={probe}/upper,workdir={probe}/work",
                f"{probe}/merged",
            ],
            check=False,
        )
        if done.returncode == 0:
            tool(["umount", f"{probe}/merged"])
            return
    if "overlay" not in FILESYSTEMS.read_text():
        reason = "this kernel has no overlayfs (modprobe overlay)"
    elif "permission denied" in done.stderr.lower() or "not permitted" in done.stderr.lower():
        reason = "mounting is not permitted here; run on a real or virtual machine or in a privileged container"
    else:
        reason = (
            f"{done.stderr.strip()} ({directory} may itself be on an overlay: set ALEXA_IP_CAM_CACHE to a "
            "directory on ext4, xfs or btrfs)"
        )
    raise SandboxError(f"systemd-nspawn cannot work here: {reason}")


def _require_root() -> None:
    if os.geteuid() != 0:
        raise SandboxError("machines are made by root only: run as root, or with sudo")
