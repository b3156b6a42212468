"""The browser of the tests really verifies, and finds no names but those it is given."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Error

from browser import Chromium
from unit.edge.conftest import Authority

NAME = "clips.example.test"


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Root of a test")


@pytest.fixture(scope="module")
def port(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server on loopback with a certificate for NAME."""
    folder = authority.issue(tmp_path_factory.mktemp("tls"), names=(NAME,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_it_trusts_the_root_it_is_given_and_no_other(authority: Authority, port: int, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root.public_bytes(Encoding.PEM))
    with Chromium({NAME: "127.0.0.1"}, roots) as browser, browser.page() as page:
        page.goto(f"https://{NAME}:{port}/")
        assert page.inner_text("body") == "hello"
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            page.goto(f"https://other.example.test:{port}/")
    with (
        Chromium({NAME: "127.0.0.1"}) as browser,
        browser.page() as page,
        pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"),
    ):
        page.goto(f"https://{NAME}:{port}/")


def test_another_name_is_not_taken(authority: Authority, port: int, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root.public_bytes(Encoding.PEM))
    wrong = "wrong.example.test"
    with (
        Chromium({wrong: "127.0.0.1"}, roots) as browser,
        browser.page() as page,
        pytest.raises(Error, match="ERR_CERT_COMMON_NAME_INVALID"),
    ):
        page.goto(f"https://{wrong}:{port}/")
