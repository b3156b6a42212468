"""Where roots and downloaded packages are kept between runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import SandboxError

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ARCHIVES = "var/cache/apt/archives"


def cache_dir() -> Path:
    """Return the directory for everything kept between runs: $ALEXA_IP_CAM_CACHE or ~/.cache/alexa-ip-cam.

    It is made when missing. Raises SandboxError when its name would not survive in mount options.
    """
    directory = Path(os.environ.get("ALEXA_IP_CAM_CACHE") or Path.home() / ".cache" / "alexa-ip-cam").absolute()
    if any(character in str(directory) for character in ",:\\ \t\n"):
        raise SandboxError(
            f"the cache directory {str(directory)!r} has a space, comma, colon or backslash in its name, which "
            "overlay mounts cannot take: set ALEXA_IP_CAM_CACHE to another one"
        )
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def machines_dir() -> Path:
    """Return the directory for the disks of the machines that run; one for each boot of the host."""
    directory = cache_dir() / "machines" / _BOOT_ID.read_text().strip()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def past_machines() -> list[Path]:
    """Return the directories of machines that the host's last shutdown or crash left without any record."""
    current = machines_dir()
    boots = [path for path in current.parent.iterdir() if len(path.name) == len(current.name)]
    return [path for path in boots if path != current]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is made when missing; waits for other holders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def debs_dir(suite: str) -> Path:
    """Return the directory of downloaded packages of one release."""
    directory = cache_dir() / "debs" / suite
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def lend_debs(suite: str, tree: Path) -> None:
    """Put the downloaded packages into apt's cache under `tree`, as hard links.

    Each tree has its own directory entries, so that apt in one machine needs no lock against another.
    """
    archives = tree / _ARCHIVES
    archives.mkdir(parents=True, exist_ok=True)
    for deb in debs_dir(suite).glob("*.deb"):
        target = archives / deb.name
        if not target.exists():
            os.link(deb, target)


def keep_debs(suite: str, tree: Path) -> None:
    """Move what apt downloaded under `tree` to the packages kept between runs."""
    kept = debs_dir(suite)
    for deb in (tree / _ARCHIVES).glob("*.deb"):
        if deb.is_file() and not deb.is_symlink():
            deb.replace(kept / deb.name)
