"""A small DNS client (RFC 1035): asks the machine's resolvers for CNAME and SOA records, which libc cannot."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CNAME, SOA = 5, 6
NOERROR, NXDOMAIN = 0, 3
_CLASS_IN = 1
_TRIES = 2
_SECONDS = 3.0
_POINTER = 0xC0
_MOST_JUMPS = 20


class LookupFailed(Exception):  # noqa: N818 - reads as what it is
    """No resolver gave an answer; says why."""


@dataclass(frozen=True)
class Answer:
    """`code` is the response code; `cname` where the name points, `zone` the zone it is in, both empty if not told."""

    code: int
    cname: str
    zone: str


def nameservers(resolv_conf: str) -> list[str]:
    """The resolvers in the text of a resolv.conf; the one of this machine when it names none."""
    rows = [line.split() for line in resolv_conf.splitlines()]
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"] or ["127.0.0.1"]


def ask(name: str, kind: int, servers: Sequence[str] | None = None, port: int = 53) -> Answer:
    """Ask for the records of one type of a name. Raises LookupFailed when nobody answers."""
    servers = servers or nameservers(Path("/etc/resolv.conf").read_text())
    problem = "no resolver"
    for server in [*servers] * _TRIES:
        identity = secrets.randbelow(1 << 16)
        try:
            reply = _exchange(server, port, query(name, kind, identity))
            return parse(reply, identity, name)
        except (OSError, ValueError) as error:
            problem = f"{server}: {error or type(error).__name__}"
    raise LookupFailed(problem)


def query(name: str, kind: int, identity: int) -> bytes:
    """The question in wire format, recursion desired. Raises ValueError for what is no DNS name."""
    labels = [label.encode("idna") for label in name.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name!r} is no DNS name")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">6H", identity, 0x0100, 1, 0, 0, 0) + encoded + struct.pack(">2H", kind, _CLASS_IN)


def parse(reply: bytes, identity: int, name: str) -> Answer:
    """Read a reply. Raises ValueError for one that is broken, for another question, or a resolver's failure."""
    try:
        got, flags, questions, answers, authorities, _ = struct.unpack_from(">6H", reply)
        code = flags & 0xF
        if got != identity or not flags & 0x8000:
            raise ValueError("it answers another question")
        if code not in (NOERROR, NXDOMAIN):
            raise ValueError(f"it answers with code {code}")
        at = 12
        for _ in range(questions):
            _, at = _name(reply, at)
            at += 4
        cname = zone = ""
        for _ in range(answers + authorities):
            owner, at = _name(reply, at)
            kind, _, _, length = struct.unpack_from(">2HIH", reply, at)
            at += 10
            if kind == CNAME and owner == name.rstrip(".").lower():
                cname, _ = _name(reply, at)
            elif kind == SOA:
                zone = owner
            at += length
    except (struct.error, IndexError):
        raise ValueError("it answers with something broken") from None
    return Answer(code, cname, zone)


def _name(reply: bytes, at: int) -> tuple[str, int]:
    """A name in small letters, and where the next field begins."""
    labels: list[str] = []
    end = 0
    for _ in range(_MOST_JUMPS * 10):
        length = reply[at]
        if length & _POINTER == _POINTER:
            end = end or at + 2
            at = struct.unpack_from(">H", reply, at)[0] & 0x3FFF
        elif length == 0:
            return ".".join(labels), end or at + 1
        else:
            labels.append(reply[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
            at += 1 + length
    raise ValueError("it answers with a name that has no end")


def _exchange(server: str, port: int, question: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as plain:
        plain.settimeout(_SECONDS)
        plain.connect((server, port))
        plain.send(question)
        return plain.recv(4096)
