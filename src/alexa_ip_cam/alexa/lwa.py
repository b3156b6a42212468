"""Login with Amazon: grants exchanged, tokens refreshed, and who a token belongs to.

Standard library only: skill and events service share this. Forms as in Amazon's "Access Token" and "Authorization
Code Grant" pages of Login with Amazon and its "Alexa.Authorization Interface" page. No error ever quotes a token, a
code or a secret.
"""

import contextlib
import functools
import http.client
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

LWA_URL = "https://api.amazon.com"
REFRESH_EARLY_SECONDS = 300
"""How long before its end an access token is exchanged for a new one."""

_MAX_ANSWER_BYTES = 65_536
_TOKEN = re.compile(r"[!-~]{1,2048}")  # "alphanumeric", with bars, hyphens and the like; at most 2048 bytes


class LwaError(Exception):
    """Amazon did not do what was asked."""


class GrantDeadError(LwaError):
    """The code or refresh token is used up or revoked: only linking the skill again helps (``invalid_grant``)."""


class ClientRefusedError(LwaError):
    """Client id and secret are wrong or may not do this (``invalid_client``, ``unauthorized_client``)."""


class RequestRefusedError(LwaError):
    """Amazon does not understand what was sent (``invalid_request``, ``unsupported_grant_type``): a fault of ours."""


class TokenRefusedError(LwaError):
    """The bearer token is invalid or has expired; Amazon mostly does not say which."""


class TokenExpiredError(TokenRefusedError):
    """The bearer token has expired, as Amazon said."""


class LwaUnavailableError(LwaError):
    """Amazon did not answer, not in time, or with a fault of its own: try again later."""


class Client(NamedTuple):
    """A pair of client id and secret; for events the skill's messaging credentials."""

    client_id: str
    client_secret: str


class Tokens(NamedTuple):
    """What a grant is worth. `expires_at`: Unix seconds at which `access_token` ends."""

    access_token: str
    refresh_token: str
    expires_at: float


class TokenInfo(NamedTuple):
    """Whose a bearer token is. `audience`: the client id it was made for; `expires_at`: Unix seconds."""

    audience: str
    user_id: str
    expires_at: float


def exchange_code(
    code: str, client: Client, *, redirect_uri: str | None = None, url: str = LWA_URL, timeout: float = 10
) -> Tokens:
    """Exchange the code of an AcceptGrant, or of a log-in, for tokens. A code can be exchanged once.

    Args:
        code: from the directive's ``payload.grant``, or from the address that a log-in led to.
        client: the skill's messaging credentials, or who asked for the log-in.
        redirect_uri: where the log-in was told to lead to; an AcceptGrant has none.
        url: of Login with Amazon, without a path.
        timeout: seconds up to the answer's last byte; more only where a host's first addresses do not answer.

    Raises:
        GrantDeadError, ClientRefusedError, RequestRefusedError, LwaUnavailableError: as they say.
    """
    fields = {"grant_type": "authorization_code", "code": code}
    if redirect_uri is not None:
        fields["redirect_uri"] = redirect_uri
    return _tokens(fields, client, url, timeout)


def refresh(refresh_token: str, client: Client, *, url: str = LWA_URL, timeout: float = 10) -> Tokens:
    """Get a new access token, and a refresh token that replaces the one given: keep it before using the other.

    Raises as `exchange_code`.
    """
    return _tokens({"grant_type": "refresh_token", "refresh_token": refresh_token}, client, url, timeout)


def token_info(token: str, *, url: str = LWA_URL, timeout: float = 3) -> TokenInfo:
    """Ask whose a bearer token is.

    Raises:
        TokenExpiredError: the token has expired, and Amazon said so.
        TokenRefusedError: the token is invalid or has expired.
        LwaUnavailableError: Amazon did not say.
    """
    if not _TOKEN.fullmatch(token):
        raise TokenRefusedError("this is no token")
    query = urllib.parse.urlencode({"access_token": token})
    status, answer = _ask("GET", url, f"/auth/o2/tokeninfo?{query}", None, timeout)
    if status in (400, 401) and answer.get("error") in ("invalid_token", "invalid_request"):
        if "expired" in str(answer.get("error_description")):
            raise TokenExpiredError("the token has expired")
        raise TokenRefusedError("the token is invalid or has expired")
    # exp counts the seconds that are left, unlike the claim of that name in other token formats.
    audience, user_id, lasts = answer.get("aud"), answer.get("user_id"), answer.get("exp")
    if status != 200 or not isinstance(audience, str) or not isinstance(user_id, str):
        raise LwaUnavailableError(f"tokeninfo answered with status {status}")
    if not isinstance(lasts, int | float) or isinstance(lasts, bool):
        raise LwaUnavailableError("tokeninfo did not say how long the token lasts")
    if lasts <= 0:
        raise TokenExpiredError("the token has expired")
    return TokenInfo(audience, user_id, time.time() + lasts)


def _tokens(fields: Mapping[str, str], client: Client, url: str, timeout: float) -> Tokens:
    try:
        body = urllib.parse.urlencode({**fields, **client._asdict()}).encode("ascii")
    except UnicodeEncodeError:
        raise GrantDeadError("this is no code or token") from None
    status, answer = _ask("POST", url, "/auth/o2/token", body, timeout)
    if status == 200:
        access, again, lasts = (answer.get(key) for key in ("access_token", "refresh_token", "expires_in"))
        if isinstance(access, str) and isinstance(again, str) and isinstance(lasts, int) and access and again:
            return Tokens(access, again, time.time() + lasts)
        raise LwaUnavailableError("the token endpoint's answer has no tokens")
    match answer.get("error"):
        case "invalid_grant":
            raise GrantDeadError("the grant is used up or revoked")
        case "invalid_client" | "unauthorized_client":
            raise ClientRefusedError("Amazon does not know this client id and secret, or they may not do this")
        case "invalid_request" | "unsupported_grant_type" as error:
            raise RequestRefusedError(f"Amazon does not understand the request ({error})")
    raise LwaUnavailableError(f"the token endpoint answered with status {status}")


def _ask(method: str, url: str, target: str, form: bytes | None, timeout: float) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of the answer; an empty object where there is none."""
    headers = {"Accept": "application/json", "Connection": "close"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8"
    try:
        with _connected(url, timeout) as connection:
            connection.request(method, target, form, headers)
            with connection.getresponse() as response:
                status, body = response.status, response.read(_MAX_ANSWER_BYTES)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        # Its text may quote the request; the kind of problem says enough.
        raise LwaUnavailableError(f"no answer from Login with Amazon ({type(problem).__name__})") from None
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    return status, answer if isinstance(answer, dict) else {}


@contextlib.contextmanager
def _connected(url: str, timeout: float) -> Iterator[http.client.HTTPConnection]:
    """A connection that ends itself when the time is up: a socket's own limit starts anew with each byte."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=_tls())
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    deadline = time.monotonic() + timeout
    with contextlib.closing(connection):
        connection.connect()
        watchdog = threading.Timer(max(deadline - time.monotonic(), 0), _end, [connection.sock])
        watchdog.daemon = True
        watchdog.start()
        try:
            yield connection
        finally:
            watchdog.cancel()


def _end(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        # Not the method of a TLS socket, which takes the socket apart under its reader.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
