"""The connection to the event gateway: kept, cut, slow, and closed while it was idle."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from alexa_ip_cam.alexa.event_gateway import Answer, EventGateway, UnreachableError

Behaviour = Callable[[socket.socket], None]
OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Accepts connections; what each of them does is given in order."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v3/events"
        self._behaviours = behaviours
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for behaviour in self._behaviours:
            connection, _ = self._socket.accept()
            self.connections += 1
            with connection:
                connection.settimeout(5)
                behaviour(connection)

    def read(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(body)

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers = []

    def make(*behaviours: Callable[[Server, socket.socket], None]) -> Server:
        holder: list[Server] = []
        bound = [lambda connection, one=one: one(holder[0], connection) for one in behaviours]
        server = Server(*bound)
        holder.append(server)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


def answer_twice(server: Server, connection: socket.socket) -> None:
    for _ in range(2):
        server.read(connection)
        connection.sendall(OK)


def answer_once(server: Server, connection: socket.socket) -> None:
    server.read(connection)
    connection.sendall(OK)


def test_a_connection_is_kept(serve: Callable[..., Server]) -> None:
    server = serve(answer_twice)
    gateway = EventGateway(2)
    assert gateway.send(server.url, {"a": 1}, "t") == Answer(202)
    assert gateway.send(server.url, {"a": 2}, "t") == Answer(202)
    assert server.connections == 1
    assert server.requests == [b'{"a":1}', b'{"a":2}']
    gateway.close()


def test_one_that_was_closed_while_it_was_idle_is_opened_anew(serve: Callable[..., Server]) -> None:
    server = serve(answer_once, answer_once)
    gateway = EventGateway(2)
    gateway.send(server.url, {}, "t")
    time.sleep(0.1)
    assert gateway.send(server.url, {}, "t") == Answer(202)
    assert server.connections == 2
    gateway.close()


def test_another_url_takes_another_connection(serve: Callable[..., Server]) -> None:
    first, second = serve(answer_once), serve(answer_once)
    gateway = EventGateway(2)
    gateway.send(first.url, {}, "t")
    gateway.send(second.url, {}, "t")
    assert (first.connections, second.connections) == (1, 1)
    gateway.close()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError) as error:
        EventGateway(1).send(f"http://127.0.0.1:{port}/v3/events", {}, "t")
    assert not error.value.sent


def _drip(server: Server, connection: socket.socket) -> None:
    server.read(connection)
    for byte in OK * 3:
        time.sleep(0.05)
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return


def _say_nothing(server: Server, connection: socket.socket) -> None:
    server.read(connection)
    time.sleep(0.8)


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda server, connection: server.read(connection),
        lambda server, connection: (server.read(connection), connection.sendall(b"nonsense\r\n\r\n")),
        lambda server, connection: (server.read(connection), connection.sendall(OK[:10])),
        _say_nothing,
        _drip,
    ],
    ids=["cut", "nonsense", "cut in the answer", "silent", "dripping"],
)
def test_no_answer_within_the_time(serve: Callable[..., Server], behaviour: Behaviour) -> None:
    server = serve(behaviour)
    gateway = EventGateway(0.5)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no answer from the event gateway") as error:
        gateway.send(server.url, {"secret": "message"}, "Atza|token")
    assert error.value.sent
    assert time.monotonic() - began < 2
    assert "token" not in str(error.value)


def _respond(body: bytes, status: int = 400) -> Callable[[Server, socket.socket], None]:
    def respond(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return respond


@pytest.mark.parametrize(
    ("body", "code", "description"),
    [
        (b'{"header":{},"payload":{"code":"C","description":"d"}}', "C", "d"),
        (b'{"payload":{"code":"C"}}', "C", ""),
        (b"", "", ""),
        (b"<html>", "", ""),
        (b"[]", "", ""),
        (b'{"payload":[]}', "", ""),
        (b'{"payload":{"code":7}}', "", ""),
        (b'{"payload":{"code":"C","description":["d"]}}', "", ""),
        (b"[" * 50_000, "", ""),
    ],
)
def test_answers_of_every_form(serve: Callable[..., Server], body: bytes, code: str, description: str) -> None:
    server = serve(_respond(body))
    gateway = EventGateway(2)
    assert gateway.send(server.url, {}, "t") == Answer(400, code, description)
    gateway.close()
