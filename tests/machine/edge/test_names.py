"""TLS, the names, and the ways to the cameras."""

from __future__ import annotations

import ssl
import subprocess
import time
from itertools import pairwise

import pytest
from cryptography import x509

from home.inventory import CLIPS_NAME, STREAMS_NAME
from machine.edge.bench import Edge, answer, describe, unverified

pytestmark = pytest.mark.machine


def test_the_chain_leads_to_the_preferred_root(edge: Edge) -> None:
    """The second of the ACME server's roots, which it does not offer by itself."""
    for name in (STREAMS_NAME, CLIPS_NAME):
        edge.connect(name, roots=edge.world.acme_roots()[1]).close()
    with pytest.raises(ssl.SSLCertVerificationError):
        edge.connect(STREAMS_NAME, roots=edge.world.acme_roots()[0])


def test_the_key_is_of_the_wanted_kind(edge: Edge) -> None:
    public = x509.load_der_x509_certificate(edge.served()).public_key()
    assert getattr(public, "key_size", None) == edge.variables["certbot_rsa_key_size"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize(("version", "taken"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_versions_of_tls(edge: Edge, version: str, taken: bool) -> None:
    context = unverified()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion[version]
    if taken:
        with edge.connect(STREAMS_NAME, context=context) as tls:
            assert tls.version() == version.replace("_", ".")
    else:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            edge.connect(STREAMS_NAME, context=context)


@pytest.mark.parametrize(
    ("cipher", "taken"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256", True),
        ("ECDHE-RSA-AES256-GCM-SHA384", True),
        ("ECDHE-RSA-CHACHA20-POLY1305", True),
        ("ECDHE-RSA-AES256-SHA", False),
        ("AES128-GCM-SHA256", False),
        ("DHE-RSA-AES256-GCM-SHA384", False),
    ],
)
def test_ciphers(edge: Edge, cipher: str, taken: bool) -> None:
    """Of those that an Echo of 2016 (Android 7.1) offers, the ones with forward secrecy and AEAD."""
    context = unverified()
    context.set_ciphers(cipher)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if taken:
        edge.connect(STREAMS_NAME, context=context).close()
    else:
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            edge.connect(STREAMS_NAME, context=context)


def test_a_second_connection_resumes_the_first(edge: Edge) -> None:
    context = unverified()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with edge.connect(STREAMS_NAME, context=context) as first:
        session = first.session
    with edge.connect(STREAMS_NAME, context=context, session=session) as second:
        assert second.session_reused


@pytest.mark.parametrize("name", [STREAMS_NAME, STREAMS_NAME.upper()])
def test_the_streams_name_leads_to_the_cameras(edge: Edge, name: str) -> None:
    assert answer(edge, name, describe("garage")).startswith(b"garage:DESCRIBE")


@pytest.mark.parametrize("name", [None, "example.test", f"x{STREAMS_NAME}", f"{STREAMS_NAME}.evil.test", "localhost"])
@pytest.mark.parametrize("request_", [describe("garage"), b"GET / HTTP/1.1\r\nHost: clips.example.test\r\n\r\n"])
def test_no_name_or_another_one_leads_nowhere(edge: Edge, name: str | None, request_: bytes) -> None:
    assert answer(edge, name, request_) == b""


def test_an_address_for_a_name_leads_nowhere(edge: Edge) -> None:
    target = edge.appliance.address
    argv = ["openssl", "s_client", "-quiet", "-connect", f"{target}:443", "-servername", target]
    done = subprocess.run(argv, input=describe("garage"), capture_output=True, timeout=20, check=False)
    assert b"CN" in done.stderr  # of the certificate: the handshake was made
    assert done.stdout == b""


@pytest.mark.parametrize("path", ["front-porch", "front-porch/", "front-porch/track1", "front-porch?session=1"])
def test_the_first_segment_of_the_path_chooses_the_camera(edge: Edge, path: str) -> None:
    assert answer(edge, STREAMS_NAME, describe(path)).startswith(b"front-porch:DESCRIBE")


@pytest.mark.parametrize("path", ["nobody", "", "front-porc", "front-porchx", "x/front-porch", "?front-porch"])
def test_a_request_for_no_known_camera_is_closed_at_once(edge: Edge, path: str) -> None:
    started = time.monotonic()
    assert answer(edge, STREAMS_NAME, describe(path)) == b""
    assert time.monotonic() - started < 3


def test_a_first_line_in_pieces_is_waited_for(edge: Edge) -> None:
    request = describe("front-porch")
    with edge.connect(STREAMS_NAME) as tls:
        for start, end in pairwise([0, 4, 40, len(request)]):
            tls.sendall(request[start:end])
            time.sleep(0.1)
        assert tls.recv(4096) == b"front-porch:" + request
