"""Which certificate authorities go along into a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.trust import certificates, local_authorities, pip_configuration

if TYPE_CHECKING:
    from pathlib import Path


def pem(name: str) -> bytes:
    return f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n".encode()


def test_a_bundle_is_split_whatever_its_line_ends() -> None:
    bundle = b"# first\r\n" + pem("one").replace(b"\n", b"\r\n") + b"# second\n" + pem("two").rstrip()
    assert certificates(bundle) == [pem("one"), pem("two")]


def test_only_authorities_that_debian_does_not_bring_are_taken_and_once(tmp_path: Path) -> None:
    local, debian, bundle = tmp_path / "local", tmp_path / "debian", tmp_path / "bundle.crt"
    (local / "company").mkdir(parents=True)
    (debian / "mozilla").mkdir(parents=True)
    (local / "company" / "own.crt").write_bytes(pem("own"))
    (debian / "mozilla" / "known.crt").write_bytes(pem("known"))
    bundle.write_bytes(pem("known") + pem("own") + pem("proxy"))
    environment = {"PIP_CERT": str(bundle), "SSL_CERT_FILE": str(tmp_path / "missing.crt")}
    assert local_authorities(environment, local, debian) == [pem("own"), pem("proxy")]


def test_pip_is_told_only_what_the_host_tells_its_own() -> None:
    assert pip_configuration({"PIP_FIND_LINKS": "/somewhere"}) == ""
    assert pip_configuration({"PIP_CERT": "/x.crt", "PIP_PROXY": "http://p.test"}) == (
        "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\nproxy = http://p.test\n"
    )
