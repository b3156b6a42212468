"""Login with Amazon as a real HTTP server: tokens for codes and refresh tokens, and whose a token is.

As strict as Amazon's "Authorization Code Grant", "Access Token" and "Obtain Customer Profile" pages of Login with
Amazon allow: forms only, no field missing and none besides, codes used once, refresh tokens replaced at each use.
An expired token is refused in the same words as one that never was: the pages name no difference.
"""

import json
import secrets
import sys
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

TOKEN, TOKEN_INFO, PROFILE = "/auth/o2/token", "/auth/o2/tokeninfo", "/user/profile"
ACCESS_SECONDS = 3600
CODE_SECONDS = 300
FIELDS = {"authorization_code": "code", "refresh_token": "refresh_token"}
"""The grant types, and the field that each needs besides client_id and client_secret."""


class Reply(NamedTuple):
    """Fault: this is answered, and the request is not looked at."""

    status: int
    body: bytes = b""


class Delay(NamedTuple):
    """Fault: the request is looked at and answered only after so many seconds."""

    seconds: float


class Cut(NamedTuple):
    """Fault: the connection is cut after so many bytes of the answer; without any, the request is not looked at."""

    after: int = 0


class Drip(NamedTuple):
    """Fault: the answer's body comes byte by byte, with so many seconds between two."""

    seconds: float


Fault = Reply | Delay | Cut | Drip


class Asked(NamedTuple):
    """A request as it came: the fields of its form or query, the last one where a name came twice."""

    method: str
    path: str
    fields: dict[str, str]


class _Client(NamedTuple):
    secret: str
    grant_types: tuple[str, ...]


class _Grant(NamedTuple):
    """What a code or token stands for; `ends` in Unix seconds."""

    client_id: str
    user_id: str
    ends: float
    redirect_uri: str | None = None


class _RefusalError(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.answer = status, {"error": error, "error_description": description}


class Lwa:
    """A context manager; `url` is what takes the place of ``https://api.amazon.com``.

    Args:
        host: the address to listen on; the port is a free one.
        access_seconds: how long the access tokens of the token endpoint last.
    """

    def __init__(self, host: str = "127.0.0.1", *, access_seconds: float = ACCESS_SECONDS) -> None:
        self._host = host
        self._access_seconds = access_seconds
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}
        self._codes: dict[str, _Grant] = {}
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, _Grant] = {}
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._asked: list[Asked] = []

    def __enter__(self) -> Self:
        self._server = _Server((self._host, 0), self)
        self.url = f"http://{self._host}:{self._server.server_port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def add_client(self, client_id: str, secret: str, *, grant_types: tuple[str, ...] = tuple(FIELDS)) -> None:
        """Make a client known. With other grant types than it has, it is an unauthorized_client."""
        with self._lock:
            self._clients[client_id] = _Client(secret, grant_types)

    def new_code(self, client_id: str, user_id: str, *, redirect_uri: str | None = None) -> str:
        """A code that the client may exchange once within five minutes; with `redirect_uri` only if it names that."""
        grant = _Grant(client_id, user_id, time.time() + CODE_SECONDS, redirect_uri)
        return self._issue(self._codes, "AN" + secrets.token_hex(9), grant)

    def new_bearer(self, client_id: str, user_id: str, lasts: float = ACCESS_SECONDS) -> str:
        """An access token as Alexa has one for an account that was linked; `lasts` in seconds, 0 for an expired one."""
        return self._issue(self._access, _token("Atza"), _Grant(client_id, user_id, time.time() + lasts))

    def is_valid_access(self, token: str) -> str | None:
        """The client that an access token was made for; None if there is no such token or it has expired."""
        with self._lock:
            grant = self._access.get(token)
        return grant.client_id if grant and grant.ends > time.time() else None

    def revoke(self, user_id: str) -> None:
        """The user disables the skill: all codes and tokens of theirs are dead."""
        with self._lock:
            for grants in (self._codes, self._access, self._refresh):
                for text in [text for text, grant in grants.items() if grant.user_id == user_id]:
                    del grants[text]

    def fail(self, path: str, *faults: Fault) -> None:
        """Let the next requests to a path (`TOKEN`, `TOKEN_INFO`, `PROFILE`) meet these faults, one each."""
        with self._lock:
            self._faults[path].extend(faults)

    @property
    def requests(self) -> list[Asked]:
        """What was asked so far, faults or not."""
        with self._lock:
            return list(self._asked)

    def next_fault(self, asked: Asked) -> Fault | None:
        """Record a request, and take the fault that it is to meet."""
        with self._lock:
            self._asked.append(asked)
            queue = self._faults[asked.path]
            return queue.popleft() if queue else None

    def answer(self, asked: Asked, problem: str | None, bearer: str | None) -> tuple[int, dict[str, Any]]:
        """Status and JSON object for a request.

        Args:
            asked: the request.
            problem: what was wrong with its form already.
            bearer: the token of its headers.
        """
        try:
            with self._lock:
                match asked.method, asked.path:
                    case "POST", _ if asked.path == TOKEN:
                        return 200, self._tokens(asked.fields, problem)
                    case "GET", _ if asked.path == TOKEN_INFO:
                        return 200, self._token_info(asked.fields.get("access_token"))
                    case "GET", _ if asked.path == PROFILE:
                        return 200, self._profile(bearer or asked.fields.get("access_token"))
        except _RefusalError as refusal:
            return refusal.answer
        return 404, {"error": "not_found"}

    def _tokens(self, fields: dict[str, str], problem: str | None) -> dict[str, Any]:
        if problem:
            raise _RefusalError("invalid_request", problem)
        grant_type = fields.get("grant_type", "")
        if not grant_type:
            raise _RefusalError("invalid_request", "The request is missing a required parameter : grant_type")
        if grant_type not in FIELDS:
            raise _RefusalError("unsupported_grant_type", "The grant type is not supported by the server")
        wanted = {"grant_type", "client_id", "client_secret", FIELDS[grant_type]}
        if missing := sorted(name for name in wanted if not fields.get(name)):
            raise _RefusalError("invalid_request", f"The request is missing a required parameter : {missing[0]}")
        if grant_type == "authorization_code":
            wanted.add("redirect_uri")
        if unknown := sorted(set(fields) - wanted):
            raise _RefusalError("invalid_request", f"The request has an unsupported parameter : {unknown[0]}")
        client = self._clients.get(fields["client_id"])
        if client is None or not secrets.compare_digest(client.secret.encode(), fields["client_secret"].encode()):
            raise _RefusalError("invalid_client", "Client authentication failed", 401)
        if grant_type not in client.grant_types:
            raise _RefusalError("unauthorized_client", "Not authorized for requested operation")
        grants = self._codes if grant_type == "authorization_code" else self._refresh
        grant = grants.get(fields[FIELDS[grant_type]])
        is_right = grant is not None and grant.client_id == fields["client_id"] and grant.ends > time.time()
        if grant is None or not is_right or grant.redirect_uri != fields.get("redirect_uri"):
            raise _RefusalError("invalid_grant", f"The request has an invalid grant parameter : {FIELDS[grant_type]}")
        del grants[fields[FIELDS[grant_type]]]
        access, again = _token("Atza"), _token("Atzr")
        self._access[access] = grant._replace(ends=time.time() + self._access_seconds, redirect_uri=None)
        self._refresh[again] = grant._replace(ends=float("inf"), redirect_uri=None)
        lasts = int(self._access_seconds)
        return {"access_token": access, "refresh_token": again, "token_type": "bearer", "expires_in": lasts}

    def _token_info(self, token: str | None) -> dict[str, Any]:
        grant = self._living(token)
        left = int(grant.ends - time.time())
        return {
            "iss": "https://www.amazon.com",
            "aud": grant.client_id,
            "user_id": grant.user_id,
            "app_id": grant.client_id.replace("application-oa2-client", "application"),
            "exp": left,
            "iat": int(grant.ends) - ACCESS_SECONDS,
        }

    def _profile(self, token: str | None) -> dict[str, Any]:
        return {"user_id": self._living(token).user_id}

    def _living(self, token: str | None) -> _Grant:
        if not token:
            raise _RefusalError("invalid_request", "The request is missing a required parameter : access_token")
        grant = self._access.get(token)
        if grant is None or grant.ends <= time.time():
            raise _RefusalError("invalid_token", "The request has an invalid parameter : access_token")
        return grant

    def _issue(self, grants: dict[str, _Grant], text: str, grant: _Grant) -> str:
        with self._lock:
            if grant.client_id not in self._clients:
                raise LookupError(f"no client {grant.client_id}; add_client makes one known")
            grants[text] = grant
        return text


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end: nothing outlives the simulator

    def __init__(self, address: tuple[str, int], lwa: Lwa) -> None:
        super().__init__(address, _Handler)
        self.lwa = lwa
        self.ending = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a client that gave up leaves so
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.ending.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5  # seconds of silence from a client

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        url = urlsplit(self.path)
        length = self.headers.get("Content-Length") or "0"
        body = self.rfile.read(int(length) if length.isdigit() else 0)
        pairs, problem = self._pairs(url.query, body)
        asked = Asked(self.command, url.path, dict(pairs))
        fault = self.server.lwa.next_fault(asked)
        if fault == Cut(0):
            return
        if isinstance(fault, Reply):
            self._send(self._head(fault.status, len(fault.body)) + fault.body)
            return
        if isinstance(fault, Delay) and self.server.ending.wait(fault.seconds):
            return
        status, answer = self.server.lwa.answer(asked, problem, self._bearer())
        content = json.dumps(answer).encode()
        head = self._head(status, len(content))
        if isinstance(fault, Drip):
            self._send(head)
            for byte in content:
                if self.server.ending.wait(fault.seconds):
                    return
                self._send(bytes([byte]))
            return
        whole = head + content
        self._send(whole[: fault.after] if isinstance(fault, Cut) else whole)

    def _pairs(self, query: str, body: bytes) -> tuple[list[tuple[str, str]], str | None]:
        """The fields of query or form, and what is wrong with them."""
        text = query
        if self.command == "POST":
            kind, _, parameter = self.headers.get("Content-Type", "").lower().replace(" ", "").partition(";")
            if kind != "application/x-www-form-urlencoded" or parameter not in ("", "charset=utf-8"):
                return [], "Content-Type is not supported"
            if query or not body.isascii():
                return [], "The parameters do not belong here"
            text = body.decode("ascii")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
        except ValueError:
            return [], "The request is malformed"
        if len(dict(pairs)) != len(pairs):
            return pairs, "A parameter is included more than once"
        return pairs, None

    def _bearer(self) -> str | None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else self.headers.get("x-amz-access-token")

    @staticmethod
    def _head(status: int, length: int) -> bytes:
        lines = [
            f"HTTP/1.1 {status} -",
            "Content-Type: application/json;charset=UTF-8",
            "Cache-Control: no-store",
            "Connection: close",
            f"Content-Length: {length}",
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Nothing: `Lwa.requests` is the log."""


def _token(kind: str) -> str:
    """As Amazon makes them: at least 350 characters, and a bar that has to be percent-encoded."""
    return f"{kind}|{secrets.token_urlsafe(270)}"
