"""What the machine that becomes the appliance has to be like: each rule gives a sentence with the mend.

The rules read and change nothing. Facts come in as arguments, so that each rule can be tested without a machine.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible.module_utils.appliance import sockets

CLOCK_SECONDS = 60.0
"""More than starting a module takes on a slow board, and little beside the minutes for which a signed URL is good."""


def os_release(path: Path) -> dict[str, str]:
    """The ``KEY=value`` lines of os-release(5), without quotes; empty when there is no such file."""
    if not path.exists():
        return {}
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {key: value.strip("\"'") for key, _, value in lines}


def system_problems(release: Mapping[str, str], supported: Mapping[str, Sequence[str]]) -> list[str]:
    """Whether this is a supported system; ``supported`` maps os-release IDs to VERSION_IDs."""
    if release.get("VERSION_ID", "") in supported.get(release.get("ID", ""), ()):
        return []
    wanted = " or ".join(f"{name} {' and '.join(versions)}" for name, versions in supported.items())
    found = release.get("PRETTY_NAME", "an unknown system")
    return [f"it runs {found}; the appliance is made for {wanted}, install one of these"]


def machine_problems(machine: str, supported: Sequence[str]) -> list[str]:
    """Whether the processor is of a kind the programs are built for."""
    if machine in supported:
        return []
    return [f"its processor is a {machine}; use a machine with one of {', '.join(supported)}"]


def systemd_problems(marker: Path) -> list[str]:
    """Whether systemd is the init system; sd_booted(3) defines the marker."""
    return [] if marker.is_dir() else ["systemd does not run on it; boot the machine with systemd as its init"]


def python_problems(version: tuple[int, int], least: Sequence[int]) -> list[str]:
    """Whether Python is new enough."""
    if version >= tuple(least):
        return []
    found, wanted = (".".join(map(str, part)) for part in (version, least))
    return [f"Ansible uses its Python {found}; Python {wanted} is needed, see ansible_python_interpreter"]


def disk_problems(least_megabytes: Mapping[str, int]) -> list[str]:
    """Whether each directory, or the nearest above it, has so much room for root's programs."""
    problems = []
    for name, least in least_megabytes.items():
        path = next(place for place in (Path(name), *Path(name).parents) if place.exists())
        status = os.statvfs(path)
        free = status.f_bavail * status.f_frsize // 1_000_000
        if free < least:
            problems.append(f"{name} has {free} MB free and {least} MB are needed; make room, or enlarge its disk")
    return problems


def listener_problems(what: str, listen: str, units: Sequence[str], mend: str) -> list[str]:
    """Whether an address and port (``127.0.0.1:8080``) are free, or held by one of our own units (shell patterns)."""
    address, _, number = listen.rpartition(":")
    if not address or not number.isdecimal() or not 0 < int(number) < 2**16:
        return [f"{what} cannot listen on {listen!r}; write an address and a port, such as 127.0.0.1:8080"]
    port = int(number)
    found = sockets.holders(port)
    if any(fnmatch.fnmatchcase(holder.unit, unit) for holder in found for unit in units):
        return []
    try:
        if sockets.can_listen(address, port):
            return []
    except OSError as error:
        return [f"{what} cannot listen on {listen}: {error.strerror}; correct the address"]
    taken_by = " and ".join(str(holder) for holder in found) or "a process of another container or the kernel"
    return [f"{what} needs port {port}, which is taken by {taken_by}; {mend}"]


def clock_remarks(here: float, controller: float) -> list[str]:
    """Whether this machine's clock goes as the controller's does (both in Unix seconds)."""
    off = here - controller
    if abs(off) <= CLOCK_SECONDS:
        return []
    side = "ahead of" if off > 0 else "behind"
    what = f"this machine's clock is {abs(off):.0f} s {side} that of the computer you work at"
    return [f"{what}; certificates and signed URLs need the right time: `timedatectl set-ntp true` on the wrong one"]


def look_up(names: Sequence[str], patience_seconds: float) -> dict[str, list[str] | None]:
    """Addresses of each name, [] for one without any, None for one without an answer in time."""
    answers: dict[str, list[str] | None] = dict.fromkeys(names)

    def ask(name: str) -> None:
        try:
            found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
        except OSError:
            answers[name] = []
        else:
            answers[name] = sorted({str(entry[4][0]) for entry in found})

    # Daemons: the resolver cannot be interrupted, and must not hold the module up.
    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience_seconds)
    return dict(answers)


def name_remarks(name: str, addresses: Sequence[str] | None) -> list[str]:
    """What an Echo would stumble over in the DNS answer for one of our names.

    Remarks and not problems: nothing the appliance builds needs the answer, and its resolver need not be the Echo's.
    """
    if addresses is None:
        return [f"DNS gave no answer for {name} in time; see that the appliance's resolver works"]
    if not addresses:
        rebinding = "if it already does, allow it in your router's protection against DNS rebinding"
        return [f"{name} has no address yet; point it to this machine in your DNS, and {rebinding}"]
    remarks = []
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if address.is_loopback or address.is_unspecified or address.is_link_local:
            remarks.append(f"{name} points to {text}, which every device takes for itself; point it to this machine")
        elif address.version == 6:
            remarks.append(
                f"{name} has the IPv6 address {text}, where port 443 does not answer; take the AAAA record away"
            )
        elif address.is_private and not sockets.is_local(text):
            remarks.append(f"{name} points to {text}, which is not this machine; correct it, unless that forwards here")
    return remarks
