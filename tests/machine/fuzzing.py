"""Targets that somebody might try who has one signed URL, and a client that sends them as they are."""

from __future__ import annotations

import posixpath
import random
import ssl
import urllib.parse
from collections.abc import Iterator
from typing import NamedTuple

from home import Home
from home.inventory import CLIPS_NAME
from machine.clip_client import OneConnection

_PIECES = [
    *(bytes([code]) for code in range(256) if code not in b"\n\r #?"),
    *b"%2f %2F %5c %00 %0a %0d%0a %2e %2e%2e %252f %252e %c0%ae %c0%af %e0%80%af %u002f %3f %23 %20 + ; ~ *".split(),
    *b".. ... ../ /../ /.// // /./ ..\\ .mp4 .mp4/ .part .mp4%00.html .. ..;/ clips snapshots cgi-bin icons".split(),
    b"/" * 300,
    b"A" * 9000,
    b"",
]
_GOALS = b"etc/passwd etc/shadow etc/alexa-ip-cam/events-keys.json proc/self/environ srv/alexa-ip-cam/clips/".split()
_UP = b"../ ..%2f %2e%2e/ %2e%2e%2f ..%252f ..%5c ..\\ .%2e/ ..;/ %c0%ae%c0%ae/ ..// ..././ /%2e%2e/".split()


def fuzzed_targets(signed: str, number: int, *, seed: int) -> Iterator[bytes]:
    """Path and query of requests, none of them the signed one; the same ones for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - the same paths every time
    path, query = signed.encode().split(b"?")
    while number > 0:
        target = dice.choice((_changed, _changed, _elsewhere, _climbing, _other_query))(dice, path, query)
        if target != signed.encode() and target.startswith(b"/"):
            number -= 1
            yield target


def is_same(target: bytes, signed: str) -> bool:
    """Whether a target is the signed one in another spelling of its path, with the very same query."""
    path, _, query = target.decode("latin-1").partition("?")
    right, _, wanted = signed.partition("?")
    return posixpath.normpath("/" + urllib.parse.unquote(path).lstrip("/")) == right and query == wanted


def _changed(dice: random.Random, path: bytes, query: bytes) -> bytes:
    """The clip's own path with one to four places changed."""
    whole = bytearray(path)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(1, len(whole))
        whole[at : at + dice.randint(0, 2)] = dice.choice(_PIECES)
    return bytes(whole) + b"?" + query


def _elsewhere(dice: random.Random, path: bytes, query: bytes) -> bytes:
    """Other names in the clip's folder and beside it."""
    parts = path.split(b"/")
    parts[dice.randrange(1, len(parts))] = b"".join(dice.choice(_PIECES) for _ in range(dice.randint(0, 3)))
    return b"/".join(parts) + b"?" + query


def _climbing(dice: random.Random, path: bytes, query: bytes) -> bytes:
    """Out of the served folders, to files that are there."""
    start = b"/".join(path.split(b"/")[: dice.randint(1, 5)]) + b"/"
    return start + dice.choice(_UP) * dice.randint(1, 12) + dice.choice(_GOALS) + dice.choice([b"", b"?" + query])


def _other_query(dice: random.Random, path: bytes, query: bytes) -> bytes:
    """The clip itself, with a signature that is not its own."""
    whole = bytearray(query)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(whole))
        whole[at : at + dice.randint(0, 2)] = dice.choice([*_PIECES[:200], b"&e=99991231235959", b"&s=", b"?"])
    # A fragment is no part of a request; a query that is the same by chance is none of these.
    return path + b"?" + (bytes(whole) if bytes(whole) != query else b"")


class Answer(NamedTuple):
    """What the appliance said; status 400 also stands for a connection that it closed without a word."""

    status: int
    body: bytes


class RawClient(OneConnection[ssl.SSLSocket]):
    """Sends what is no proper HTTP, too."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self._buffer = b""

    def get(self, target: bytes) -> Answer:
        """Send the bytes as they are, and read the whole answer."""
        request = b"GET " + target + b" HTTP/1.1\r\nHost: " + CLIPS_NAME.encode() + b"\r\n\r\n"
        for _ in range(3):
            try:
                if self._connection is None:
                    self._connection, self._buffer = self._secured(), b""
                self._connection.sendall(request)
                return self._answer()
            except ConnectionError:
                self._close()  # kept alive for so long, or for so many requests
        return Answer(400, b"")

    def _answer(self) -> Answer:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        length = int(fields[b"content-length"])
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        if fields.get(b"connection") == b"close":
            self._close()
        return Answer(int(lines[0].split()[1]), body)

    def _more(self) -> None:
        assert self._connection is not None
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionResetError
        self._buffer += data
