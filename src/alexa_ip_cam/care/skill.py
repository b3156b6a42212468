"""The way of the skill, as far as the appliance sees it: store, grant, function, a directive, keys and cameras."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from alexa_ip_cam.care import cloud, machine
from alexa_ip_cam.care.cloud import Access, Answer
from alexa_ip_cam.care.settings import Settings
from alexa_ip_cam.care.steps import Outcome, Step, broken, good
from alexa_ip_cam.self_check import QUESTION, cameras_mark, key_mark


class Skill:
    """Goes the way of the skill."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._nonce = secrets.token_hex(16)
        self._answers: dict[str, Answer] = {}
        self._linked = False

    def steps(self) -> list[Step]:
        """The steps."""
        return [
            Step("store", self._store),
            Step("grant", self._grant),
            Step("function", lambda: self._each(self._function)),
            Step("directive", lambda: self._each(self._directive)),
            Step("keys", lambda: self._each(self._keys)),
            Step("cameras", lambda: self._each(self._cameras)),
        ]

    def _access(self) -> Access | None:
        found = machine.kept(self._settings.etc / "events-store.json").content
        return None if found is None else cloud.access(found)

    def _given(self) -> Access:
        found = self._access()
        if found is None:
            raise ValueError("events-store.json is gone")
        return found

    def _store(self) -> Outcome:
        if self._access() is None:
            return broken("skill-not-deployed")
        try:
            self._linked = cloud.has_grant(self._given())
        except cloud.StoreError as error:
            return store_error(str(error))
        return good("answers")

    def _grant(self) -> Outcome:
        """What the step before has read."""
        return good("an account is linked") if self._linked else broken("grant-missing")

    def _each(self, find: Callable[[Access, str], Outcome]) -> Outcome:
        """The first region that is wrong, or the last."""
        given = self._given()
        outcome = broken("function-old", region=given.region)
        for region in given.regions:
            outcome = find(given, region)
            if outcome.key:
                break
        return outcome

    def _answer(self, given: Access, region: str) -> Answer:
        """To the self-check's question, which is asked once."""
        if region not in self._answers:
            question = {QUESTION: {"site": self._settings.streams_name, "nonce": self._nonce}}
            self._answers[region] = cloud.ask(given, region, question)
        return self._answers[region]

    def _function(self, given: Access, region: str) -> Outcome:
        return function(region, self._settings.streams_name, self._answer(given, region))

    def _directive(self, given: Access, region: str) -> Outcome:
        return directive(region, cloud.ask(given, region, stranger(self._nonce)))

    def _keys(self, given: Access, region: str) -> Outcome:
        etc = self._settings.etc
        events = machine.kept(etc / "events-keys.json").content or {}
        ours = {purpose: [str(events[purpose])] for purpose in ("clips", "media") if purpose in events}
        if self._settings.gateway:
            ours["streams"] = list((machine.kept(etc / "gateway.json").content or {}).get("stream_keys", []))
        return keys(region, self._nonce, ours, self._answer(given, region))

    def _cameras(self, given: Access, region: str) -> Outcome:
        events = machine.kept(self._settings.etc / "events.json").content or {}
        return cameras(region, events.get("endpoints"), self._answer(given, region))


_REFUSED = ("AccessDenied", "UnrecognizedClient", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAccessKey")
_MISSING = ("ResourceNotFound",)
_THROTTLED = ("TooManyRequests", "Throttl")


def store_error(text: str) -> Outcome:
    """What an error of the store means; it ends with AWS's code."""
    code = text.rpartition(" ")[2]
    refused = any(code.startswith(one) for one in _REFUSED)
    return broken("store-key-refused" if refused else "store-unreachable", what=code)


def function(region: str, site: str, answer: Answer) -> Outcome:
    """Whether the function answers at all."""
    known = {"region": region, "what": answer.raised or answer.code}
    if answer.raised:
        return broken("function-failed", **known)
    for codes, key in (
        (_THROTTLED, "function-throttled"),
        (_REFUSED, "function-refused"),
        (_MISSING, "function-missing"),
    ):
        if any(answer.code.startswith(one) for one in codes):
            return broken(key, **known)
    if answer.code:
        return broken("function-unreachable", **known)
    told = _told(answer)
    if not told:
        return broken("function-old", region=region)
    if not told.get("known"):
        return broken("function-other-site", region=region, name=site)
    return good(f"{region} answers")


def stranger(nonce: str) -> dict[str, Any]:
    """A discovery as Alexa sends it ("Alexa.Discovery Interface"), with a token that Amazon has given to nobody.

    The function has to ask Login with Amazon for it, as for every directive.
    """
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": nonce}
    scope = {"type": "BearerToken", "token": f"Atza|{nonce}"}
    return {"directive": {"header": header, "payload": {"scope": scope}}}


def directive(region: str, answer: Answer) -> Outcome:
    """What a stranger's directive is answered: that Amazon does not know the account."""
    if answer.content is None:
        return function(region, "", answer)
    event = answer.content.get("event")
    payload = event.get("payload") if isinstance(event, dict) else None
    kind = str(payload.get("type", "")) if isinstance(payload, dict) else ""
    if kind in ("INVALID_AUTHORIZATION_CREDENTIAL", "EXPIRED_AUTHORIZATION_CREDENTIAL"):
        return good(f"{region} asks Amazon who asks, and refuses a stranger")
    if kind == "INTERNAL_ERROR":
        return broken("directive-unverified", region=region, what=str(payload.get("message", "")) if payload else "")
    return broken("directive-wrong", region=region, what=kind or "cameras")


def keys(region: str, nonce: str, ours: Mapping[str, list[str]], answer: Answer) -> Outcome:
    """Whether both sides have the same keys; `ours` are the appliance's in hexadecimal, by purpose.

    A key before the newest counts too: URLs that are signed with it are still taken.
    """
    marks = _told(answer).get("keys", {})
    differ = [
        purpose
        for purpose, held in sorted(ours.items())
        if marks.get(purpose) not in [key_mark(key, nonce) for key in held]
    ]
    if differ:
        return broken("keys-differ", region=region, purposes=", ".join(differ))
    return good(f"the same for {', '.join(sorted(ours))}")


def cameras(region: str, ours: object, answer: Answer) -> Outcome:
    """Whether Alexa is told of the same cameras by both sides."""
    if not isinstance(ours, list):
        return good("not compared, because the appliance tells Alexa of none")
    if _told(answer).get("cameras") != cameras_mark(ours):
        return broken("cameras-differ", region=region)
    return good(f"{len(ours)} the same")


def _told(answer: Answer) -> Mapping[str, Any]:
    told = (answer.content or {}).get(QUESTION)
    return told if isinstance(told, dict) else {}
