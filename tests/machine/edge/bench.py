"""An appliance of only the outer roles (certbot, stunnel and so on), with stand-ins for what is behind them."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from filter_plugins.cameras import live555_port
from filter_plugins.signing import derived_key
from home import playbook
from home.inventory import CLIPS_NAME, STREAMS_NAME
from sandbox import Machine, Network, debian_root, suite_from_env
from world import World
from world.machine import CHALLENGE_NAMES

# Another zone, as it were, for challenges that a CNAME leads away.
DELEGATED = "delegated.example.test"
# As Let's Encrypt's chains of today: two intermediates.
CHAIN_LENGTH = 2
WEBHOOK_PORT = 8099
WEBHOOK_TOKEN = "tk_5a5a_not_to_be_seen"
ROOT_KEY = "5a" * 32
FILM = bytes(range(256)) * 40
CAMERAS = [{"id": "front-porch"}, {"id": "garage"}]
ROLES = ("alarm", "certbot", "apache", "haproxy", "stunnel", "proof")

# Says which camera it is, then repeats what it gets, until the viewer goes.
_STAND_IN = """\
import socketserver, sys, threading
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        name = self.server.name
        while data := self.request.recv(65536):
            self.request.sendall(name + b":" + data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
servers = []
for pair in sys.argv[1:]:
    name, port = pair.split("=")
    server = Server(("127.0.0.1", int(port)), Handler)
    server.name = name.encode()
    threading.Thread(target=server.serve_forever).start()
"""


class Edge:
    """A context manager: the world without cameras, and a virgin appliance."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.variables: dict[str, Any] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            net = stack.enter_context(Network("edge"))
            names = (*CHALLENGE_NAMES, DELEGATED)
            self.world = stack.enter_context(World(net, profiles={}, challenge_names=names, chain_length=CHAIN_LENGTH))
            self.appliance = stack.enter_context(
                Machine(net, "appliance", number=10, root=debian_root(suite_from_env()), resolver=self.world.address)
            )
            self._write_inputs()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _write_inputs(self) -> None:
        ca_bundle = self.directory / "acme-ca.pem"
        ca_bundle.write_text(self.world.acme_tls_ca_pem())
        key = self.world.dns_update_key
        self.variables = {
            "cameras": CAMERAS,
            "appliance_streams_name": STREAMS_NAME,
            "appliance_clips_name": CLIPS_NAME,
            "appliance_signing_key": ROOT_KEY,
            "appliance_notify": {
                "mail": "owner@example.test",
                "webhook": f"http://127.0.0.1:{WEBHOOK_PORT}/secret-topic",
                "webhook_token": WEBHOOK_TOKEN,
            },
            "certbot_email": "owner@example.test",
            "certbot_server": self.world.acme_directory,
            "certbot_ca_bundle": str(ca_bundle),
            "certbot_dns_plugin": "rfc2136",
            "certbot_dns_credentials": {
                "dns_rfc2136_server": self.world.address,
                "dns_rfc2136_name": key.name,
                "dns_rfc2136_secret": key.secret,
                "dns_rfc2136_algorithm": key.algorithm,
            },
            "certbot_dns_propagation_seconds": 1,
            # One of 4096 bits takes a second each time; the whole home has those.
            "certbot_rsa_key_size": 2048,
            **self.preferring(1),
        }

    def preferring(self, number: int) -> dict[str, str]:
        """The variables for a chain to one of the ACME server's roots."""
        root = self.directory / f"root-{number}.pem"
        root.write_text(self.world.acme_roots()[number])
        return {"certbot_preferred_chain": self.world.acme_root_names()[number], "certbot_root_file": str(root)}

    def play(self, *arguments: str, roles: tuple[str, ...] = ROLES, **changed: Any) -> playbook.Recap:
        """Run some of the roles; `changed` replaces variables. Raises `playbook.PlaybookError`."""
        host = {
            "ansible_host": self.appliance.address,
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": " ".join(self.appliance.ssh_args),
            **self.variables,
            **changed,
        }
        inventory = self.directory / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"appliance": host}}}))
        book = self.directory / "edge.yml"
        play = {"name": "Edge", "hosts": "all", "become": True, "gather_facts": False, "roles": list(roles)}
        book.write_text(yaml.safe_dump([play]))
        return playbook.run(inventory, *arguments, playbook=str(book))

    def acme_orders(self) -> int:
        """How many orders the ACME server has been asked for."""
        journal = self.world.machine.run(["journalctl", "-u", "pebble", "-o", "cat", "--no-pager"]).stdout
        return journal.count("POST /order-plz")

    def refusal(self, **changed: Any) -> str:
        """Run all roles with inputs that must be refused; returns what Ansible printed."""
        try:
            self.play(**changed)
        except playbook.PlaybookError as error:
            return error.recap.output
        raise AssertionError("the play should have failed")

    def stand_in(self, **servers: int) -> None:
        """Have something listen on ports of the appliance's loopback, each saying its name; at most once."""
        self.appliance.write("/usr/local/bin/stand-in", _STAND_IN.encode(), 0o644)
        pairs = [f"{name.replace('_', '-')}={port}" for name, port in servers.items()]
        unit = "stand-in-" + "-".join(str(port) for port in servers.values())
        self.appliance.run(["systemd-run", f"--unit={unit}", "/usr/bin/python3", "/usr/local/bin/stand-in", *pairs])

    @property
    def camera_ports(self) -> dict[str, int]:
        """Where each camera's LIVE555 would listen."""
        return {str(camera["id"]).replace("-", "_"): live555_port(camera) for camera in CAMERAS}

    def connect(
        self,
        name: str | None,
        *,
        port: int = 443,
        roots: str | None = None,
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Open a TLS connection to the appliance with a server name; verified when `roots` (PEM) are given."""
        if context is None:
            context = unverified() if roots is None else ssl.create_default_context(cadata=roots)
        plain = socket.create_connection((self.appliance.address, port), timeout=5)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return context.wrap_socket(plain, server_hostname=name, session=session)

    def served(self, port: int = 443) -> bytes:
        """The certificate served for the streams' name, in DER."""
        with self.connect(STREAMS_NAME, port=port) as tls:
            return tls.getpeercert(binary_form=True) or b""

    def get(self, target: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", port: int = 443,
            name: str = CLIPS_NAME, host: str | None = None) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
        """Ask Apache through stunnel: status, headers in small letters, body."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or name}", "Connection: close"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        with self.connect(name, port=port) as tls:
            tls.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            answer = b"".join(iter(lambda: tls.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *fields = head.decode().split("\r\n")
        found = {key.lower(): value.strip() for key, _, value in (field.partition(":") for field in fields)}
        return int(status.split()[1]), found, body


def unverified() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def describe(camera: str) -> bytes:
    """The first request of an Echo for a camera."""
    return f"DESCRIBE rtsp://{STREAMS_NAME}:443/{camera} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()


def answer(edge: Edge, name: str | None, request: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Send a request under a server name and return the first of what comes back; empty when it is closed."""
    with edge.connect(name, context=context) as tls:
        try:
            tls.sendall(request)
            return tls.recv(4096)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
            return b""


def signed(
    uri: str, *, minutes: float = 5, purpose: str = "clips", over: str | None = None, key: str | None = None
) -> str:
    """A URL's path and query; `over` is what is signed when that is another path, `key` replaces the purpose's."""
    key = key or derived_key(ROOT_KEY, purpose, 40)
    expiry = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)).strftime("%Y%m%d%H%M%S")
    inner = hashlib.sha1(f"{key}{over or uri}{expiry}".encode()).hexdigest()  # noqa: S324 - as Apache computes it
    return f"{uri}?e={expiry}&s={hashlib.sha1(f'{key}{inner}'.encode()).hexdigest()}"  # noqa: S324
