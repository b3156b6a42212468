"""What changes on a running machine: certificates, cameras, settings; what is refused; what must go on meanwhile."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest
from cryptography import x509

from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.edge.bench import CAMERAS, FILM, Edge, answer, describe, signed
from machine.edge.doings import CONFIG, HOOK, LIVE, file_replaced, refusal, state, viewer

pytestmark = pytest.mark.machine


# Certificates


def test_a_chain_that_is_not_offered_is_refused(edge: Edge) -> None:
    """A root that exists, and that the ACME server does not issue from; and one that does not exist."""
    before, served = state(edge), edge.served()
    said = refusal(edge, roles=("certbot",), certbot_preferred_chain="ISRG Root X1", certbot_root_file="")
    assert "and not to 'ISRG Root X1'" in said
    assert "set certbot_preferred_chain" in said
    # The next run does not ask for another certificate, which the ACME server would count.
    orders = edge.acme_orders()
    again = refusal(edge, roles=("certbot",), certbot_preferred_chain="ISRG Root X1", certbot_root_file="")
    assert "for the ACME server's limits the next one may not be made before" in again
    said = refusal(edge, roles=("certbot",), certbot_preferred_chain="ISRG Root X9", certbot_root_file="")
    assert "Debian's ca-certificates has no root with the name" in said
    assert edge.acme_orders() == orders
    assert (state(edge), edge.served()) == (before, served)


def test_what_certbot_says_is_told_and_the_certificate_stays(edge: Edge) -> None:
    before, served = state(edge), edge.served()
    credentials = {**edge.variables["certbot_dns_credentials"], "dns_rfc2136_secret": "bm90IHRoZSBzZWNyZXQ="}
    said = refusal(edge, roles=("certbot",), certbot_dns_credentials=credentials, certbot_names=[STREAMS_NAME])
    assert "certbot got no certificate" in said
    assert "The peer didn't like the signature we sent" in said
    assert "bm90IHRoZSBzZWNyZXQ=" not in said
    assert (state(edge), edge.served()) == (before, served)


def test_the_default_chain_when_it_is_the_preferred_one(edge: Edge) -> None:
    assert edge.play(roles=("certbot",), **edge.preferring(0)).failed == 0
    edge.variables |= edge.preferring(0)
    edge.connect(STREAMS_NAME, roots=edge.world.acme_roots()[0]).close()
    with pytest.raises(ssl.SSLCertVerificationError):
        edge.connect(STREAMS_NAME, roots=edge.world.acme_roots()[1])


def test_a_broken_certificate_is_not_taken(edge: Edge) -> None:
    before = edge.served()
    for name, content in (("privkey.pem", b"junk"), ("fullchain.pem", b"junk")):
        with file_replaced(edge, f"{LIVE}/{name}", content):
            done = edge.appliance.run([HOOK, "deploy"], check=False)
        assert done.returncode == 1
        assert "is of no use" in done.stderr
        assert edge.served() == before
    assert edge.appliance.run([HOOK, "deploy"]).stdout == "unchanged\n"


def test_a_broken_configuration_is_found_before_and_after_it_is_in_place(edge: Edge) -> None:
    before = edge.served()
    broken = edge.appliance.read(CONFIG).replace(b"TIMEOUTidle", b"TIMEOUTidel")
    edge.appliance.write("/tmp/candidate.conf", broken)
    done = edge.appliance.run([HOOK, "check", "/tmp/candidate.conf"], check=False)
    assert done.returncode == 1
    assert "TIMEOUTidel" in done.stderr
    assert edge.appliance.run([HOOK, "check", CONFIG]).returncode == 0
    with viewer(edge), file_replaced(edge, CONFIG, broken):
        done = edge.appliance.run([HOOK, "reload"], check=False, timeout=60)
        assert done.returncode == 1
        assert "kept its old configuration" in done.stderr
        assert edge.served() == before
    edge.appliance.run([HOOK, "reload"])


# Cameras


def test_another_camera_does_not_interrupt_viewers(edge: Edge) -> None:
    more = [*CAMERAS, {"id": "yard", "port": 20999}]
    with viewer(edge):
        assert answer(edge, STREAMS_NAME, describe("yard")) == b""
        assert edge.play(roles=("haproxy",), cameras=more).failed == 0
        edge.stand_in(yard=20999)
        assert answer(edge, STREAMS_NAME, describe("yard")).startswith(b"yard:")
    assert edge.play(roles=("haproxy",)).failed == 0
    assert answer(edge, STREAMS_NAME, describe("yard")) == b""


# Inputs that are refused


@pytest.mark.parametrize(
    ("role", "changed", "said"),
    [
        ("certbot", {"certbot_names": ["192.168.1.9"]}, "no IP addresses"),
        ("certbot", {"certbot_dns_credentials": {"dns_cloudflare_api_token": "x"}}, "begin with dns_rfc2136_"),
        ("certbot", {"certbot_profile": "shortlived"}, "goes only with certbot_install: pip"),
        ("stunnel", {"appliance_clips_name": STREAMS_NAME}, "two different DNS names"),
        ("stunnel", {"stunnel_listen": "443"}, "an IPv4 address and a port"),
        ("apache", {"apache_listen": "0.0.0.0:8080"}, "must be a port on loopback"),
        ("haproxy", {"cameras": [{"id": "garage"}, {"id": "garage"}]}, "must have different ids"),
    ],
)
def test_bad_inputs_change_nothing_and_are_explained(edge: Edge, role: str, changed: dict[str, Any], said: str) -> None:
    output = edge.refusal(roles=(role,), **changed)
    assert said in re.sub(r"\s+", " ", output)
    assert "changed=0" in output


def test_a_port_that_another_program_has_is_refused(edge: Edge) -> None:
    edge.stand_in(squatter=9443)
    before = edge.appliance.read(CONFIG)
    said = refusal(edge, roles=("stunnel",), stunnel_listen="0.0.0.0:9443")
    assert "port 9443 is taken by python3" in said
    assert edge.appliance.read(CONFIG) == before
    assert answer(edge, STREAMS_NAME, describe("garage")).startswith(b"garage:")


# Every option at another value than the default


def test_every_option_can_be_moved(edge: Edge) -> None:
    keys = ["0123456789" * 4, "9876543210" * 4]
    moved: dict[str, Any] = {
        "certbot_names": [STREAMS_NAME, CLIPS_NAME, "example.test"],
        "certbot_certificate_name": "other",
        "certbot_key_type": "ecdsa",
        "certbot_rsa_key_size": 3072,
        "certbot_preferred_chain": "",
        "certbot_root_file": str(edge.directory / "roots.pem"),
        "certbot_install": "debian",
        "certbot_dns_propagation_seconds": 2,
        "certbot_no_log": False,
        "apache_listen": "127.0.0.1:8081",
        "apache_clips_name": "example.test",
        "apache_clips_dir": "/srv/films",
        "apache_snapshots_dir": "/srv/pictures",
        "apache_signing_keys": keys,
        "apache_snapshot_keys": keys[:1],
        "apache_no_log": False,
        "haproxy_cameras": [{"id": "garage"}],
        "haproxy_listen": "127.0.0.1:8555",
        "haproxy_idle_seconds": 200,
        "haproxy_max_connections": 50,
        "stunnel_listen": "0.0.0.0:8443",
        "stunnel_clips_name": "example.test",
        "stunnel_streams_connect": "127.0.0.1:8555",
        "stunnel_clips_connect": "127.0.0.1:8081",
        "stunnel_certificate_dir": "/etc/letsencrypt/live/other",
        "stunnel_send_buffer_bytes": 131072,
        "stunnel_idle_seconds": 300,
        "stunnel_max_connections": 100,
        "proof_names": [STREAMS_NAME, "example.test"],
        "proof_port": 8443,
        "proof_certificate_dir": "/etc/letsencrypt/live/other",
        "alarm_name": "the cameras",
        "alarm_cameras": False,
    }
    (edge.directory / "roots.pem").write_text("".join(edge.world.acme_roots()))
    assert edge.play(**moved).failed == 0
    edge.appliance.write("/srv/films/film.mp4", FILM)
    with edge.connect(STREAMS_NAME, port=8443) as tls:
        leaf = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
        assert getattr(leaf.public_key(), "curve", None) is not None
        tls.sendall(describe("garage"))
        assert tls.recv(4096).startswith(b"garage:")
    for key in keys:
        target = signed("/clips/film.mp4", key=key)
        assert edge.get(target, port=8443, name="example.test")[::2] == (200, FILM)
    with pytest.raises(OSError, match="refused"):
        edge.connect(STREAMS_NAME)
    assert edge.play(**moved).changed == 0


def test_haproxy_can_be_taken_away(edge: Edge) -> None:
    assert edge.play("--check", roles=("haproxy",), haproxy_state="absent").failed == 0
    assert edge.play(roles=("haproxy",), haproxy_state="absent").changed > 0
    shown = edge.appliance.run(["systemctl", "show", "-p", "LoadState", "--value", "haproxy.service"]).stdout
    assert shown == "not-found\n"
    assert edge.appliance.run(["ls", "/etc/haproxy"], check=False).returncode != 0
    assert edge.play(roles=("haproxy",), haproxy_state="absent").changed == 0
