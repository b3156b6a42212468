"""The proof, and renewals on the running machine: under viewers, in every kind of trouble, and what is told of it."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from home import renewals
from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.edge.alarms import Alarms
from machine.edge.bench import CHAIN_LENGTH, DELEGATED, Edge
from machine.edge.doings import CONFIG, LIVE, failed_renewal, file_replaced, renew, viewer
from world import acme

pytestmark = pytest.mark.machine

HERE = Path(__file__).resolve().parent
ROOTS = "/etc/alexa-ip-cam/echo-roots.pem"
PROOF = "/var/lib/alexa-ip-cam-proof/proof.json"
CREDENTIALS = "/etc/letsencrypt/dns-rfc2136.ini"


def prove(edge: Edge) -> bool:
    """Have the proof's unit look; tells whether all was well."""
    done = edge.appliance.run(["systemctl", "start", "alexa-ip-cam-proof.service"], check=False, timeout=120)
    return done.returncode == 0


def result(edge: Edge) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(edge.appliance.read(PROOF))
    return found


def on_disk(edge: Edge) -> bytes:
    return ssl.PEM_cert_to_DER_cert(edge.appliance.read(f"{LIVE}/cert.pem").decode())


def served(edge: Edge, name: str) -> bytes:
    with edge.connect(name) as tls:
        return tls.getpeercert(binary_form=True) or b""


def resources(edge: Edge) -> tuple[int, int]:
    """stunnel's open files, and how many sockets listen on port 443."""
    pid = edge.appliance.run(["systemctl", "show", "-p", "MainPID", "--value", "stunnel@alexa-ip-cam"]).stdout.strip()
    files = edge.appliance.run(["ls", f"/proc/{pid}/fd"]).stdout.split()
    listening = edge.appliance.run(["ss", "-Hltn", "sport = :443"]).stdout.splitlines()
    return len(files), len(listening)


# The proof


def test_the_proof_goes_by_the_roots_that_an_echo_has(edge: Edge, alarms: Alarms) -> None:
    """The same chain, with only its root in the store, and with only another one."""
    assert prove(edge)
    found = result(edge)
    assert found["ok"] is True
    assert found["chain"][-1] == edge.world.acme_root_names()[1]
    assert len(found["chain"]) == 1 + CHAIN_LENGTH
    assert {name: each["as_on_disk"] for name, each in found["names"].items()} == {STREAMS_NAME: True, CLIPS_NAME: True}
    with file_replaced(edge, ROOTS, edge.world.acme_roots()[0].encode()):
        assert not prove(edge)
        assert "the chain does not lead to the root that Echo devices trust" in alarms.wait("chain").body
        assert alarms.raised() == ["certificate"]
    assert prove(edge)
    assert alarms.wait("well again").body.count("the chain does not lead") == 2
    assert alarms.raised() == []


def test_a_renewed_chain_that_an_echo_refuses_is_not_served(edge: Edge, alarms: Alarms) -> None:
    """certbot takes another chain in silence when the preferred one is gone."""
    before = edge.served()
    conf = "/etc/letsencrypt/renewal/alexa-ip-cam.conf"
    wanted = edge.variables["certbot_preferred_chain"]
    edge.appliance.run(["sed", "-i", f"s/^preferred_chain = .*/preferred_chain = {wanted} of yore/", conf])
    assert renew(edge) != 0
    assert on_disk(edge) != before
    assert served(edge, STREAMS_NAME) == served(edge, CLIPS_NAME) == before
    post = alarms.wait("an Echo would refuse the new certificate")
    assert "set certbot_preferred_chain" in post.body
    assert alarms.raised() == ["certificate"]
    # What the mend says: a run of the role, which finds the chain and the setting.
    assert edge.play(roles=("certbot",)).failed == 0
    assert served(edge, STREAMS_NAME) == on_disk(edge) != before
    assert prove(edge)
    alarms.wait("well again")


# Renewals


def test_renewals_under_a_viewer_are_served_at_once_and_leave_nothing_behind(edge: Edge) -> None:
    before = resources(edge)
    assert before[1] == 1
    with viewer(edge):
        watched = resources(edge)
        for _ in range(2):  # benchmarks/renewal.py does it twenty times
            old = edge.served()
            renewal = renewals.renew(edge.appliance, (STREAMS_NAME, CLIPS_NAME))
            assert renewal.status == 0
            assert renewal.served_s <= 5
            assert served(edge, STREAMS_NAME) == served(edge, CLIPS_NAME) == on_disk(edge) != old
            assert resources(edge) == watched
    deadline = time.monotonic() + 5
    while resources(edge) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert resources(edge) == before
    assert result(edge)["ok"] is True


@contextmanager
def acme_is(edge: Edge, *, answer: str = "", days: int = 0) -> Iterator[None]:
    """Another ACME server in the real one's place: nobody, one that says `answer`, or one `days` beside our clock."""
    hosts = edge.appliance.read("/etc/hosts")
    bundle = "/etc/letsencrypt/alexa-ip-cam-acme-ca.pem"
    real = edge.appliance.read(bundle)
    authority = acme.make_authority("127.0.0.1", days=days)
    edge.appliance.write("/run/acme.pem", authority.certificate_pem + authority.key_pem, 0o600)
    edge.appliance.write("/etc/hosts", hosts + f"127.0.0.1 {acme.NAME}\n".encode())
    edge.appliance.write("/run/stand_in/server.py", (HERE / "acme_stand_in.py").read_bytes())
    edge.appliance.write(bundle, authority.ca_pem)
    run = [
        "systemd-run",
        "--unit=acme-stand-in",
        "-q",
        "/usr/bin/python3",
        "/run/stand_in/server.py",
        str(acme.PORT),
        answer,
    ]
    try:
        if answer:
            edge.appliance.run(run)
        yield
    finally:
        edge.appliance.run(["systemctl", "stop", "acme-stand-in.service"], check=False)
        edge.appliance.write("/etc/hosts", hosts)
        edge.appliance.write(bundle, real)


@contextmanager
def challenges_away(edge: Edge) -> Iterator[None]:
    """A forgotten CNAME leads the ACME server away from where certbot writes."""
    name = f"_acme-challenge.{STREAMS_NAME}"
    edge.world.set_alias(name, f"_acme-challenge.{DELEGATED}")
    try:
        yield
    finally:
        edge.world.set_alias(name, None)


@contextmanager
def dns_host_away(edge: Edge) -> Iterator[None]:
    """The credentials lead to a DNS host to which there is no way."""
    route = ["unreachable", "192.0.2.53/32"]
    content = edge.appliance.read(CREDENTIALS).replace(edge.world.address.encode(), b"192.0.2.53")
    edge.appliance.run(["ip", "route", "add", *route])
    try:
        with file_replaced(edge, CREDENTIALS, content):
            yield
    finally:
        edge.appliance.run(["ip", "route", "del", *route])


@contextmanager
def no_dns(edge: Edge) -> Iterator[None]:
    """Neither the DNS host nor the resolver runs."""
    edge.world.machine.run(["systemctl", "stop", "named"])
    try:
        yield
    finally:
        edge.world.machine.run(["systemctl", "start", "named"])
        # It answers before it has read its zones.
        edge.appliance.run(["timeout", "20", "sh", "-c", f"until getent hosts {acme.NAME}; do sleep 0.2; done"])


def fails_and_says(edge: Edge, pattern: str) -> None:
    """Have a renewal fail of which the owner is told in these words; one may fail of refused nonces before it."""
    for _ in range(3):
        failed_renewal(edge)
        listed = edge.appliance.run(["alexa-ip-cam-alarm", "list"]).stdout.replace("\n", " ")
        if re.search(pattern, listed):
            return
    raise AssertionError(f"no alarm says {pattern}; there are: {listed}")


def test_every_trouble_leaves_the_old_certificate_alarms_after_the_third_and_heals(edge: Edge, alarms: Alarms) -> None:
    assert renew(edge) == 0
    before = edge.served()
    assert alarms.raised() == []
    alarms.new()
    with acme_is(edge):
        failed_renewal(edge, "Connection refused")
    # As if this machine's clock were days behind, and then a month ahead.
    with acme_is(edge, answer="200", days=2):
        failed_renewal(edge, "not yet valid")
    assert alarms.new() == []
    with acme_is(edge, answer="200", days=-30):
        failed_renewal(edge)
    post = alarms.wait("could not be renewed, 3 times in a row")
    assert re.search("clock seems wrong.*has expired", post.body)
    with acme_is(edge, answer="429"):
        fails_and_says(edge, "4 times in a row.*The ACME server asks to wait.*rateLimited")
    with edge.world.frozen_dns():
        fails_and_says(edge, "The DNS host refuses the credentials.*REFUSED")
    # The record appears where nobody looks for it, and the ACME server calls the order invalid.
    with challenges_away(edge):
        fails_and_says(edge, f"did not find the challenge in DNS.*{STREAMS_NAME}: unauthorized: ")
    # The DNS host is down, and the rest of DNS is not; then all of it is.
    with dns_host_away(edge):
        fails_and_says(edge, "cannot be reached.*No route to host")
    with no_dns(edge):
        fails_and_says(edge, "cannot be reached.*name resolution")
    assert alarms.new() == []  # the same alarm is told again tomorrow
    assert edge.served() == before
    timer = edge.appliance.run(["systemctl", "show", "-p", "NextElapseUSecRealtime", "certbot.timer"]).stdout
    assert re.search(r"=\w", timer)
    # The trouble is over, and the timer's next run does what has to be done.
    assert renew(edge) == 0
    assert edge.served() == on_disk(edge) != before
    alarms.wait("well again, after")
    assert alarms.raised() == []


def test_a_hook_that_breaks_is_found_and_heals_once_it_is_mended(edge: Edge, alarms: Alarms) -> None:
    before = edge.served()
    with file_replaced(edge, CONFIG, edge.appliance.read(CONFIG) + b"nonsense\n"):
        assert renew(edge) != 0
        assert edge.served() == before != on_disk(edge)
        post = alarms.wait("the certificate on disk is not the one that is served")
        assert "stunnel kept its old configuration" in post.body
        assert "stunnel kept its old configuration" in edge.appliance.journal("certbot.service")
    # The timer's next run: nothing is due, but the proof follows it, and does what the last one left undone.
    edge.appliance.run(["systemctl", "start", "certbot.service"], timeout=120)
    renewals.settle(edge.appliance)
    assert edge.served() == on_disk(edge)
    alarms.wait("well again")


# Keys

_SNOOP = """\
import os, time
end = time.monotonic() + 600
while time.monotonic() < end:
    for place in ("/etc/letsencrypt", "/etc/stunnel", "/var/lib/letsencrypt", "/var/log", "/tmp", "/var/tmp"):
        for directory, _, names in os.walk(place):
            for name in names:
                try:
                    with open(os.path.join(directory, name), "rb") as stream:
                        text = stream.read()
                except OSError:
                    continue
                if b"PRIVATE KEY" in text or b"dns_rfc2136_secret" in text:
                    print("readable:", os.path.join(directory, name), flush=True)
    print("looked", flush=True)
    time.sleep(0.005)
"""


@contextmanager
def somebody_looks(edge: Edge) -> Iterator[None]:
    """Another user tries all the while to read every file that may hold a secret, and must not come to one."""
    edge.appliance.write("/usr/local/bin/snoop", _SNOOP.encode())
    edge.appliance.run(["systemd-run", "--unit=snoop", "--uid=nobody", "/usr/bin/python3", "/usr/local/bin/snoop"])
    try:
        yield
    finally:
        edge.appliance.run(["systemctl", "stop", "snoop.service"])
    said = edge.appliance.run(["journalctl", "-u", "snoop", "-o", "cat", "--no-pager"]).stdout
    assert said.count("looked") > 100
    assert "readable:" not in said


def test_another_name_gets_one_new_certificate_under_a_viewer_and_nobody_can_read_its_key(edge: Edge) -> None:
    """Issued by the role, given to stunnel, renewed."""
    more = [STREAMS_NAME, CLIPS_NAME, "example.test"]
    with somebody_looks(edge), viewer(edge):
        assert edge.play("--diff", roles=("certbot",), certbot_names=more).changed == 1
        leaf = x509.load_der_x509_certificate(edge.served())
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert set(names.get_values_for_type(x509.DNSName)) == set(more)
        assert renew(edge) == 0
    assert edge.play(roles=("certbot", "stunnel"), certbot_names=more).changed == 0
    script = "find /etc/letsencrypt /etc/stunnel /var/backups /var/lib /var/log /root /srv -xdev -type f -perm /o=r"
    others = edge.appliance.run(
        ["sh", "-c", f"{script} -exec grep -l 'BEGIN .*PRIVATE KEY' {{}} +"], check=False
    ).stdout
    assert others == ""


# When certbot renews


def test_certbot_itself_finds_the_right_time_for_every_lifetime(edge: Edge) -> None:
    """This machine's certbot, asked about certificates of several lifetimes and ages, with what we plan for it."""
    edge.appliance.write("/run/times/certbot_times.py", (HERE / "certbot_times.py").read_bytes())
    environment = "PYTHONPATH=/usr/local/lib/alexa-ip-cam/proof"
    told = edge.appliance.run(
        ["env", environment, "/usr/bin/python3", "/run/times/certbot_times.py"], timeout=120
    ).stdout
    decisions = {(entry["days"], entry["left"]): entry["renews"] for entry in json.loads(told.splitlines()[-1])}
    assert len(decisions) == 15
    for (days, left), renews in decisions.items():
        assert renews == (left < (1 / 2 if days < 10 else 1 / 3)), (days, left)
