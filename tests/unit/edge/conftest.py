"""Templates rendered as Ansible renders them, and certificates made on the spot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[3]
INPUTS: dict[str, Any] = {
    "appliance_streams_name": "cams.example.com",
    "appliance_clips_name": "clips.example.com",
    "appliance_signing_key": "5a" * 32,
    "cameras": [{"id": "front-porch"}, {"id": "garage", "port": 20123}],
    "certbot_dns_plugin": "rfc2136",
    "certbot_email": "owner@example.com",
    "ansible_managed": "Ansible managed",
}

Render = Callable[..., list[str]]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@pytest.fixture(scope="session")
def render() -> Render:
    """Call ``render("role", "template", variable=value)`` and get the file's lines, without white space around."""
    init_plugin_loader([])
    filter_loader.add_directory(str(ROOT / "filter_plugins"))
    loader = DataLoader()

    def run(role: str, template: str, **changed: Any) -> list[str]:
        directory = ROOT / "roles" / role
        variables: dict[str, Any] = {}
        for part in ("defaults", "vars"):
            variables |= loader.load_from_file(str(directory / part / "main.yml"), trusted_as_template=True)
        templar = Templar(loader=loader, variables={**variables, **INPUTS, **changed})
        text = trust_as_template((directory / "templates" / f"{template}.j2").read_text())
        rendered: str = templar.template(text)
        return [line.strip() for line in rendered.splitlines()]

    return run


class Authority:
    """A root and an intermediate that sign leaves."""

    def __init__(self, root_name: str) -> None:
        self.root_name = root_name
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        self._since, self._until = now - dt.timedelta(days=500), now + dt.timedelta(days=500)
        self.root = self._sign(root_name, root_name, self._root_key, start=self._since, end=self._until, names=())

    def issue(
        self,
        directory: Path,
        *,
        names: tuple[str, ...] = ("cams.example.com", "clips.example.com"),
        key: Key | None = None,
        age: dt.timedelta = dt.timedelta(days=1),
        life: dt.timedelta = dt.timedelta(days=90),
    ) -> Path:
        """Write fullchain.pem and privkey.pem into a directory, as certbot does; returns it."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        start = dt.datetime.now(dt.UTC) - age
        leaf = self._sign(names[0], "Intermediate", key, start=start, end=start + life, names=names)
        middle = self._sign("Intermediate", self.root_name, self._key, start=self._since, end=self._until, names=())
        directory.mkdir(parents=True, exist_ok=True)
        chain = [certificate.public_bytes(serialization.Encoding.PEM) for certificate in (leaf, middle)]
        (directory / "cert.pem").write_bytes(chain[0])
        (directory / "chain.pem").write_bytes(chain[1])
        (directory / "fullchain.pem").write_bytes(b"".join(chain))
        (directory / "privkey.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return directory

    def _sign(
        self, subject: str, issuer: str, key: Key, *, start: dt.datetime, end: dt.datetime, names: tuple[str, ...]
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        return builder.sign(self._root_key if issuer == self.root_name else self._key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority() -> Authority:
    """An authority with the root that Echo devices trust."""
    return Authority("ISRG Root X1")


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """A key that takes a moment to make."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
