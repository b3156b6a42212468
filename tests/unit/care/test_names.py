"""The domain's own servers are asked past whatever filters the answers here."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from alexa_ip_cam.care import names

A, NS = 1, 2


class Server:
    """Answers for example.test: an NS record that leads to itself, and one A record."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.broken = False
        self.asked: list[tuple[str, int, bool]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(b"\0" if self.broken else self._answer(data), peer)

    def _answer(self, data: bytes) -> bytes:
        identity, flags = struct.unpack_from(">2H", data)
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind = struct.unpack_from(">H", data, at + 1)[0]
        name = ".".join(labels)
        self.asked.append((name, kind, bool(flags & 0x0100)))
        pointer = b"\xc0\x0c"
        records = []
        if kind == NS and name == "example.test":
            target = b"\x09localhost\0"
            records = [pointer + struct.pack(">2HIH", NS, 1, 60, len(target)) + target]
        elif kind == A and name == "cams.example.test":
            records = [
                pointer + struct.pack(">2HIH", A, 1, 60, 4) + socket.inet_aton(address) for address in self.addresses
            ]
        return struct.pack(">6H", identity, 0x8180, 1, len(records), 0, 0) + data[12 : at + 5] + b"".join(records)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(["192.168.1.5"])
    yield running
    running.stop()


def test_the_zone_is_found_and_its_server_asked_without_recursion(server: Server) -> None:
    assert names.own_answer("cams.example.test", ["127.0.0.1"], server.port) == ("192.168.1.5",)
    assert server.asked == [
        ("cams.example.test", NS, True),
        ("example.test", NS, True),
        ("cams.example.test", A, False),
    ]


def test_a_domain_without_the_record_has_no_address(server: Server) -> None:
    server.addresses = []
    assert names.own_answer("cams.example.test", ["127.0.0.1"], server.port) == ()


def test_nobody_who_answers_is_not_the_same_as_no_address(server: Server) -> None:
    server.broken = True
    assert names.own_answer("cams.example.test", ["127.0.0.1"], server.port) is None


def test_only_addresses_of_this_machine_are_ours() -> None:
    answers = names.ask("localhost")
    assert answers.here == answers.ours == ("127.0.0.1",)
