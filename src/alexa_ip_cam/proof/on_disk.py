"""The certificate on disk, as certbot left it. Needs `cryptography`, which comes with Debian's certbot."""

import re
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from alexa_ip_cam.proof.lifetime import Lifetime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class OnDisk:
    """`leaf` is in DER; `issuers` has the issuer's common name of each certificate of the chain, leaf first."""

    leaf: bytes
    issuers: tuple[str, ...]
    lifetime: Lifetime


def read(lineage: Path) -> OnDisk | None:
    """Read `fullchain.pem` in a directory; None when it is missing.

    Raises:
        ValueError: it holds no certificate, or one that cannot be read.
        OSError: it cannot be read.
    """
    try:
        blocks = _PEM.findall((lineage / "fullchain.pem").read_bytes())
    except FileNotFoundError:
        return None
    if not blocks:
        raise ValueError(f"{lineage / 'fullchain.pem'} holds no certificate: run site.yml with --tags certbot")
    chain = [x509.load_pem_x509_certificate(block) for block in blocks]
    return OnDisk(chain[0].public_bytes(Encoding.DER), tuple(_issuer(each) for each in chain), _lifetime(chain[0]))


def _issuer(certificate: x509.Certificate) -> str:
    found = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else certificate.issuer.rfc4514_string()


def _lifetime(leaf: x509.Certificate) -> Lifetime:
    if hasattr(leaf, "not_valid_after_utc"):
        return Lifetime(leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp())
    # cryptography before 42, as in Debian 12
    start, end = leaf.not_valid_before.replace(tzinfo=UTC), leaf.not_valid_after.replace(tzinfo=UTC)
    return Lifetime(start.timestamp(), end.timestamp())
