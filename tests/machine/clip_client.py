"""Asks for clips as an Echo or a browser does: through port 443, by name, over verified TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from home import Home
from home.inventory import CLIPS_NAME


class Answer(NamedTuple):
    """What the appliance said."""

    status: int
    headers: dict[str, str]
    body: bytes


_Connection = TypeVar("_Connection", http.client.HTTPConnection, ssl.SSLSocket)


class OneConnection(Generic[_Connection]):
    """A context manager with one connection, which is opened anew when the appliance closes it."""

    def __init__(self, home: Home) -> None:
        self._address = (home.appliance.address, 443)
        self._tls = ssl.create_default_context(cafile=str(home.roots_pem))
        self._connection: _Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _secured(self) -> ssl.SSLSocket:
        raw = socket.create_connection(self._address, timeout=10)
        return self._tls.wrap_socket(raw, server_hostname=CLIPS_NAME)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class ClipClient(OneConnection[http.client.HTTPConnection]):
    """Speaks proper HTTP."""

    def get(self, target: str, **headers: str) -> Answer:
        """Ask for a path with its query, exactly as written."""
        for _ in range(2):
            connection = self._connection or self._open()
            try:
                connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
                for name, value in {"Host": CLIPS_NAME, **headers}.items():
                    connection.putheader(name, value)
                connection.endheaders()
                response = connection.getresponse()
                body = response.read()
            except (http.client.HTTPException, OSError):
                self._close()  # kept alive for so long, or for so many requests
                continue
            if response.will_close:
                self._close()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
        raise AssertionError(f"no answer to {target}")

    def _open(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(CLIPS_NAME)
        connection.sock = self._secured()
        self._connection = connection
        return connection
