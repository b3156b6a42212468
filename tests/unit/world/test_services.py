from __future__ import annotations

import base64
import http.server
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import world
from world import acme, dns


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/dir" else 404)
        self.end_headers()
        self.wfile.write(b"directory")

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def authority() -> acme.Authority:
    return acme.make_authority("127.0.0.1")


@pytest.fixture
def port(authority: acme.Authority, tmp_path: Path) -> Iterator[int]:
    """A TLS server on loopback that speaks with the authority's certificate."""
    (tmp_path / "chain.pem").write_bytes(authority.certificate_pem)
    (tmp_path / "key.pem").write_bytes(authority.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    with http.server.HTTPServer(("127.0.0.1", 0), Pages) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_certificate_holds_for_the_address(authority: acme.Authority, port: int) -> None:
    assert acme.get("127.0.0.1", port, "/dir", authority.ca_pem) == b"directory"


@pytest.mark.parametrize(("name", "holds"), [(acme.NAME, True), ("other.example.test", False)])
def test_the_certificate_holds_for_the_name_alone(authority: acme.Authority, port: int, name: str, holds: bool) -> None:
    context = ssl.create_default_context(cadata=authority.ca_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        if holds:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                assert secured.version() == "TLSv1.3"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
                context.wrap_socket(plain, server_hostname=name)


def test_another_authority_is_not_trusted(port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        acme.get("127.0.0.1", port, "/dir", acme.make_authority("127.0.0.1").ca_pem)


def test_another_status_is_an_error(authority: acme.Authority, port: int) -> None:
    with pytest.raises(RuntimeError, match="404 for /roots/9"):
        acme.get("127.0.0.1", port, "/roots/9", authority.ca_pem)


def test_the_private_key_is_not_in_the_text_of_the_object(authority: acme.Authority) -> None:
    assert "PRIVATE" not in repr(authority)


def test_pebble_is_set_up_as_asked() -> None:
    environment = acme.pebble_environment(alternate_roots=3, chain_length=1, nonce_reject_percent=0).decode()
    assert set(environment.split()) == {
        "PEBBLE_ALTERNATE_ROOTS=3",
        "PEBBLE_CHAIN_LENGTH=1",
        "PEBBLE_WFE_NONCEREJECT=0",
        "PEBBLE_VA_NOSLEEP=1",
        "PEBBLE_AUTHZREUSE=0",
    }
    assert json.loads(acme.pebble_json())["pebble"]["listenAddress"].endswith(f":{acme.PORT}")


def test_the_certbot_key_may_change_challenges_alone() -> None:
    certbot, owner = dns.new_key("certbot"), dns.new_key("owner")
    text = dns.named_conf(
        forwarders=["10.9.9.9"],
        clients="10.64.0.0/24",
        certbot=certbot,
        owner=owner,
        challenge_names=["example.test", "cams.example.test"],
    ).decode()
    assert [line.strip() for line in text.splitlines() if "grant certbot." in line] == [
        "grant certbot. name _acme-challenge.example.test. TXT;",
        "grant certbot. name _acme-challenge.cams.example.test. TXT;",
    ]
    assert "forward only;" in text
    assert "forwarders { 10.9.9.9; };" in text


def test_each_key_is_new_and_its_secret_kept_from_the_text_of_the_object() -> None:
    first, second = dns.new_key("certbot"), dns.new_key("certbot")
    assert first.secret != second.secret
    assert len(base64.b64decode(first.secret)) == 64
    assert first.secret not in repr(first)


def test_the_package_offers_the_world_and_nothing_unknown() -> None:
    assert world.World.__module__ == "world.machine"
    with pytest.raises(AttributeError, match="moon"):
        _ = world.moon
