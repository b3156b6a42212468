"""Alexa's event gateway as a real HTTP server that judges every message, and fails in every way it can.

After Amazon's page "Send Events to the Alexa Event Gateway": the address, both places of the token, 202 for what was
accepted, and the table of errors.
"""

import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from simulators.amazon import events
from simulators.amazon.checks import ProtocolError

PATH = "/v3/events"


class Refusal(NamedTuple):
    """Fault: this answer, and the message is not looked at."""

    status: int
    code: str


class Silence(NamedTuple):
    """Fault: no answer for so many seconds, then the connection is closed; the message is not looked at."""

    seconds: float


class Cut(NamedTuple):
    """Fault: the connection is cut once the whole message has been read; it is not looked at."""


class LostAnswer(NamedTuple):
    """Fault: the message is accepted (or not, by its merits), and the connection cut instead of an answer."""


class Delay(NamedTuple):
    """Fault: looked at and answered, but only after so many seconds."""

    seconds: float


class Garbage(NamedTuple):
    """Fault: an answer that is no HTTP."""


Fault = Refusal | Silence | Cut | LostAnswer | Delay | Garbage

INVALID_REQUEST = Refusal(400, "INVALID_REQUEST_EXCEPTION")
INVALID_TOKEN = Refusal(401, "INVALID_ACCESS_TOKEN_EXCEPTION")
NO_PERMISSION = Refusal(403, "INSUFFICIENT_PERMISSION_EXCEPTION")
NEVER_ENABLED = Refusal(403, "SKILL_NEVER_ENABLED_EXCEPTION")
DISABLED = Refusal(403, "SKILL_DISABLED_EXCEPTION")
NO_SKILL = Refusal(404, "SKILL_NOT_FOUND_EXCEPTION")
NO_ACCOUNT = Refusal(404, "ACCOUNT_NOT_FOUND_EXCEPTION")
TOO_LARGE = Refusal(413, "REQUEST_ENTITY_TOO_LARGE_EXCEPTION")
THROTTLED = Refusal(429, "THROTTLING_EXCEPTION")
INTERNAL = Refusal(500, "INTERNAL_SERVICE_EXCEPTION")
UNAVAILABLE = Refusal(503, "SERVICE_UNAVAILABLE_EXCEPTION")
ALL_REFUSALS = (
    INVALID_REQUEST,
    INVALID_TOKEN,
    NO_PERMISSION,
    NEVER_ENABLED,
    DISABLED,
    NO_SKILL,
    NO_ACCOUNT,
    TOO_LARGE,
    THROTTLED,
    INTERNAL,
    UNAVAILABLE,
)
"""Amazon's table of errors."""

# What passes, so that every message gets through in the end.
PASSING: tuple[Fault, ...] = (
    INVALID_TOKEN,
    NEVER_ENABLED,
    DISABLED,
    NO_SKILL,
    THROTTLED,
    INTERNAL,
    UNAVAILABLE,
    Cut(),
    LostAnswer(),
    Garbage(),
)


class Accepted(NamedTuple):
    """A message that was taken. `at`: monotonic seconds."""

    namespace: str
    name: str
    message_id: str
    endpoint_id: str
    media_id: str
    document: dict[str, Any]
    at: float


class EventGateway:
    """A context manager; `url` is what takes the place of ``https://api.amazonalexa.com/v3/events``.

    Args:
        client_of: the client that an access token was made for, None for a token that is not valid: of the simulator
            `lwa.Lwa`, `is_valid_access`.
        client_id: the client whose tokens are taken: the skill's messaging credentials.
        host: the address that it listens on.
    """

    def __init__(self, client_of: Callable[[str], str | None], client_id: str, *, host: str = "127.0.0.1") -> None:
        self._host = host
        self._client_of = client_of
        self._client_id = client_id
        self._lock = threading.Lock()
        self._accepted: dict[str, Accepted] = {}
        self._problems: list[str] = []
        self._faults: deque[Fault] = deque()
        self._mix: tuple[random.Random, float, Sequence[Fault]] | None = None
        self._rules: list[Callable[[dict[str, Any]], Fault | None]] = []
        self._times: list[float] = []
        self.repeated = 0
        """Messages that were accepted more than once, under the same message id."""

    def __enter__(self) -> Self:
        self._server = _Server(self, self._host)
        self.url = f"http://{self._host}:{self._server.server_port}{PATH}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def fail(self, *faults: Fault) -> None:
        """Let the next messages meet these faults, one each."""
        with self._lock:
            self._faults.extend(faults)

    def fail_often(self, share: float, faults: Sequence[Fault] = PASSING, *, seed: int = 1) -> None:
        """From now on let this share (0 to 1) of all messages meet one of these faults."""
        with self._lock:
            self._mix = (random.Random(seed), share, faults) if share else None  # noqa: S311

    def fail_if(self, rule: Callable[[dict[str, Any]], Fault | None] | None) -> None:
        """From now on let messages meet what the rule says of them; None: no rule any more."""
        with self._lock:
            self._rules = [rule] if rule is not None else []

    @property
    def accepted(self) -> list[Accepted]:
        """What was accepted, each message once, in order."""
        with self._lock:
            return list(self._accepted.values())

    @property
    def problems(self) -> list[str]:
        """Everything that Amazon would not have understood; must be empty."""
        with self._lock:
            return list(self._problems)

    @property
    def times(self) -> list[float]:
        """When each request came, monotonic seconds."""
        with self._lock:
            return list(self._times)

    def next_fault(self, document: Any) -> Fault | None:
        """What this message is to meet."""
        with self._lock:
            self._times.append(time.monotonic())
            for rule in self._rules:
                if isinstance(document, dict) and (fault := rule(document)) is not None:
                    return fault
            if self._faults:
                return self._faults.popleft()
            if self._mix is not None:
                rng, share, faults = self._mix
                if rng.random() < share:
                    return rng.choice(faults)
            return None

    def judge(self, document: Any, headers: dict[str, str | None], path: str) -> tuple[int, str]:
        """Status and code for a message; takes it if it is good."""
        try:
            if path != PATH:
                raise ProtocolError(f"there is no {path}")
            if headers["Content-Type"] not in ("application/json", "application/json;charset=UTF-8"):
                raise ProtocolError(f"Content-Type: {headers['Content-Type']}")
            token = events.bearer(headers["Authorization"])
            namespace, name = events.message(document)
            if events.token_of(document) != token:
                raise ProtocolError("the token in the message is another one than in the header")
        except ProtocolError as problem:
            with self._lock:
                self._problems.append(str(problem))
            return INVALID_REQUEST
        if self._client_of(token) != self._client_id:
            return INVALID_TOKEN
        self._take(namespace, name, document)
        return 202, ""

    def _take(self, namespace: str, name: str, document: dict[str, Any]) -> None:
        event = document["event"]
        payload = event["payload"]
        accepted = Accepted(
            namespace,
            name,
            event["header"]["messageId"],
            event.get("endpoint", {}).get("endpointId", ""),
            payload["media"]["id"] if "media" in payload else "",
            document,
            time.monotonic(),
        )
        with self._lock:
            before = self._accepted.get(accepted.message_id)
            if before is None:
                self._accepted[accepted.message_id] = accepted
            elif (before.name, before.media_id, before.endpoint_id) != (name, accepted.media_id, accepted.endpoint_id):
                self._problems.append(f"message id {accepted.message_id} was used for two messages")
            else:
                self.repeated += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end: nothing outlives the simulator
    request_queue_size = 64

    def __init__(self, gateway: EventGateway, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.gateway = gateway
        self.ending = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a client that was killed leaves so
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.ending.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    timeout = 2  # seconds of silence from a client between two messages
    server: _Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        fault = self.server.gateway.next_fault(document)
        match fault:
            case Refusal(status, code):
                self._answer(status, code)
                return
            case Silence(seconds):
                self.server.ending.wait(seconds)
                self.close_connection = True
                return
            case Cut():
                self.close_connection = True
                return
            case Garbage():
                self.wfile.write(b"!" * 200 + b"\r\n\r\n")
                self.close_connection = True
                return
            case Delay(seconds):
                self.server.ending.wait(seconds)
        headers = {name: self.headers.get(name) for name in ("Content-Type", "Authorization")}
        status, code = self.server.gateway.judge(document, headers, self.path)
        if isinstance(fault, LostAnswer):
            self.close_connection = True
            return
        self._answer(status, code)

    def _answer(self, status: int, code: str) -> None:
        header = {"namespace": "System", "name": "Exception", "messageId": "90c3fc62-4b2d-460c-9c8b-77251f1698a0"}
        answer = {"header": header, "payload": {"code": code, "description": "as asked for"}} if code else None
        content = json.dumps(answer).encode() if answer else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Nothing: `EventGateway.accepted` is the log."""
