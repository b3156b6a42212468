"""A root, an intermediate and a server certificate of our own, for TLS on loopback."""

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "cams.example.com"


@dataclass(frozen=True)
class Chain:
    """PEM files: the root to trust, and the server's certificates with and without the intermediate."""

    root: Path
    full: Path
    leaf_only: Path
    key: Path

    def context(self, *, complete: bool = True) -> ssl.SSLContext:
        """A server's TLS settings."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.full if complete else self.leaf_only, self.key)
        return context


def _certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, *, ca: bool
) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def make_chain(folder: Path) -> Chain:
    """Write a fresh chain into ``folder``."""
    root_key, middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    chain = Chain(*(folder / name for name in ("root.pem", "full.pem", "leaf.pem", "key.pem")))
    middle = _certificate("Test Middle", "Test Root", middle_key, root_key, ca=True)
    leaf = _certificate(NAME, "Test Middle", leaf_key, middle_key, ca=False)
    chain.root.write_bytes(_certificate("Test Root", "Test Root", root_key, root_key, ca=True))
    chain.full.write_bytes(leaf + middle)
    chain.leaf_only.write_bytes(leaf)
    chain.key.write_bytes(
        leaf_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain
