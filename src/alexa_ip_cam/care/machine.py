"""What the machine itself tells: units, files that services keep, disks, the clock."""

import email.utils
import http.client
import json
import os
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_SECONDS = 10.0


class Disk(NamedTuple):
    """Free space for ordinary users, in MB (10^6 bytes), and whether it may be written at all."""

    free: float
    read_only: bool


class Kept(NamedTuple):
    """A file of JSON that a service keeps: its content, and its age in seconds. Without one both are None."""

    content: Mapping[str, Any] | None
    age: float | None


def unit_state(unit: str) -> str:
    """systemd's ActiveState of a unit: `active`, `inactive`, `failed`, ...; `missing` when there is no such unit.

    Raises:
        OSError: systemd does not answer.
    """
    argv = ["systemctl", "show", "--property=LoadState,ActiveState", unit]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_SECONDS)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if done.returncode != 0 or "ActiveState" not in told:
        raise OSError(f"systemctl show {unit}: {done.stderr.strip()}")
    return "missing" if told["LoadState"] == "not-found" else told["ActiveState"]


def kept(path: Path) -> Kept:
    """Read such a file. Damaged counts as missing: services replace their files whole."""
    try:
        content = json.loads(path.read_bytes())
        age = max(0.0, time.time() - path.stat().st_mtime)
    except (OSError, ValueError):
        return Kept(None, None)
    return Kept(content, age) if isinstance(content, dict) else Kept(None, None)


def disk(path: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> Disk:
    """Look at the file system that a folder is in.

    Raises:
        OSError: there is no such folder.
    """
    told = os.statvfs(path)
    return Disk(told.f_bavail * told.f_frsize / 1e6, is_read_only(path, mountinfo.read_text(encoding="utf-8")))


def is_read_only(path: Path, mountinfo: str) -> bool:
    """Whether the file system itself is read-only, by proc_pid_mountinfo(5).

    What statvfs tells is the mount's own flag, which is always set in the unit's sandbox.
    """
    found: tuple[int, bool] = (-1, False)
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point, options = Path(before.split()[4]), after.split()[2].split(",")
        if path.is_relative_to(point) and len(point.parts) >= found[0]:
            found = (len(point.parts), "ro" in options)  # of several at one place the last is on top
    return found[1]


def clock_offset(url: str) -> float | None:
    """Seconds that this machine's clock is ahead of a web server's; None when it does not tell.

    The certificate is not verified, which would fail for the very reason that is looked for. Nothing is sent that
    anybody may not know, and what comes back is only compared.
    """
    parts = urllib.parse.urlsplit(url)
    try:
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
        try:
            asked = time.time()
            connection.request("HEAD", parts.path or "/")
            date = connection.getresponse().getheader("Date")
            middle = (asked + time.time()) / 2
        finally:
            connection.close()
        return None if date is None else middle - email.utils.parsedate_to_datetime(date).timestamp()
    except (OSError, http.client.HTTPException, ValueError):
        return None
