"""The events Alexa is sent, put together at the moment they are sent: tokens and signed URLs are always fresh.

Forms as in Amazon's pages of the interfaces, "Send Events to the Alexa Event Gateway" and its published message schema
(payload version 3). Times differ: reported properties have milliseconds, MediaMetadata and DoorbellPress none.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.endpoints import endpoint_id
from alexa_ip_cam.alexa.messages import PAYLOAD_VERSION, context_property
from alexa_ip_cam.events.outbox import moment
from alexa_ip_cam.events.queue import Message
from alexa_ip_cam.events.states import CONNECTIVITY, DETECTION
from alexa_ip_cam.media_id import CAUSES, Media, clip_path
from alexa_ip_cam.signing import sign_clip_uri

Event = dict[str, Any]

INTERFACES = {
    "media": "Alexa.MediaMetadata",
    "motion": "Alexa.MotionSensor",
    "doorbell": "Alexa.DoorbellEventSource",
    "health": "Alexa.EndpointHealth",
    "discovery": "Alexa.Discovery",
}
"""Our word for what can be told, and Alexa's."""

_PROPERTIES = {DETECTION: "Alexa.MotionSensor", CONNECTIVITY: "Alexa.EndpointHealth"}
_NAMES = {DETECTION: "detectionState", CONNECTIVITY: "connectivity"}


class Site(NamedTuple):
    """What a message needs to know of the appliance.

    `clips_key`: 40 hexadecimal digits, the key of purpose ``clips``. `url_seconds`: how long a clip's URL is good.
    `audio`: by camera id, what its clips have (NONE, AAC).
    """

    streams_name: str
    clips_name: str
    clips_key: str
    url_seconds: float
    audio: Mapping[str, str]
    interfaces: frozenset[str]


def build(message: Message, site: Site, states: Mapping[str, str], token: str, now: datetime) -> Event:
    """The whole JSON document for the event gateway.

    Args:
        message: from the queue.
        site: the appliance.
        states: the camera's properties as they are now, by name, where they are known.
        token: the access token, which stands in the document too.
        now: an aware time.
    """
    scope = {"type": "BearerToken", "token": token}
    match message.kind:
        case "MediaCreatedOrUpdated":
            payload: Event = {"media": _media(message, site, now)}
            return _event(message, "Alexa.MediaMetadata", payload, _endpoint(message, site, scope))
        case "MediaDeleted":
            payload = {"scope": scope, "mediaIds": [message.identity]}
            return _event(message, "Alexa.MediaMetadata", payload)
        case "DoorbellPress":
            payload = {"cause": {"type": "PHYSICAL_INTERACTION"}, "timestamp": _second(moment(message.happened))}
            event = _event(message, "Alexa.DoorbellEventSource", payload, _endpoint(message, site, scope))
            return {"context": {}, **event}
        case "ChangeReport":
            return _change_report(message, site, states, scope, now)
        case "AddOrUpdateReport" | "DeleteReport":
            payload = {"endpoints": message.body["endpoints"], "scope": scope}
            return _event(message, "Alexa.Discovery", payload)
    raise ValueError(f"no message is called {message.kind}")


def _change_report(message: Message, site: Site, states: Mapping[str, str], scope: Event, now: datetime) -> Event:
    changed = message.body["property"]
    cause = "PHYSICAL_INTERACTION" if changed == DETECTION else "PERIODIC_POLL"
    properties = [_property(changed, message.body["value"], moment(message.happened))]
    payload = {"change": {"cause": {"type": cause}, "properties": properties}}
    # Of the camera's other property Alexa wants to hear, too. A camera that has just seen something is there.
    known = {CONNECTIVITY: "OK", DETECTION: "NOT_DETECTED", **states}
    others = [CONNECTIVITY] if changed == DETECTION else [DETECTION] if "motion" in site.interfaces else []
    context = {"properties": [_property(name, known[name], now) for name in others]}
    return {**_event(message, "Alexa", payload, _endpoint(message, site, scope)), "context": context}


def _property(name: str, value: str, sampled: datetime) -> Event:
    form: object = {"value": value} if name == CONNECTIVITY else value
    return context_property(_PROPERTIES[name], _NAMES[name], form, sampled=sampled)


def _media(message: Message, site: Site, now: datetime) -> Event:
    start, end, cause = (message.body[name] for name in ("start", "end", "cause"))
    media = Media(message.camera_id, moment(start), timedelta(milliseconds=end - start), cause)
    expiry = (now + timedelta(seconds=site.url_seconds)).replace(microsecond=0)
    path = clip_path(media, str(message.identity))
    return {
        "id": message.identity,
        "cause": CAUSES[cause],
        "recording": {
            "startTime": _second(moment(start)),
            "endTime": _second(moment(end + 999)),  # no earlier than the start, however short
            "videoCodec": "H264",
            "audioCodec": site.audio.get(message.camera_id, "NONE"),
            "uri": {
                "value": f"https://{site.clips_name}{path}?{sign_clip_uri(site.clips_key, path, expiry)}",
                "expireTime": _second(expiry),
            },
        },
    }


def _event(message: Message, namespace: str, payload: Event, endpoint: Event | None = None) -> Event:
    header = {
        "namespace": namespace,
        "name": message.kind,
        "payloadVersion": PAYLOAD_VERSION,
        "messageId": message.message_id,
    }
    event: Event = {"header": header, "payload": payload}
    if endpoint is not None:
        event["endpoint"] = endpoint
    return {"event": event}


def _endpoint(message: Message, site: Site, scope: Event) -> Event:
    return {"scope": scope, "endpointId": endpoint_id(site.streams_name, message.camera_id)}


def _second(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
