"""Certificate authorities that the host trusts beyond Debian's own, so that HTTPS works inside as outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

LOCAL = Path("/usr/local/share/ca-certificates")
DEBIAN = Path("/usr/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def certificates(pem: bytes) -> list[bytes]:
    """Split a PEM bundle into certificates, each in one fixed form (LF, newline at the end)."""
    return [b"\n".join(block.split(b"\n")) + b"\n" for block in _PEM.findall(pem.replace(b"\r", b""))]


def local_authorities(
    environment: Mapping[str, str] = os.environ, local: Path = LOCAL, debian: Path = DEBIAN
) -> list[bytes]:
    """Return the certificates, in PEM, of the authorities added to this host, without doubles.

    They come from `local` and from the bundles that the usual environment variables name; what Debian's
    own package brings is left out.
    """
    bundles = [Path(environment[name]) for name in _VARIABLES if environment.get(name)]
    known = set(_read(sorted(debian.rglob("*.crt"))))
    added = _read([*sorted(local.rglob("*.crt")), *(path for path in bundles if path.is_file())])
    return [certificate for certificate in dict.fromkeys(added) if certificate not in known]


def pip_configuration(environment: Mapping[str, str] = os.environ) -> str:
    """Return text for /etc/pip.conf that hands on the host's PIP_CERT, PIP_INDEX_URL and PIP_PROXY; or ""."""
    lines = [f"cert = {BUNDLE}\n"] if environment.get("PIP_CERT") else []
    lines += [
        f"{name} = {environment[variable]}\n"
        for name, variable in {"index-url": "PIP_INDEX_URL", "proxy": "PIP_PROXY"}.items()
        if environment.get(variable)
    ]
    return "".join(["[global]\n", *lines]) if lines else ""


def _read(paths: Iterable[Path]) -> list[bytes]:
    return [certificate for path in paths for certificate in certificates(path.read_bytes())]
