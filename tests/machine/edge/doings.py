"""What the tests of certificates do to the bench."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from home import renewals
from home.inventory import STREAMS_NAME
from machine.edge.bench import Edge, describe

LIVE = renewals.LIVE
HOOK = "/etc/letsencrypt/renewal-hooks/deploy/stunnel"
CONFIG = "/etc/stunnel/alexa-ip-cam.conf"


@contextmanager
def viewer(edge: Edge, port: int = 443) -> Iterator[None]:
    """Somebody who watches all the while."""
    with edge.connect(STREAMS_NAME, port=port) as tls:
        tls.sendall(describe("garage"))
        assert tls.recv(4096).startswith(b"garage:")
        yield
        tls.sendall(b"still here?")
        assert tls.recv(4096) == b"garage:still here?"


@contextmanager
def file_replaced(edge: Edge, path: str, content: bytes) -> Iterator[None]:
    """Another content for a file, for a while."""
    path = edge.appliance.run(["readlink", "-f", path]).stdout.strip()
    mode = int(edge.appliance.run(["stat", "-c", "%a", path]).stdout, 8)
    before = edge.appliance.read(path)
    edge.appliance.write(path, content, mode)
    try:
        yield
    finally:
        edge.appliance.write(path, before, mode)


def state(edge: Edge) -> str:
    """A digest of all certificates and settings of the renewal, and where the links lead."""
    script = "cd /etc/letsencrypt && find . -type l -printf '%p %l\\n' -o -path './[alr]*' -type f -exec sha256sum {} +"
    return edge.appliance.run(["sh", "-c", f"{script} | sort"]).stdout


def refusal(edge: Edge, **how: Any) -> str:
    """What Ansible printed, on one line, for inputs that are refused."""
    return re.sub(r"\s+", " ", edge.refusal(**how))


def renew(edge: Edge, live: str = LIVE) -> int:
    """Have certbot.service renew now; returns the exit status of its start.

    The ACME server refuses some nonces, and certbot gives up after two in a row; the timer would try again.
    """
    before = edge.appliance.read(f"{live}/cert.pem")
    for _ in range(3):
        with renewals.forced(edge.appliance):
            status = edge.appliance.run(["systemctl", "start", "certbot.service"], check=False, timeout=120).returncode
        if edge.appliance.read(f"{live}/cert.pem") != before:
            return status
    raise AssertionError(edge.appliance.journal("certbot.service"))


def failed_renewal(edge: Edge, says: str = "") -> None:
    """Have certbot.service try to renew, which must fail and say so; one may fail of refused nonces before it."""
    for _ in range(3):
        with renewals.forced(edge.appliance):
            done = edge.appliance.run(["systemctl", "start", "certbot.service"], check=False, timeout=180)
        assert done.returncode != 0
        said = edge.appliance.journal("certbot.service", lines=30)
        if says in said:
            return
    raise AssertionError(f"no renewal failed with {says!r}: {said}")
