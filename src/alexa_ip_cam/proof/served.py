"""Connects as an Echo does: TLS 1.2 with the server's name, and a store that holds the wanted root and no other."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from alexa_ip_cam.proof.lifetime import Lifetime

# Of what Android 7.1 offers, on which Fire OS is built, those with forward secrecy.
ECHO_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_SECONDS = 10.0


@dataclass(frozen=True)
class Look:
    """What a name's connection showed.

    `problem` is why an Echo would refuse it, empty when it would not; `reached` whether TLS was spoken at all.
    `leaf` is the certificate in DER, empty when none was seen; serial (hexadecimal) and lifetime are known only of one
    that is accepted.
    """

    name: str
    reached: bool
    problem: str
    leaf: bytes = b""
    serial: str = ""
    lifetime: Lifetime | None = None


def echo_context(roots: Path) -> ssl.SSLContext:
    """A client that trusts the roots in a file and nothing else.

    Raises:
        OSError: the file is missing or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ECHO_CIPHERS)
    context.load_verify_locations(roots)
    return context


def look(address: str, port: int, name: str, roots: Path) -> Look:
    """Connect once, and once more without verifying when the first was refused.

    Raises:
        OSError: the roots cannot be read.
    """
    context = echo_context(roots)
    try:
        with _connect(address, port, name, context) as secure:
            told = secure.getpeercert() or {}
            leaf = secure.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        return Look(name, reached=True, problem=error.verify_message, leaf=_leaf(address, port, name))
    except ssl.SSLError as error:
        return Look(name, reached=True, problem=f"no TLS 1.2 ({error.reason or error})")
    except OSError as error:
        return Look(name, reached=False, problem=str(error) or type(error).__name__)
    lifetime = Lifetime(
        float(ssl.cert_time_to_seconds(str(told["notBefore"]))), float(ssl.cert_time_to_seconds(str(told["notAfter"])))
    )
    return Look(name, reached=True, problem="", leaf=leaf, serial=str(told["serialNumber"]), lifetime=lifetime)


def _connect(address: str, port: int, name: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((address, port), timeout=_SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def _leaf(address: str, port: int, name: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _connect(address, port, name, context) as secure:
            return secure.getpeercert(binary_form=True) or b""
    except OSError:
        return b""
