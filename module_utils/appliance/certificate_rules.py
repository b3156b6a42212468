"""What a certificate on disk is, what was asked for, and where the two differ.

Needs `cryptography` (a dependency of certbot on the appliance), from version 38 on. Pure of Ansible.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_SHORT_LIFE = dt.timedelta(days=10)

_LEFT_OUT = re.compile("^rsa_key_size$|_propagation_seconds$")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Wanted:
    """What a certificate must be. `key_type` is rsa or ecdsa; an empty `preferred_chain` takes any."""

    names: frozenset[str]
    key_type: str
    rsa_key_size: int
    preferred_chain: str


@dataclass(frozen=True)
class Certificate:
    """What a certificate is. `issuers` has the issuer's common name of each certificate of the chain, leaf first."""

    names: frozenset[str]
    key_type: str
    key_size: int
    issuers: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    serial: str
    key_matches: bool

    @property
    def topmost_issuer(self) -> str:
        """Common name of the root that the chain leads to, which itself is not part of the chain."""
        return self.issuers[-1]

    def life_left(self, now: dt.datetime) -> float:
        """Share of its life that is left: 1 when new, 0 or less when expired."""
        return (self.not_after - now) / (self.not_after - self.not_before)

    @property
    def renewal_share(self) -> float:
        """What is left of its life when certbot begins to renew: a third, or half of a life below ten days."""
        return 1 / 2 if self.not_after - self.not_before < _SHORT_LIFE else 1 / 3


def read(directory: Path) -> Certificate | None:
    """Read `fullchain.pem` and `privkey.pem` in a directory; None when one is missing.

    Raises ValueError when they hold something else than a certificate chain and a private key.
    """
    try:
        chain_pem = (directory / "fullchain.pem").read_bytes()
        key_pem = (directory / "privkey.pem").read_bytes()
    except FileNotFoundError:
        return None
    chain = [x509.load_pem_x509_certificate(pem) for pem in _PEM.findall(chain_pem)]
    if not chain:
        raise ValueError(f"{directory / 'fullchain.pem'} holds no certificate")
    leaf = chain[0]
    public = leaf.public_key()
    private = serialization.load_pem_private_key(key_pem, password=None)
    not_before, not_after = _validity(leaf)
    return Certificate(
        names=frozenset(_names(leaf)),
        key_type=_key_type(public),
        key_size=getattr(public, "key_size", 0),
        issuers=tuple(_common_name(certificate.issuer) for certificate in chain),
        not_before=not_before,
        not_after=not_after,
        serial=f"{leaf.serial_number:x}",
        key_matches=_spki(private.public_key()) == _spki(public),
    )


def subjects(path: Path) -> list[str]:
    """Common names of the certificates in a PEM file; raises OSError or ValueError when it cannot be read."""
    found = [x509.load_pem_x509_certificate(pem) for pem in _PEM.findall(path.read_bytes())]
    if not found:
        raise ValueError(f"{path} holds no certificate")
    return [_common_name(certificate.subject) for certificate in found]


def differences(found: Certificate, wanted: Wanted) -> list[str]:
    """One sentence for each point in which a certificate is not what is wanted; empty when it is right."""
    different = []
    if found.names != wanted.names:
        different.append(f"it is for {_listed(found.names)} and not for {_listed(wanted.names)}")
    if found.key_type != wanted.key_type:
        different.append(f"its key is {found.key_type} and not {wanted.key_type}")
    elif found.key_type == "rsa" and found.key_size != wanted.rsa_key_size:
        different.append(f"its RSA key has {found.key_size} bits and not {wanted.rsa_key_size}")
    if wanted.preferred_chain and found.topmost_issuer != wanted.preferred_chain:
        different.append(f"its chain leads to {found.topmost_issuer!r} and not to {wanted.preferred_chain!r}")
    if not found.key_matches:
        different.append("its private key belongs to another certificate")
    return different


def overdue(found: Certificate, now: dt.datetime) -> str | None:
    """A sentence when the certificate has expired, or half of the time for renewing it has gone by in vain."""
    if found.not_after <= now:
        return f"it expired on {found.not_after:%Y-%m-%d}"
    if found.life_left(now) < found.renewal_share / 2:
        return f"it expires on {found.not_after:%Y-%m-%d} and has not been renewed"
    return None


def setting_differences(
    renewal_conf: str,
    settings: Mapping[str, str],
    unwanted: Sequence[str] = (),
    before: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """One sentence for each setting that the next renewal would use and that is not the wanted one.

    `renewal_conf` is certbot's file in `renewal/`; its settings stand below `[renewalparams]`. None of those that are
    named in `unwanted` may be there. `before` is what was set when it was last right: some numbers are left out, from
    the first renewal on, by certbot of Debian 12 when they are its own defaults.
    """
    _, _, section = renewal_conf.partition("[renewalparams]")
    kept = dict(_pairs(section.splitlines()))
    would = {name: value for name, value in before.items() if kept and _LEFT_OUT.search(name)} | kept
    different = [
        f"it would be renewed with {name} = {would.get(name, 'nothing')} and not {value}"
        for name, value in settings.items()
        if would.get(name) != value
    ]
    # certbot notes a value that nobody gave as None.
    return different + [
        f"it would be renewed with {name} = {kept[name]}"
        for name in unwanted
        if kept.get(name, "None") not in ("", "None")
    ]


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return [(name.strip(), value.strip()) for name, value in pairs]


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _key_type(public: object) -> str:
    if isinstance(public, rsa.RSAPublicKey):
        return "rsa"
    return "ecdsa" if isinstance(public, ec.EllipticCurvePublicKey) else type(public).__name__


def _spki(public: object) -> bytes:
    der: bytes = public.public_bytes(  # type: ignore[attr-defined]  # each public key type has it, without a base
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return der


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _validity(leaf: x509.Certificate) -> tuple[dt.datetime, dt.datetime]:
    if hasattr(leaf, "not_valid_after_utc"):
        return leaf.not_valid_before_utc, leaf.not_valid_after_utc
    # cryptography before 42, as in Debian 12
    return leaf.not_valid_before.replace(tzinfo=dt.UTC), leaf.not_valid_after.replace(tzinfo=dt.UTC)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "no name"
