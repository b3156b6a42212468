"""Alexa's side of the smart home skill: sends directives as Alexa does and judges every answer."""

import itertools
import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulators.amazon import judge
from simulators.amazon.checks import refuse_unless

Message = dict[str, Any]

_ARTICLES = ("the ", "my ", "our ")


class RefusedError(Exception):
    """The skill answered with a well-formed ErrorResponse."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


@dataclass(frozen=True)
class Endpoint:
    """A discovered camera. ``configurations`` are its stream configurations as the skill advertised them."""

    endpoint_id: str
    friendly_name: str
    configurations: tuple[Message, ...]
    interfaces: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()

    def wishes(self) -> list[Message]:
        """Every stream the configurations allow, each as a device may ask for it."""
        return list(itertools.chain.from_iterable(_combinations(one) for one in self.configurations))


@dataclass(frozen=True)
class CameraStream:
    """Where a device is sent: sizes in pixels, ``expires`` an aware time or None."""

    uri: str
    image_uri: str
    width: int
    height: int
    video_codec: str
    audio_codec: str
    expires: datetime | None


@dataclass(frozen=True)
class Report:
    """A camera's state: ``DETECTED`` or ``NOT_DETECTED``, ``OK`` or ``UNREACHABLE``, each with its aware time."""

    detection: str
    detection_at: datetime
    connectivity: str
    connectivity_at: datetime


@dataclass(frozen=True)
class Snapshot:
    """Where Alexa fetches a picture, and until when it can; an aware time."""

    uri: str
    expires: datetime


@dataclass(frozen=True)
class Recording:
    """What the skill tells of a recording; aware times."""

    media_id: str
    cause: str
    start: datetime
    end: datetime
    uri: str
    expires: datetime


class Alexa:
    """Talks to a skill through ``invoke``, which takes a directive and returns the skill's answer.

    ``token`` is the bearer token of the account that was linked: Alexa puts it into every directive.

    Every method raises `checks.ProtocolError` for an answer that Amazon's documents do not allow, and `RefusedError`
    for an error that the skill reported properly.
    """

    def __init__(self, invoke: Callable[[Message], Message], token: str) -> None:
        self._invoke = invoke
        self._scope = {"type": "BearerToken", "token": token}
        self._message_ids: set[str] = set()
        self._endpoints: list[Endpoint] = []

    @property
    def token(self) -> str:
        """The bearer token in the directives, which must never be seen in a log."""
        return self._scope["token"]

    @token.setter
    def token(self, token: str) -> None:
        """Alexa has refreshed the account's token, or got somebody else's."""
        self._scope = {"type": "BearerToken", "token": token}

    def discover(self) -> list[Endpoint]:
        """ "Alexa, discover devices"."""
        header = self._header("Alexa.Discovery", "Discover")
        directive = {"directive": {"header": header, "payload": {"scope": self._scope}}}
        answer = self.ask(directive, judge.discover_response)
        self._endpoints = [_endpoint(one) for one in answer["event"]["payload"]["endpoints"]]
        return self._endpoints

    def find(self, spoken: str) -> Endpoint:
        """The endpoint a family means by ``the front porch camera``; discovers first if that has not been done.

        Raises:
            LookupError: no camera is called that, or several are.
        """
        endpoints = self._endpoints or self.discover()
        found: list[Endpoint] = []
        for name in _names_meant(spoken):
            found = found or [one for one in endpoints if one.friendly_name.casefold() == name]
        if len(found) != 1:
            names = ", ".join(one.friendly_name for one in endpoints)
            raise LookupError(f"{len(found)} cameras are called {spoken!r}; there are: {names}")
        return found[0]

    def show(self, endpoint: Endpoint, wishes: list[Message] | None = None) -> CameraStream:
        """ "Alexa, show …".

        Args:
            endpoint: what `discover` or `find` gave.
            wishes: the streams the device would take; all that the endpoint advertises when not given.
        """
        asked = endpoint.wishes() if wishes is None else wishes
        directive = self.stream_directive(endpoint.endpoint_id, asked)
        answer = self.ask(directive, judge.camera_streams_response)
        payload = answer["event"]["payload"]
        for stream in payload["cameraStreams"]:
            offered = {key: stream[key] for key in judge.WISH_KEYS}
            refuse_unless(offered in asked, "answer.event.payload.cameraStreams", f"{offered} was not asked for")
        first = payload["cameraStreams"][0]
        return CameraStream(
            uri=first["uri"],
            image_uri=payload["imageUri"],
            width=first["resolution"]["width"],
            height=first["resolution"]["height"],
            video_codec=first["videoCodec"],
            audio_codec=first["audioCodec"],
            expires=datetime.fromisoformat(first["expirationTime"]) if "expirationTime" in first else None,
        )

    def report_state(self, endpoint: Endpoint) -> Report:
        """The Alexa app looks at a camera."""
        answer = self.ask(self.directive("Alexa", "ReportState", endpoint.endpoint_id), judge.state_report)
        properties = {one["name"]: one for one in answer["context"]["properties"]}
        motion, health = properties["detectionState"], properties["connectivity"]
        return Report(
            detection=motion["value"],
            detection_at=datetime.fromisoformat(motion["timeOfSample"]),
            connectivity=health["value"]["value"],
            connectivity_at=datetime.fromisoformat(health["timeOfSample"]),
        )

    def snapshot(self, endpoint: Endpoint) -> Snapshot:
        """The Alexa app wants a camera's picture. What it fetches is for the caller to fetch."""
        namespace = "Alexa.SmartVision.SnapshotProvider"
        directive = self.directive(
            namespace, "GetSnapshot", endpoint.endpoint_id, {"preferOnDemandSnapshot": True}, version="1.1"
        )
        value = self.ask(directive, judge.snapshot_response)["event"]["payload"]["value"]
        return Snapshot(value["uri"], datetime.fromisoformat(value["uriExpirationTime"]))

    def media(self, media_ids: list[str]) -> tuple[list[Recording], dict[str, str]]:
        """ "Alexa, show what happened …": the recordings, and by id what is wrong with the others."""
        answer = self.ask(self.media_directive(media_ids), judge.media_response)
        payload = answer["event"]["payload"]
        refuse_unless(payload["scope"] == self._scope, "answer.event.payload.scope", "is not the directive's")
        recordings = [_recording(one) for one in payload["media"]]
        problems = {one["mediaId"]: one["status"] for one in payload.get("errors", [])}
        answered = sorted([one.media_id for one in recordings] + list(problems))
        refuse_unless(answered == sorted(set(media_ids)), "answer.event.payload", f"answers for {answered}")
        return recordings, problems

    def accept_grant(self, code: str) -> None:
        """Somebody enables the skill: what Login with Amazon gave for that is handed to the skill."""
        self.ask(self.grant_directive(code), judge.accept_grant_response)

    def grant_directive(self, code: str) -> Message:
        """The AcceptGrant directive that `accept_grant` sends; it has no correlation token."""
        payload = {"grant": {"type": "OAuth2.AuthorizationCode", "code": code}, "grantee": self._scope}
        return {"directive": {"header": self._header("Alexa.Authorization", "AcceptGrant"), "payload": payload}}

    def media_directive(self, media_ids: list[str]) -> Message:
        """The GetMediaMetadata directive that `media` sends."""
        header = self._header("Alexa.MediaMetadata", "GetMediaMetadata")
        header["correlationToken"] = secrets.token_urlsafe(48)
        payload = {"scope": self._scope, "filters": {"mediaIds": media_ids}}
        return {"directive": {"header": header, "payload": payload}}

    def stream_directive(self, endpoint_id: str, wishes: list[Message]) -> Message:
        """The InitializeCameraStreams directive that `show` sends."""
        name = "InitializeCameraStreams"
        return self.directive("Alexa.CameraStreamController", name, endpoint_id, {"cameraStreams": wishes})

    def directive(
        self, namespace: str, name: str, endpoint_id: str, payload: Message | None = None, *, version: str = "3"
    ) -> Message:
        """Any directive to one endpoint."""
        header = self._header(namespace, name)
        header.update(payloadVersion=version, correlationToken=secrets.token_urlsafe(48))
        endpoint = {"scope": self._scope, "endpointId": endpoint_id, "cookie": {}}
        return {"directive": {"header": header, "endpoint": endpoint, "payload": payload or {}}}

    def ask(self, directive: Message, form: Callable[[Message], None]) -> Message:
        """The answer to any directive, judged.

        Args:
            directive: as the skill gets it.
            form: what the answer must look like, one of the functions of `judge`.

        Raises:
            RefusedError: the answer is a well-formed ErrorResponse.
        """
        answer = self._invoke(directive)
        refused = judge.is_error_response(answer)
        (judge.refusal_form(directive) if refused else form)(answer)
        judge.repeats(answer, directive)
        event = answer["event"]
        message_id = event["header"]["messageId"]
        refuse_unless(message_id not in self._message_ids, "answer.event.header.messageId", "was used before")
        self._message_ids.add(message_id)
        if refused:
            raise RefusedError(event["payload"]["type"], event["payload"]["message"])
        return answer

    @staticmethod
    def _header(namespace: str, name: str) -> Message:
        return {"namespace": namespace, "name": name, "payloadVersion": "3", "messageId": str(uuid.uuid4())}


def _endpoint(discovered: Message) -> Endpoint:
    configurations = [
        configuration
        for capability in discovered["capabilities"]
        for configuration in capability.get("cameraStreamConfigurations", [])
    ]
    return Endpoint(
        discovered["endpointId"],
        discovered["friendlyName"],
        tuple(configurations),
        frozenset(capability["interface"] for capability in discovered["capabilities"]),
        tuple(discovered["displayCategories"]),
    )


def _recording(told: Message) -> Recording:
    recording = told["recording"]
    return Recording(
        media_id=told["id"],
        cause=told["cause"],
        start=datetime.fromisoformat(recording["startTime"]),
        end=datetime.fromisoformat(recording["endTime"]),
        uri=recording["uri"]["value"],
        expires=datetime.fromisoformat(recording["uri"]["expireTime"]),
    )


def _combinations(configuration: Message) -> Iterator[Message]:
    lists = ("protocols", "resolutions", "authorizationTypes", "videoCodecs", "audioCodecs")
    for values in itertools.product(*(configuration[one] for one in lists)):
        yield dict(zip(judge.WISH_KEYS, values, strict=True))


def _names_meant(spoken: str) -> list[str]:
    """What may be meant, most literal first: a camera may itself be called "The Den" or "Front Camera"."""
    words = " ".join(spoken.casefold().split())
    bare = next((words.removeprefix(one) for one in _ARTICLES if words.startswith(one)), words)
    return [words, bare, words.removesuffix(" camera"), bare.removesuffix(" camera"), f"{bare} camera"]
