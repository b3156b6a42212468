"""The small DNS client, and what is made of its answers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible.module_utils.appliance import challenge_rules
from ansible.module_utils.appliance.dns_lookup import (
    CNAME,
    NXDOMAIN,
    SOA,
    Answer,
    LookupFailed,
    ask,
    nameservers,
    parse,
    query,
)


class Server:
    """A DNS server on loopback that answers as told."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.reply: Callable[[dns.message.Message], bytes | None] = lambda _: None
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while True:
            data, peer = self.socket.recvfrom(4096)
            if not data:
                return
            answer = self.reply(dns.message.from_wire(data))
            if answer is not None:
                self.socket.sendto(answer, peer)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self.socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def reply(
    question: dns.message.Message, *, answer: str = "", authority: str = "", code: dns.rcode.Rcode = dns.rcode.NOERROR
) -> bytes:
    message = dns.message.make_response(question)
    message.set_rcode(code)
    for section, text in ((message.answer, answer), (message.authority, authority)):
        if text:
            owner, kind, value = text.split(" ", 2)
            section.append(dns.rrset.from_text(owner, 60, "IN", kind, value))
    return message.to_wire()


SOA_OF = "{} SOA ns.example.com. hostmaster.example.com. 1 2 3 4 5"


def test_a_cname_and_the_zone_are_read(server: Server) -> None:
    server.reply = lambda question: reply(question, answer="_acme-challenge.cams.example.com. CNAME X.Other.net.")
    found = ask("_acme-challenge.cams.example.com", CNAME, ["127.0.0.1"], server.port)
    assert found == Answer(0, "x.other.net", "")
    server.reply = lambda question: reply(question, authority=SOA_OF.format("example.com."), code=dns.rcode.NXDOMAIN)
    assert ask("cams.example.com", SOA, ["127.0.0.1"], server.port) == Answer(NXDOMAIN, "", "example.com")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda wire: wire[:20], "something broken"),
        (lambda wire: b"\0\0" + wire[2:], "another question"),
        (lambda wire: wire[:3] + b"\x02" + wire[4:], "code 2"),
        (lambda wire: wire[:12] + b"\xc0\x0c" * 200, "no end"),
        (lambda _: b"", "something broken"),
    ],
)
def test_a_broken_answer_is_told(broken: Callable[[bytes], bytes], said: str) -> None:
    question = dns.message.from_wire(query("cams.example.com", CNAME, 0x1234))
    wire = reply(question, answer="cams.example.com. CNAME x.other.net.")
    with pytest.raises(ValueError, match=said):
        parse(broken(wire), 0x1234, "cams.example.com")


def test_no_answer_is_told(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr("ansible.module_utils.appliance.dns_lookup._SECONDS", 0.05)
    with pytest.raises(LookupFailed, match=r"127\.0\.0\.1: timed out"):
        ask("cams.example.com", CNAME, ["127.0.0.1"], server.port)


def test_the_next_resolver_is_asked(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setattr("ansible.module_utils.appliance.dns_lookup._SECONDS", 0.2)
    server.reply = lambda question: reply(question, answer="a.example.com. CNAME b.example.com.")
    assert ask("a.example.com", CNAME, ["127.0.0.2", "127.0.0.1"], server.port).cname == "b.example.com"


def test_the_question_is_one_that_others_understand() -> None:
    message = dns.message.from_wire(query("_acme-challenge.Cams.example.com.", CNAME, 7))
    assert message.id == 7
    assert message.flags == dns.flags.RD
    assert message.question[0].to_text() == "_acme-challenge.Cams.example.com. IN CNAME"
    with pytest.raises(ValueError, match="no DNS name"):
        query("a..b", CNAME, 7)
    assert struct.unpack(">H", query("a.b", SOA, 7)[:2]) == (7,)


def test_resolvers_are_found() -> None:
    assert nameservers("# x\nsearch lan\nnameserver 192.168.1.1\nnameserver fd00::1 # y\n") == [
        "192.168.1.1",
        "fd00::1",
    ]
    assert nameservers("") == ["127.0.0.1"]


# What is made of it


class Zone:
    """DNS as a table: CNAME records, and names that do not exist."""

    def __init__(self, cnames: dict[str, str] | None = None, missing: set[str] | None = None) -> None:
        self.cnames, self.missing = cnames or {}, missing or set()

    def __call__(self, name: str, kind: int) -> Answer:
        if kind == CNAME:
            return Answer(0, self.cnames.get(name, ""), "example.com")
        domain = ".".join(name.split(".")[-2:])
        return Answer(NXDOMAIN, "", domain.split(".")[-1] if domain in self.missing else domain)


CHALLENGE = "_acme-challenge.cams.example.com"


@pytest.mark.parametrize(
    ("zone", "delegations", "own_hooks", "said"),
    [
        (Zone(), {}, False, None),
        (Zone(missing={"example.com"}), {}, False, "no domain of cams.example.com exists in DNS"),
        (Zone({CHALLENGE: "x.other.net"}), {}, False, f"{CHALLENGE} is a CNAME to x.other.net"),
        (Zone({CHALLENGE: "x.other.net"}), {}, True, None),
        (Zone(), {"cams.example.com": "x.other.net"}, False, f"DNS has no record {CHALLENGE} CNAME x.other.net: add"),
        (Zone({CHALLENGE: "y.other.net"}), {"cams.example.com": "x.other.net"}, False, "leads to y.other.net and not"),
        (Zone({CHALLENGE: "x.other.net"}), {"cams.example.com": "X.other.net."}, False, None),
        (
            Zone({CHALLENGE: "x.other.net"}, {"other.net"}),
            {"cams.example.com": "x.other.net"},
            False,
            "but no such domain exists",
        ),
    ],
)
@pytest.mark.parametrize("name", ["cams.example.com", "*.Cams.example.com"])
def test_what_is_missing_is_told(
    zone: Zone, delegations: dict[str, str], own_hooks: bool, said: str | None, name: str
) -> None:
    told = challenge_rules.problems([name], delegations, own_hooks=own_hooks, ask=zone)
    assert len(told) == (0 if said is None else 1)
    assert said is None or said in told[0]


def test_a_resolver_that_fails_is_told_for_each_name() -> None:
    def silent(_: str, __: int) -> Answer:
        raise LookupFailed("10.0.0.1: timed out")

    told = challenge_rules.problems(["a.example.com", "b.example.com"], {}, own_hooks=False, ask=silent)
    assert [text.split(" (")[0] for text in told] == [
        "nobody tells what DNS has for a.example.com",
        "nobody tells what DNS has for b.example.com",
    ]
