"""Amazon's Skill Management API over HTTPS: waits where waiting helps, and says the rest in words.

Statuses as in Amazon's "Skill Management API" pages: 401 for a token, 409 while a build is running, 412 for an ETag
that is no more, 429 when asked too often. Nothing of a request's body is ever quoted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import requests

SMAPI_URL = "https://api.amazonalexa.com"

_TIMEOUT_SECONDS = 30
_FAULT_TRIES = 4  # for faults of Amazon's and of the network
_LONGEST_PAUSE_SECONDS = 30
_TELL_SECONDS = 5

_MENDS = {
    400: "this version and Amazon's interface do not agree; see whether there is a newer one",
    401: "log in again with python -m alexa_ip_cam.login",
    403: "log in with the developer account that owns the skill: python -m alexa_ip_cam.login",
    404: "run again: what has gone is made anew",
    409: "somebody else changes the skill; run again when that is done",
    412: "somebody else changed the skill meanwhile; run again",
    429: "Amazon wants fewer requests; run again in a few minutes",
}


class SmapiError(Exception):
    """Amazon did not do it. `status` is HTTP's, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        """Keep what the owner reads, and the status."""
        super().__init__(message)
        self.status = status


class Answer(NamedTuple):
    """An answer of the wanted kind: its status, its object (empty where there is none) and its ETag."""

    status: int
    body: dict[str, Any]
    etag: str


class Session(Protocol):
    """Who has the tokens."""

    def token(self) -> str:
        """One that is valid, as far as known."""

    def renew(self) -> str:
        """Another one, because that was refused."""


class Smapi:
    """One client.

    Args:
        session: gives access tokens.
        url: without a path.
        patience: seconds to wait for others' builds to end, and for Amazon to take more requests.
        pause: seconds between two looks.
        tell: is called with a line now and then while something takes long.
    """

    def __init__(
        self,
        session: Session,
        *,
        url: str = SMAPI_URL,
        patience: float = 300,
        pause: float = 2,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """Contact nobody yet."""
        self._session = session
        self._url = url
        self._patience = patience
        self._pause = pause
        self._tell = tell
        self._http = requests.Session()

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        what: str,
        expect: tuple[int, ...] = (200, 202, 204),
        etag: str = "",
        repeatable: bool = True,
    ) -> Answer:
        """Send one request until it is answered for good.

        Args:
            method: of HTTP.
            path: with a slash in front.
            body: becomes JSON.
            what: what it is for, as the message of an error begins: "The skill could not be made".
            expect: statuses that are answers; every other one is an error.
            etag: the version that the change is for.
            repeatable: whether it may be sent again after an answer was lost; a creation may not.

        Raises:
            SmapiError: Amazon refuses, or does not answer.
        """
        end = time.monotonic() + self._patience
        token, renewed, faults = self._session.token(), False, 0
        while True:
            reply = self._send(method, path, body, token, etag)
            status = reply.status_code if reply is not None else 0
            if reply is not None and status in expect:
                return Answer(status, _object(reply), reply.headers.get("ETag", ""))
            if status == 401 and not renewed:
                token, renewed = self._session.renew(), True
                continue
            pause = self._pause
            if status in (409, 429):
                wait = reply.headers.get("Retry-After", "") if reply is not None else ""
                pause = min(float(wait), _LONGEST_PAUSE_SECONDS) if wait.isdigit() else pause
                worth_it = time.monotonic() + pause < end
            else:
                faults += 1
                worth_it = (status == 0 or status >= 500) and faults < _FAULT_TRIES and repeatable
                pause *= faults
            if not worth_it:
                raise SmapiError(_message(what, reply), status)
            time.sleep(pause)

    def wait_for_build(self, skill_id: str) -> dict[str, Any]:
        """Wait until no build of the manifest is running; gives the last one, as ``manifest.lastUpdateRequest``.

        Raises:
            SmapiError: it takes longer than there is patience, or Amazon refuses to say.
        """
        started = told = time.monotonic()
        while True:
            path = f"/v1/skills/{skill_id}/status?resource=manifest"
            answer = self.call("GET", path, what="Amazon does not say how the build goes", expect=(200,))
            last: dict[str, Any] = answer.body.get("manifest", {}).get("lastUpdateRequest", {})
            if last.get("status") != "IN_PROGRESS":
                return last
            now = time.monotonic()
            if now + self._pause > started + self._patience:
                raise SmapiError(
                    f"Amazon has been building the skill for more than {self._patience:.0f} s; run again, which goes "
                    "on from here"
                )
            if now - told >= _TELL_SECONDS:
                told = now
                self._tell(f"Amazon is building the skill, {now - started:.0f} s so far")
            time.sleep(self._pause)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, token: str, etag: str
    ) -> requests.Response | None:
        headers = {"Authorization": f"Bearer {token}", **({"If-Match": etag} if etag else {})}
        try:
            return self._http.request(
                method, self._url + path, json=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException:
            return None


def build_problem(last: Mapping[str, Any]) -> str:
    """Why a build failed, in Amazon's words; empty when it did not."""
    if last.get("status") != "FAILED":
        return ""
    errors = [f"{error.get('code', '')}: {error.get('message', '')}" for error in last.get("errors", [])]
    return "; ".join(errors) or "Amazon gives no reason"


def _object(reply: requests.Response) -> dict[str, Any]:
    try:
        content = json.loads(reply.content) if reply.content else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _message(what: str, reply: requests.Response | None) -> str:
    if reply is None:
        return f"{what}: Amazon cannot be reached; look at this machine's network and run again"
    body = _object(reply)
    told = [str(body.get("message", ""))] + [
        str(each.get("message", "")) for each in body.get("violations", []) if isinstance(each, dict)
    ]
    said = "; ".join(text for text in told if text)
    mend = _MENDS.get(reply.status_code, "Amazon has a fault of its own; run again later, which goes on from here")
    return f"{what}: Amazon answered {reply.status_code}{f' ({said})' if said else ''}; {mend}"
