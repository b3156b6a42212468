"""Login with Amazon over TLS: the certificate is checked, and the time given is kept there, too."""

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alexa_ip_cam.alexa import lwa
from alexa_ip_cam.alexa.lwa import LwaUnavailableError, token_info

BODY = b'{"aud":"a client","user_id":"a user","exp":3600}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@contextlib.contextmanager
def server(certificate: Path, *, pause: float) -> Iterator[str]:
    """Answers one request with BODY, byte by byte with a pause after each."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    ending = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        plain, _ = listener.accept()
        plain.settimeout(5)
        with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65_536)
            connection.sendall(HEAD)
            for byte in BODY:
                connection.sendall(bytes([byte]))
                if ending.wait(pause):
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ending.set()
        thread.join()
        listener.close()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(lwa, "_tls", lambda: context)


@pytest.mark.usefixtures("trusted")
def test_an_answer_over_tls_is_taken(certificate: Path) -> None:
    with server(certificate, pause=0) as url:
        assert token_info("Atza|x", url=url).user_id == "a user"


@pytest.mark.usefixtures("trusted")
def test_the_time_given_is_kept_over_tls(certificate: Path) -> None:
    with server(certificate, pause=0.2) as url:
        started = time.monotonic()
        with pytest.raises(LwaUnavailableError):
            token_info("Atza|x", url=url, timeout=0.6)
        assert time.monotonic() - started < 5  # the whole would take ten seconds


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with server(certificate, pause=0) as url, pytest.raises(LwaUnavailableError, match="SSLCertVerificationError"):
        token_info("Atza|x", url=url)
