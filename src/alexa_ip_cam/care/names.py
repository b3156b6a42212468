"""What a name leads to: by this machine's resolver, and by the domain's own servers, which no router filters.

Just enough of DNS (RFC 1035) to ask a server of the domain itself, which libc cannot.
"""

import contextlib
import secrets
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_A, _NS = 1, 2
_SECONDS = 3.0
_RECURSION = 0x0100
_POINTER = 0xC0
_MOST_LABELS = 128


class Answers(NamedTuple):
    """`here` (IPv4) and `six` (IPv6) by this machine's resolver; `own` by the domain's servers, None if none answers.

    `ours` are those of `here` that are this machine's.
    """

    here: tuple[str, ...]
    six: tuple[str, ...]
    own: tuple[str, ...] | None
    ours: tuple[str, ...]


def ask(name: str, resolv_conf: Path = Path("/etc/resolv.conf")) -> Answers:
    """Ask both."""
    here, six = _system(name, socket.AF_INET), _system(name, socket.AF_INET6)
    return Answers(here, six, own_answer(name, _resolvers(resolv_conf)), tuple(one for one in here if _is_ours(one)))


def own_answer(name: str, resolvers: Sequence[str], port: int = 53) -> tuple[str, ...] | None:
    """The addresses that the domain's own servers have for a name; None when none of them answers."""
    for server in _servers_of(name, resolvers, port):
        with contextlib.suppress(OSError, ValueError):
            return tuple(socket.inet_ntoa(data) for _, data in _query(server, name, _A, port, recursion=False))
    return None


def _system(name: str, family: socket.AddressFamily) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except socket.gaierror:
        return ()
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def _is_ours(address: str) -> bool:
    """Only an address of this machine can be bound."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _resolvers(resolv_conf: Path) -> list[str]:
    try:
        rows = [line.split() for line in resolv_conf.read_text(encoding="utf-8").splitlines()]
    except OSError:
        rows = []
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver" and ":" not in row[1]] or ["127.0.0.1"]


def _servers_of(name: str, resolvers: Sequence[str], port: int) -> Iterator[str]:
    """Addresses of the servers of the zone that a name is in."""
    labels = name.rstrip(".").split(".")
    for cut in range(len(labels) - 1):
        for resolver in resolvers:
            with contextlib.suppress(OSError, ValueError):
                found = [data for _, data in _query(resolver, ".".join(labels[cut:]), _NS, port)]
                for server in found:
                    yield from _system(server.decode(), socket.AF_INET)
                if found:
                    return
                break


def _query(server: str, name: str, kind: int, port: int, *, recursion: bool = True) -> list[tuple[str, bytes]]:
    """Records of one kind: owner, and address or name. Raises OSError or ValueError without an answer."""
    identity = secrets.randbelow(1 << 16)
    encoded = b"".join(bytes([len(label)]) + label.encode("idna") for label in name.rstrip(".").split(".")) + b"\0"
    question = struct.pack(">6H", identity, _RECURSION * recursion, 1, 0, 0, 0) + encoded + struct.pack(">2H", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(_SECONDS)
        plain.connect((server, port))
        plain.send(question)
        reply = plain.recv(4096)
    try:
        return _records(reply, identity, kind)
    except (struct.error, IndexError):
        raise ValueError("a broken answer") from None


def _records(reply: bytes, identity: int, kind: int) -> list[tuple[str, bytes]]:
    got, flags, questions, answers, _, _ = struct.unpack_from(">6H", reply)
    if got != identity or not flags & 0x8000 or flags & 0xF not in (0, 3):
        raise ValueError("no answer to the question")
    at = 12
    for _ in range(questions):
        at = _name(reply, at)[1] + 4
    found = []
    for _ in range(answers):
        owner, at = _name(reply, at)
        got_kind, _, _, length = struct.unpack_from(">2HIH", reply, at)
        at += 10
        if got_kind == kind:
            data = reply[at : at + length] if kind == _A else _name(reply, at)[0].encode()
            found.append((owner, data))
        at += length
    return found


def _name(reply: bytes, at: int) -> tuple[str, int]:
    """A name, and where the next field begins."""
    labels: list[str] = []
    end = 0
    for _ in range(_MOST_LABELS):
        length = reply[at]
        if length & _POINTER == _POINTER:
            end = end or at + 2
            at = int.from_bytes(reply[at : at + 2], "big") & 0x3FFF
        elif length == 0:
            return ".".join(labels), end or at + 1
        else:
            labels.append(reply[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
    raise ValueError("a name that has no end")
