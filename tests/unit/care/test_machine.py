"""What the machine tells of its disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexa_ip_cam.care.machine import is_read_only

HEALTHY = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
# The unit's sandbox (ProtectSystem=strict) makes the mount read-only, and its own folder writable again.
SANDBOX = """\
30 1 8:1 / / ro,relatime - ext4 /dev/sda1 rw,errors=remount-ro
31 30 8:1 /var/lib/own /var/lib/own rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
32 30 0:5 / /proc ro - proc proc ro
"""
DAMAGED = "22 1 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 ro,errors=remount-ro\n"
OTHER_DISK = f"{HEALTHY}40 22 8:17 / /srv rw,relatime shared:9 - ext4 /dev/sdb1 ro\n"


@pytest.mark.parametrize(
    ("mountinfo", "path", "read_only"),
    [
        (HEALTHY, "/var/lib", False),
        (SANDBOX, "/var/lib", False),
        (SANDBOX, "/var/lib/own", False),
        (DAMAGED, "/var/lib", True),
        (OTHER_DISK, "/var/lib", False),
        (OTHER_DISK, "/srv/alexa-ip-cam/clips", True),
        (OTHER_DISK, "/srvice", False),
        (f"{OTHER_DISK}41 40 8:33 / /srv rw - ext4 /dev/sdc1 rw\n", "/srv", False),
    ],
)
def test_only_a_file_system_that_is_read_only_itself_counts(mountinfo: str, path: str, read_only: bool) -> None:
    assert is_read_only(Path(path), mountinfo) is read_only
