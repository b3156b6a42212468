"""Alexa's event gateway: sends a message, and says what its answer means for this and other messages.

After Amazon's page "Send Events to the Alexa Event Gateway". Standard library only: a connection that is kept costs a
tenth of one per message, and no HTTP library is needed for one kind of request.
"""

import contextlib
import enum
import functools
import http.client
import json
import socket
import ssl
import threading
import time
import urllib.parse
from typing import Any, NamedTuple

_MAX_ANSWER_BYTES = 65_536
_IDLE_SECONDS = 20.0  # a connection that was idle for longer may be closed at the other end


class Meaning(enum.Enum):
    """What to do after an answer."""

    ACCEPTED = enum.auto()
    """Alexa has it."""
    AGAIN = enum.auto()
    """Trouble at Amazon: the same message again, a second later at the earliest; not for ever in quick succession."""
    TOKEN = enum.auto()
    """The access token is not taken: once again with a new one."""
    WRONG = enum.auto()
    """The message itself is not taken and never will be."""
    TOO_LARGE = enum.auto()
    """The message names too many endpoints."""
    FORBIDDEN = enum.auto()
    """The skill may not send this."""
    ACCOUNT = enum.auto()
    """Amazon knows no such account, or the message came too late for it."""
    STOP = enum.auto()
    """Nothing is taken from this skill or for this account, until somebody changes something."""


# Status and code of an answer. The codes count; a status alone where none is known.
_CODES = {
    "INVALID_REQUEST_EXCEPTION": Meaning.WRONG,
    "INVALID_ACCESS_TOKEN_EXCEPTION": Meaning.TOKEN,
    "INSUFFICIENT_PERMISSION_EXCEPTION": Meaning.FORBIDDEN,
    "SKILL_NEVER_ENABLED_EXCEPTION": Meaning.STOP,
    "SKILL_DISABLED_EXCEPTION": Meaning.STOP,
    "SKILL_NOT_FOUND_EXCEPTION": Meaning.STOP,
    "ACCOUNT_NOT_FOUND_EXCEPTION": Meaning.ACCOUNT,
    "REQUEST_ENTITY_TOO_LARGE_EXCEPTION": Meaning.TOO_LARGE,
    "THROTTLING_EXCEPTION": Meaning.AGAIN,
    "INTERNAL_SERVICE_EXCEPTION": Meaning.AGAIN,
    "SERVICE_UNAVAILABLE_EXCEPTION": Meaning.AGAIN,
}
_STATUSES = {
    400: Meaning.WRONG,
    401: Meaning.TOKEN,
    403: Meaning.FORBIDDEN,
    404: Meaning.STOP,
    413: Meaning.TOO_LARGE,
    429: Meaning.AGAIN,
}

ADVICE = {
    "INSUFFICIENT_PERMISSION_EXCEPTION": "the skill may not send events; allow it (alexa::async_event:write), then "
    "disable and enable the skill in the Alexa app",
    "SKILL_NEVER_ENABLED_EXCEPTION": "the skill was never enabled in this region; if it was enabled just now it takes "
    "a while, otherwise disable and enable it in the Alexa app",
    "SKILL_DISABLED_EXCEPTION": "the skill is disabled; enable it in the Alexa app",
    "SKILL_NOT_FOUND_EXCEPTION": "the skill was linked in another stage; disable and enable it in the Alexa app",
    "ACCOUNT_NOT_FOUND_EXCEPTION": "Amazon does not know the account any more; disable and enable the skill in the "
    "Alexa app",
    "INVALID_ACCESS_TOKEN_EXCEPTION": "Alexa does not take our token, not even a new one; enable the skill in the "
    "Alexa app",
}
"""What the owner can do about a code."""


class Answer(NamedTuple):
    """The gateway's answer. `code` and `description` are empty where it gave none."""

    status: int
    code: str = ""
    description: str = ""

    @property
    def meaning(self) -> Meaning:
        """What to do now."""
        if 200 <= self.status < 300:
            return Meaning.ACCEPTED
        return _CODES.get(self.code) or _STATUSES.get(self.status, Meaning.AGAIN)

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.status), self.code, self.description) if part)


class UnreachableError(Exception):
    """No answer; says why. The message was not sent, or nobody knows whether it arrived.

    Args:
        reason: the kind of trouble.
        sent: whether the message may have arrived.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class EventGateway:
    """A connection that is kept between messages. For one thread.

    Args:
        timeout: seconds for one message from the first packet to the last byte of the answer.
    """

    def __init__(self, timeout: float = 10.0) -> None:
        self._timeout = timeout
        self._url = ""
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, url: str, event: dict[str, Any], token: str) -> Answer:
        """Send one message.

        Args:
            url: of the region's gateway.
            event: the message.
            token: the access token, which also stands in the message.

        Raises:
            UnreachableError: there was no answer.
        """
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        kept = self._connection is not None and url == self._url and time.monotonic() - self._used < _IDLE_SECONDS
        if kept:
            try:
                return self._send(body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                pass  # the other end closed it while it was idle; a message may come twice, its id says so
            except (OSError, ValueError, http.client.HTTPException) as problem:
                raise self._trouble(problem, sent=True) from None
        self.close()
        try:
            self._connect(url)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise self._trouble(problem, sent=False) from None
        try:
            return self._send(body, headers)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise self._trouble(problem, sent=True) from None

    def _connect(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(host, parts.port, timeout=self._timeout, context=_tls())
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=self._timeout)
        self._url = url
        self._connection.connect()

    def _send(self, body: bytes, headers: dict[str, str]) -> Answer:
        connection = self._connection
        assert connection is not None  # noqa: S101 - the caller has seen to it
        # A socket's own limit starts anew with each byte.
        watchdog = threading.Timer(self._timeout, _end, [connection.sock])
        watchdog.daemon = True
        watchdog.start()
        try:
            connection.request("POST", urllib.parse.urlsplit(self._url).path, body, headers)
            with connection.getresponse() as response:
                status, text = response.status, response.read(_MAX_ANSWER_BYTES)
                if response.will_close:
                    self.close()
        finally:
            watchdog.cancel()
        self._used = time.monotonic()
        return Answer(status, *_reason(text))

    def _trouble(self, problem: Exception, *, sent: bool) -> UnreachableError:
        self.close()
        # Not its text: it may quote the request.
        return UnreachableError(f"no answer from the event gateway ({type(problem).__name__})", sent=sent)


def _reason(text: bytes) -> tuple[str, str]:
    try:
        payload = json.loads(text)["payload"]
        code, description = payload["code"], payload.get("description", "")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    if not isinstance(code, str) or not isinstance(description, str):
        return "", ""
    return code[:100], description[:300]


def _end(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        # Not the method of a TLS socket, which takes the socket apart under its reader.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
