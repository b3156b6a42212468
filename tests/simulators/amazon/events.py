"""Judges the messages of a skill's owner to the event gateway: nothing missing, nothing besides, every value.

After Amazon's interface pages, "Send Events to the Alexa Event Gateway" and its published message schema.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from simulators.amazon.checks import Check, ProtocolError, items, moment, one_of, record, refuse_unless, text, whole
from simulators.amazon.judge import discovered_endpoint, endpoint_id, image_uri, message_id

_CLOCKS_APART = timedelta(seconds=5)

media_id = text(r"[A-Za-z0-9_]+", 256)
_cause = record(
    {"type": one_of("APP_INTERACTION", "PERIODIC_POLL", "PHYSICAL_INTERACTION", "RULE_TRIGGER", "VOICE_INTERACTION")}
)
_scope = record({"type": one_of("BearerToken"), "token": text(r"[!-~]+", 2048)})
_endpoint = record({"scope": _scope, "endpointId": endpoint_id})


def second(value: Any, where: str) -> None:
    """A time in UTC without any fraction of a second."""
    text(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ")(value, where)
    moment(value, where)


def _sampled(value: Any, where: str) -> None:
    moment(value, where)
    refuse_unless(datetime.fromisoformat(value) < datetime.now(UTC) + _CLOCKS_APART, where, f"{value} is yet to come")


def _expiry(value: Any, where: str) -> None:
    second(value, where)
    refuse_unless(datetime.fromisoformat(value) > datetime.now(UTC), where, f"{value} has passed")


_uri = record({"value": image_uri, "expireTime": _expiry})
_recording = record(
    {"startTime": second, "endTime": second, "uri": _uri},
    {
        "name": text(),
        "videoCodec": one_of("H264"),
        "audioCodec": one_of("G711", "AAC", "NONE"),
        "thumbnailUri": _uri,
    },
)
_media = record(
    {
        "id": media_id,
        "cause": one_of(
            "MOTION_DETECTED",
            "AUDIO_DETECTED",
            "PERSON_DETECTED",
            "APP_INTERACTION",
            "VOICE_INTERACTION",
            "RULE_TRIGGER",
        ),
        "recording": _recording,
    }
)
_VALUES: dict[tuple[str, str], Check] = {
    ("Alexa.MotionSensor", "detectionState"): one_of("DETECTED", "NOT_DETECTED"),
    ("Alexa.EndpointHealth", "connectivity"): record({"value": one_of("OK", "UNREACHABLE")}, {"reason": text()}),
}


def _property(value: Any, where: str) -> None:
    refuse_unless(isinstance(value, dict), where, f"must be an object, not {value!r}")
    name = (value.get("namespace"), value.get("name"))
    refuse_unless(name in _VALUES, where, f"unknown property {name!r}")
    record(
        {
            "namespace": text(),
            "name": text(),
            "value": _VALUES[name],
            "timeOfSample": _sampled,
            "uncertaintyInMilliseconds": whole(0),
        }
    )(value, where)


_properties = items(_property)
_scoped = {"scope": _scope}
# Namespace and name; payload; whether there is an endpoint; the context.
_FORMS: dict[tuple[str, str], tuple[Check, bool, Check | None]] = {
    ("Alexa", "ChangeReport"): (
        record({"change": record({"cause": _cause, "properties": _properties})}),
        True,
        record({"properties": items(_property, least=0)}),
    ),
    ("Alexa.MediaMetadata", "MediaCreatedOrUpdated"): (record({"media": _media}), True, None),
    ("Alexa.MediaMetadata", "MediaDeleted"): (record({**_scoped, "mediaIds": items(media_id)}), False, None),
    ("Alexa.DoorbellEventSource", "DoorbellPress"): (record({"cause": _cause, "timestamp": second}), True, record({})),
    ("Alexa.Discovery", "AddOrUpdateReport"): (
        record({**_scoped, "endpoints": items(discovered_endpoint, most=300)}),
        False,
        None,
    ),
    ("Alexa.Discovery", "DeleteReport"): (
        record({**_scoped, "endpoints": items(record({"endpointId": endpoint_id}), most=300)}),
        False,
        None,
    ),
}


def message(document: Any) -> tuple[str, str]:
    """Judge one message; returns its namespace and name.

    Raises:
        ProtocolError: Amazon's documents do not allow it.
    """
    refuse_unless(isinstance(document, dict) and isinstance(document.get("event"), dict), "message", "has no event")
    header = document["event"].get("header")
    refuse_unless(isinstance(header, dict), "message.event", "has no header")
    kind = (header.get("namespace"), header.get("name"))
    refuse_unless(kind in _FORMS, "message.event.header", f"unknown message {kind!r}")
    payload, has_endpoint, context = _FORMS[kind]
    head = record(
        {
            "namespace": one_of(kind[0]),
            "name": one_of(kind[1]),
            "payloadVersion": one_of("3"),
            "messageId": message_id,
        }
    )
    event = record({"header": head, "payload": payload, **({"endpoint": _endpoint} if has_endpoint else {})})
    record({"event": event, **({"context": context} if context else {})})(document, "message")
    _related(document)
    return kind


def token_of(document: Any) -> str:
    """The token inside a message that `message` has found good."""
    event = document["event"]
    scope = event["endpoint"]["scope"] if "endpoint" in event else event["payload"]["scope"]
    return str(scope["token"])


def _related(document: Mapping[str, Any]) -> None:
    """What one value demands of another."""
    payload = document["event"]["payload"]
    if "media" in payload:
        recording = payload["media"]["recording"]
        start, end = (datetime.fromisoformat(recording[name]) for name in ("startTime", "endTime"))
        refuse_unless(start <= end, "message.event.payload.media.recording", "ends before it starts")
        refuse_unless(
            payload["media"]["id"] in recording["uri"]["value"], "message.event.payload.media", "another clip's URI"
        )
    if "change" in payload:
        changed = payload["change"]["properties"]
        both = [(one["namespace"], one["name"]) for one in (*changed, *document["context"]["properties"])]
        refuse_unless(len(set(both)) == len(both), "message.context", "repeats a property that has changed")
        refuse_unless(
            ("Alexa.EndpointHealth", "connectivity") in both, "message.context", "connectivity must be reported, too"
        )


def bearer(header: str | None) -> str:
    """The token of an Authorization header.

    Raises:
        ProtocolError: it is missing or of another form.
    """
    match = re.fullmatch(r"Bearer ([!-~]+)", header or "")
    if match is None:
        raise ProtocolError("Authorization: must be Bearer and a token")
    return match[1]
