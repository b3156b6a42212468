"""Follows one recording or one viewer through the logs of all services.

A recording is known by its media id: the events service logs it when the clip is made and told, Apache at each request.
A viewer is known by addresses: stunnel logs under one number the device's address and the one that it then uses towards
the gateway, which logs the latter.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

UNITS = ("live555@*", "alexa-ip-cam-gateway", "alexa-ip-cam-events", "stunnel@alexa-ip-cam")
APACHE_LOG = Path("/var/log/apache2/alexa-ip-cam-access.log")

_MEDIA_ID = re.compile(r"(?P<camera>[a-z0-9_]{1,32})_[0-9]{8}T[0-9]{9}Z_[0-9]{1,8}_[a-z]{3,6}_[0-9a-f]{20}")
_MESSAGE = re.compile(r"\b([0-9a-f]{8}-[0-9a-f-]{27}): ")
_VIEWER = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}")
_STUNNEL_NUMBER = re.compile(r"LOG[0-9]\[([0-9]+)\]")
_FROM = re.compile(r"(?:accepted connection from|connected remote server from) ((?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]+)")
_ACCESS_TIME = re.compile(r"\[([^\]]+)\]")


class Line(NamedTuple):
    """One line of a log."""

    at: datetime
    unit: str
    text: str


def run(identity: str, *, days: int) -> int:
    """Print what is known; the exit status is 1 when nothing is.

    Raises:
        ValueError: the id has neither form.
        OSError: the logs cannot be read.
    """
    lines = [*journal(days), *apache(_access_lines(APACHE_LOG), days)]
    found = about(identity, lines)
    for line in found:
        print(f"{line.at:%Y-%m-%d %H:%M:%S} {line.unit:28} {line.text}")
    if not found:
        print(f"no log of the last {days} days has {identity}", file=sys.stderr)
    return 0 if found else 1


def about(identity: str, lines: Iterable[Line]) -> list[Line]:
    """The lines about one recording or viewer, in the order of time.

    Raises:
        ValueError: the id is no media id and no address:port.
    """
    ordered = sorted(lines)
    if _MEDIA_ID.fullmatch(identity):
        words = {identity, *_messages(identity, ordered)}
        return [line for line in ordered if any(word in line.text for word in words)]
    if _VIEWER.fullmatch(identity):
        return _viewer(identity, ordered)
    raise ValueError(f"{identity!r} is no media id (as in a clip's file name) and no viewer's address:port")


def _messages(identity: str, lines: Sequence[Line]) -> Iterator[str]:
    """Ids of the messages that told of a recording; what was logged of their tries has no media id."""
    for line in lines:
        if identity in line.text and (match := _MESSAGE.search(line.text)):
            yield match[1]


def _viewer(identity: str, lines: Sequence[Line]) -> list[Line]:
    """stunnel's connection that had this address on either side, and what others say of its addresses meanwhile."""
    number, addresses = "", {identity}
    for line in lines:
        if line.unit.startswith("stunnel") and _address(line) == identity:
            found = _STUNNEL_NUMBER.search(line.text)
            number = found[1] if found else ""
    mine = [line for line in lines if number and f"[{number}]" in line.text and line.unit.startswith("stunnel")]
    addresses |= {address for line in mine if (address := _address(line))}
    whole = re.compile("|".join(rf"(?<![0-9.]){re.escape(address)}(?![0-9])" for address in sorted(addresses)))
    others = [line for line in lines if line not in mine and whole.search(line.text)]
    cameras = {match[1] for line in others if (match := re.search(r"([a-z0-9-]+): viewer ", line.text))}
    seen = sorted([*mine, *others])
    if not seen:
        return []
    units = {f"live555@{camera}.service" for camera in cameras}
    return sorted([*seen, *(line for line in lines if line.unit in units and seen[0].at <= line.at <= seen[-1].at)])


def _address(line: Line) -> str:
    match = _FROM.search(line.text)
    return match[1] if match else ""


def journal(days: int) -> Iterator[Line]:
    """The services' lines of the last days. Raises OSError."""
    argv = ["journalctl", "--no-pager", "--output=json", f"--since=-{days}d"]
    argv += [part for unit in UNITS for part in ("-u", unit)]
    done = subprocess.run(argv, capture_output=True, check=False)
    if done.returncode != 0:
        raise OSError(f"journalctl: {done.stderr.decode(errors='replace').strip()}")
    for raw in done.stdout.splitlines():
        entry = json.loads(raw)
        text = entry.get("MESSAGE")
        if isinstance(text, str):
            at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
            yield Line(at, str(entry.get("_SYSTEMD_UNIT", "")), text)


def apache(lines: Iterable[str], days: int) -> Iterator[Line]:
    """Apache's lines of the last days; its format is the role's own and has no query, so no signature."""
    oldest = datetime.now(UTC) - timedelta(days=days)
    for text in lines:
        match = _ACCESS_TIME.search(text)
        if match is None:
            continue
        at = datetime.strptime(match[1], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
        if at >= oldest:
            yield Line(at, "apache2", text.rstrip("\n"))


def _access_lines(path: Path) -> Iterator[str]:
    for one in (path.with_name(f"{path.name}.1"), path):
        if one.exists():
            with one.open(encoding="utf-8", errors="replace") as stream:
                yield from stream
