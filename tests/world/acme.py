"""The ACME server: Pebble's settings, the certificate it speaks with, and the roots it issues from."""

from __future__ import annotations

import datetime as dt
import http.client
import ipaddress
import json
import ssl
import time
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "acme.example.test"
PORT = 14000
MANAGEMENT_PORT = 15000
CERTIFICATE_FILE = "/etc/world/pebble.pem"
KEY_FILE = "/etc/world/pebble.key"

_LIFE = dt.timedelta(days=2)
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Authority:
    """A certificate authority made for one world, and the certificate with which its ACME server speaks."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


def make_authority(address: str, *, days: int = 0) -> Authority:
    """Return a new authority and its certificate for the ACME server's name and IPv4 `address`.

    Both are valid from `days` after now on.
    """
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "World CA")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.IPv4Address(address))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = (
        _builder(subject, ca_name, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return Authority(
        ca_pem=ca.public_bytes(Encoding.PEM),
        certificate_pem=certificate.public_bytes(Encoding.PEM),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + _LIFE)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def pebble_json() -> bytes:
    """Return Pebble's configuration file."""
    settings = {
        "listenAddress": f"0.0.0.0:{PORT}",
        "managementListenAddress": f"0.0.0.0:{MANAGEMENT_PORT}",
        "certificate": CERTIFICATE_FILE,
        "privateKey": KEY_FILE,
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    return json.dumps({"pebble": settings}).encode()


def pebble_environment(*, alternate_roots: int, chain_length: int, nonce_reject_percent: int) -> bytes:
    """Return Pebble's environment file. It validates without the pauses it would make by itself, and always anew."""
    return (
        f"PEBBLE_ALTERNATE_ROOTS={alternate_roots}\n"
        f"PEBBLE_CHAIN_LENGTH={chain_length}\n"
        f"PEBBLE_WFE_NONCEREJECT={nonce_reject_percent}\n"
        "PEBBLE_VA_NOSLEEP=1\n"
        "PEBBLE_AUTHZREUSE=0\n"
    ).encode()


def wait_ready(address: str, ca_pem: bytes) -> None:
    """Wait until the ACME server's directory answers. Raises the last OSError after 10 s without."""
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            get(address, PORT, "/dir", ca_pem)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def get(address: str, port: int, path: str, ca_pem: bytes) -> bytes:
    """Return what the ACME server sends for `path`, over TLS verified against `ca_pem`.

    Raises OSError (ssl.SSLError among others) or RuntimeError for a status other than 200.
    """
    context = ssl.create_default_context(cadata=ca_pem.decode())
    connection = http.client.HTTPSConnection(address, port, timeout=_TIMEOUT_S, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"the ACME server answered {answer.status} for {path}")
    return body


def common_name(pem: str) -> str:
    """Return the common name of a certificate's subject."""
    subject = x509.load_pem_x509_certificate(pem.encode()).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
