"""Login with Amazon: grants exchanged, tokens refreshed, and who a token belongs to.

Standard library only: skill and events service share this. Forms as in Amazon's "Access Token" and "Authorization
Code Grant" pages of Login with Amazon and its "Alexa.Authorization Interface" page. No error ever quotes a token, a
code or a secret.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

LWA_URL = "https://api.amazon.com"
REFRESH_EARLY_SECONDS = 300
"""How long before its end an access token is exchanged for a new one."""

_MAX_ANSWER_BYTES = 65_536


class LwaError(Exception):
    """Amazon did not do what was asked."""


class GrantDeadError(LwaError):
    """The code or refresh token is used up or revoked: only linking the skill again helps (``invalid_grant``)."""


class ClientRefusedError(LwaError):
    """Client id and secret are wrong or may not do this (``invalid_client``, ``unauthorized_client``)."""


class TokenRefusedError(LwaError):
    """The bearer token is invalid or has expired."""


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
        timeout: seconds.

    Raises:
        GrantDeadError, ClientRefusedError, LwaUnavailableError: as they say.
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
        TokenRefusedError: the token is invalid or has expired.
        LwaUnavailableError: Amazon did not say.
    """
    query = urllib.parse.urlencode({"access_token": token})
    status, answer = _ask(urllib.request.Request(f"{url}/auth/o2/tokeninfo?{query}"), timeout)  # noqa: S310
    if status in (400, 401):
        raise TokenRefusedError("the token is invalid or has expired")
    audience, user_id, lasts = answer.get("aud"), answer.get("user_id"), answer.get("exp")
    if status != 200 or not isinstance(audience, str) or not isinstance(user_id, str):
        raise LwaUnavailableError(f"tokeninfo answered with status {status}")
    if not isinstance(lasts, int | float) or isinstance(lasts, bool) or lasts < 0:
        raise LwaUnavailableError("tokeninfo did not say how long the token lasts")
    return TokenInfo(audience, user_id, time.time() + lasts)


def _tokens(fields: Mapping[str, str], client: Client, url: str, timeout: float) -> Tokens:
    body = urllib.parse.urlencode({**fields, **client._asdict()}).encode("ascii")
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
    request = urllib.request.Request(f"{url}/auth/o2/token", body, headers)  # noqa: S310
    status, answer = _ask(request, timeout)
    if status == 200:
        access, again, lasts = (answer.get(key) for key in ("access_token", "refresh_token", "expires_in"))
        if isinstance(access, str) and isinstance(again, str) and isinstance(lasts, int) and access and again:
            return Tokens(access, again, time.time() + lasts)
        raise LwaUnavailableError("the token endpoint's answer has no tokens")
    error = answer.get("error")
    if error == "invalid_grant":
        raise GrantDeadError("the grant is used up or revoked")
    if error in ("invalid_client", "unauthorized_client"):
        raise ClientRefusedError("Amazon does not know this client id and secret")
    raise LwaUnavailableError(f"the token endpoint answered with status {status}")


def _ask(request: urllib.request.Request, timeout: float) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of the answer; an empty object where there is none."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310  (the caller's URL)
            status, body = response.status, response.read(_MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as refusal:
        with refusal:
            status, body = refusal.code, refusal.read(_MAX_ANSWER_BYTES)
    except (OSError, ValueError) as problem:
        # Its text may quote the request; the kind of problem says enough.
        reason = getattr(problem, "reason", problem)
        raise LwaUnavailableError(f"no answer from Login with Amazon ({type(reason).__name__})") from None
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    return status, answer if isinstance(answer, dict) else {}
