"""Judges a skill's answers as strictly as Amazon documents them: nothing missing, nothing besides, every value.

After Amazon's interface pages and its published message schema. Stricter than Alexa, which forgives some of it.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from simulators.amazon.checks import (
    Check,
    ProtocolError,
    items,
    moment,
    one_of,
    record,
    refuse_unless,
    text,
    whole,
)

WISH_KEYS = ("protocol", "resolution", "authorizationType", "videoCodec", "audioCodec")

ERROR_TYPES = frozenset(
    {
        "ALREADY_IN_OPERATION",
        "BRIDGE_UNREACHABLE",
        "ENDPOINT_BUSY",
        "ENDPOINT_UNREACHABLE",
        "EXPIRED_AUTHORIZATION_CREDENTIAL",
        "FIRMWARE_OUT_OF_DATE",
        "HARDWARE_MALFUNCTION",
        "INSUFFICIENT_PERMISSIONS",
        "INTERNAL_ERROR",
        "INVALID_AUTHORIZATION_CREDENTIAL",
        "INVALID_DIRECTIVE",
        "INVALID_VALUE",
        "NO_SUCH_ENDPOINT",
        "RATE_LIMIT_EXCEEDED",
    }
)


def _uri(scheme: str, value: Any, where: str) -> Any:
    text(r"[!-~]+", 2048)(value, where)
    try:
        uri = urlsplit(value)
        host, port = uri.hostname or "", uri.port or 443
    except ValueError as problem:
        raise ProtocolError(f"{where}: {problem}") from None
    refuse_unless(uri.scheme == scheme, where, f"must be a {scheme} URI")
    refuse_unless(port == 443, where, f"must be on port 443, not {port}")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        refuse_unless(re.fullmatch(r"([a-z0-9-]+\.)+[a-z0-9-]+", host), where, f"{host!r} is no DNS name")
    else:
        raise ProtocolError(f"{where}: the host must be a DNS name, not the address {host}")
    return uri


def rtsp_uri(value: Any, where: str) -> None:
    """An RTSP URI with a DNS name, the port written out."""
    uri = _uri("rtsp", value, where)
    refuse_unless(uri.port, where, "needs the port 443: without it RTSP means 554")
    refuse_unless(uri.path.strip("/"), where, "names no stream")


def image_uri(value: Any, where: str) -> None:
    """An HTTPS URI with a DNS name."""
    _uri("https", value, where)


def clip_uri(value: Any, where: str) -> None:
    """An HTTPS URI of an MP4 file."""
    refuse_unless(_uri("https", value, where).path.endswith(".mp4"), where, "is no MP4 file")


def whole_second(value: Any, where: str) -> None:
    """A time in UTC without a fraction of a second."""
    text(r"[^.]*")(value, where)
    moment(value, where)


def _second_in_future(value: Any, where: str) -> None:
    whole_second(value, where)
    _in_future(value, where)


def _in_future(value: Any, where: str) -> None:
    moment(value, where)
    refuse_unless(datetime.fromisoformat(value) > datetime.now(UTC), where, f"{value} has passed")


endpoint_id = text(r"[a-zA-Z0-9_\-=#;:?@&]+", 256)
message_id = text(r"[a-zA-Z0-9\-]+", 127)
scope = record({"type": one_of("BearerToken"), "token": text()})
endpoint = record({"endpointId": endpoint_id}, {"scope": scope})
resolution = record({"width": whole(1), "height": whole(1)})
protocol = one_of("RTSP", "WEBRTC")
authorization = one_of("BASIC", "DIGEST", "NONE")
video_codec = one_of("H264", "MPEG2", "MJPEG", "JPG")
audio_codec = one_of("G711", "AAC", "NONE")


def _reported(name: str) -> Check:
    """Properties as Amazon wants those of a sensor: told of their own accord, and told when asked."""
    return record(
        {
            "supported": items(record({"name": one_of(name)})),
            "proactivelyReported": one_of(True),
            "retrievable": one_of(True),
        }
    )


_INTERFACES: dict[str, tuple[str, dict[str, Check]]] = {
    "Alexa": ("3", {}),
    "Alexa.CameraStreamController": (
        "3",
        {
            "cameraStreamConfigurations": items(
                record(
                    {
                        "protocols": items(protocol),
                        "resolutions": items(resolution),
                        "authorizationTypes": items(authorization),
                        "videoCodecs": items(video_codec),
                        "audioCodecs": items(audio_codec),
                    }
                )
            )
        },
    ),
    "Alexa.MotionSensor": ("3", {"properties": _reported("detectionState")}),
    "Alexa.DoorbellEventSource": ("3", {"proactivelyReported": one_of(True)}),
    "Alexa.SmartVision.SnapshotProvider": ("1.1", {}),
    "Alexa.MediaMetadata": ("3", {"proactivelyReported": one_of(True)}),
    "Alexa.EndpointHealth": ("3.1", {"properties": _reported("connectivity")}),
}


def capability(value: Any, where: str) -> None:
    """One capability of an endpoint, in the form of its interface."""
    refuse_unless(isinstance(value, dict), where, f"must be an object, not {value!r}")
    interface = value.get("interface")
    refuse_unless(isinstance(interface, str) and interface in _INTERFACES, where, f"unknown interface {interface!r}")
    version, own = _INTERFACES[interface]
    record({"type": one_of("AlexaInterface"), "interface": text(), "version": one_of(version), **own})(value, where)


_attribute = text(r".*", 256)
_discovered = record(
    {
        "endpointId": endpoint_id,
        "manufacturerName": text(longest=128),
        "friendlyName": text(r"[^\x00-\x1f!-/:-@\[-`{-~]+", 128),  # no punctuation
        "description": text(longest=128),
        "displayCategories": items(one_of("CAMERA", "DOORBELL")),
        "capabilities": items(capability),
    },
    {
        "cookie": record({}),
        "additionalAttributes": record(
            {},
            dict.fromkeys(
                (
                    "manufacturer",
                    "model",
                    "serialNumber",
                    "firmwareVersion",
                    "softwareVersion",
                    "customIdentifier",
                ),
                _attribute,
            ),
        ),
    },
)


def discovered_endpoint(value: Any, where: str) -> None:
    """One endpoint of a discovery: its form, and what its categories and interfaces have to do with each other."""
    _discovered(value, where)
    interfaces = [one["interface"] for one in value["capabilities"]]
    refuse_unless(len(set(interfaces)) == len(interfaces), where, f"names an interface twice: {interfaces}")
    refuse_unless("Alexa" in interfaces, where, "lacks the interface Alexa")
    categories = value["displayCategories"]
    refuse_unless(categories[0] == "CAMERA", where, "must be a CAMERA first")
    rings = "Alexa.DoorbellEventSource" in interfaces
    refuse_unless(rings == ("DOORBELL" in categories), where, "must be a DOORBELL if it rings, and only then")
    sensed = "Alexa.MotionSensor" not in interfaces or "Alexa.EndpointHealth" in interfaces
    refuse_unless(sensed, where, "a sensor needs EndpointHealth")


_stream = record(
    {
        "uri": rtsp_uri,
        "protocol": protocol,
        "resolution": resolution,
        "authorizationType": authorization,
        "videoCodec": video_codec,
        "audioCodec": audio_codec,
    },
    {"expirationTime": _in_future, "idleTimeoutSeconds": whole(1)},
)
_health = record(
    {
        "namespace": one_of("Alexa.EndpointHealth"),
        "name": one_of("connectivity"),
        "value": record({"value": one_of("OK", "UNREACHABLE")}),
        "timeOfSample": moment,
        "uncertaintyInMilliseconds": whole(0),
    }
)
_motion = record(
    {
        "namespace": one_of("Alexa.MotionSensor"),
        "name": one_of("detectionState"),
        "value": one_of("DETECTED", "NOT_DETECTED"),
        "timeOfSample": moment,
        "uncertaintyInMilliseconds": whole(0),
    }
)
_media = record(
    {
        "id": text(r"[A-Za-z0-9_]+", 256),
        "cause": one_of(
            "MOTION_DETECTED",
            "AUDIO_DETECTED",
            "PERSON_DETECTED",
            "APP_INTERACTION",
            "VOICE_INTERACTION",
            "RULE_TRIGGER",
        ),
        "recording": record(
            {
                "startTime": whole_second,
                "endTime": whole_second,
                "uri": record({"value": clip_uri, "expireTime": _second_in_future}),
            },
            {"videoCodec": one_of("H264"), "audioCodec": audio_codec},
        ),
    }
)
_media_error = record(
    {
        "mediaId": text(longest=256),
        "status": one_of("DELETED", "NOT_FOUND", "SUBSCRIPTION_ERROR", "INTERNAL_ERROR"),
    }
)


def _property(value: Any, where: str) -> None:
    """A reported property of a camera."""
    is_motion = isinstance(value, dict) and value.get("name") == "detectionState"
    (_motion if is_motion else _health)(value, where)


def discover_response(answer: Any) -> None:
    """The form of an answer to Discover."""
    payload = record({"endpoints": items(discovered_endpoint, least=0, most=300)})
    _message("Alexa.Discovery", "Discover.Response", payload)(answer, "answer")
    ids = [one["endpointId"] for one in answer["event"]["payload"]["endpoints"]]
    refuse_unless(len(set(ids)) == len(ids), "answer", f"endpoint ids are not unique: {ids}")


def camera_streams_response(answer: Any) -> None:
    """The form of an answer to InitializeCameraStreams."""
    payload = record({"cameraStreams": items(_stream), "imageUri": image_uri})
    context = record({"properties": items(_health)})
    check = _message("Alexa.CameraStreamController", "Response", payload, {"endpoint": endpoint}, context)
    check(answer, "answer")


def state_report(answer: Any) -> None:
    """The form of an answer to ReportState: every retrievable property, once."""
    context = record({"properties": items(_property, least=2, most=2)})
    check = _message("Alexa", "StateReport", record({}), {"endpoint": endpoint}, context, is_context_needed=True)
    check(answer, "answer")
    names = sorted(one["name"] for one in answer["context"]["properties"])
    refuse_unless(names == ["connectivity", "detectionState"], "answer.context.properties", f"are only {names}")


def snapshot_response(answer: Any) -> None:
    """The form of an answer to GetSnapshot, as far as it is known; Alexa fetches only what it may fetch at once."""
    value = record(
        {"uri": image_uri, "uriExpirationTime": _in_future, "authenticationType": one_of("ACCESS_TOKEN")},
    )
    payload = record({"value": value, "timeOfSample": moment, "uncertaintyInMilliseconds": whole(0)})
    form = _message("Alexa.SmartVision.SnapshotProvider", "Response", payload, {"endpoint": endpoint}, version="1.1")
    form(answer, "answer")


def media_response(answer: Any) -> None:
    """The form of an answer to GetMediaMetadata: at least one recording, or errors that say why there is none."""
    payload = record({"scope": scope, "media": items(_media, least=0)}, {"errors": items(_media_error)})
    _message("Alexa.MediaMetadata", "GetMediaMetadata.Response", payload)(answer, "answer")
    told = answer["event"]["payload"]
    refuse_unless(told["media"] or "errors" in told, "answer.event.payload", "has neither media nor errors")
    for number, one in enumerate(told["media"]):
        start, end = one["recording"]["startTime"], one["recording"]["endTime"]
        refuse_unless(start <= end, f"answer.event.payload.media[{number}]", "ends before it starts")


def accept_grant_response(answer: Any) -> None:
    """The form of an answer to AcceptGrant."""
    _message("Alexa.Authorization", "AcceptGrant.Response", record({}))(answer, "answer")


def error_response(answer: Any) -> None:
    """The form of an ErrorResponse of the namespace Alexa."""
    payload = record({"type": one_of(*ERROR_TYPES), "message": text()})
    _message("Alexa", "ErrorResponse", payload, optional={"endpoint": endpoint})(answer, "answer")


def grant_error_response(answer: Any) -> None:
    """The form of an ErrorResponse to an AcceptGrant."""
    payload = record({"type": one_of("ACCEPT_GRANT_FAILED"), "message": text()})
    _message("Alexa.Authorization", "ErrorResponse", payload, optional={"endpoint": endpoint})(answer, "answer")


def refusal_form(directive: Any) -> Callable[[Any], None]:
    """How an ErrorResponse to this event, of any shape, has to look."""
    header = directive.get("directive") if isinstance(directive, dict) else None
    header = header.get("header") if isinstance(header, dict) else None
    named = (header.get("namespace"), header.get("name")) if isinstance(header, dict) else None
    return grant_error_response if named == ("Alexa.Authorization", "AcceptGrant") else error_response


def is_error_response(answer: Any) -> bool:
    """Whether an answer claims to be an ErrorResponse; says nothing about its form."""
    try:
        return bool(answer["event"]["header"]["name"] == "ErrorResponse")
    except (KeyError, TypeError):
        return False


def repeats(answer: dict[str, Any], directive: dict[str, Any]) -> None:
    """An answer carries its directive's correlation token and endpoint, and a message id of its own."""
    asked, event = directive["directive"], answer["event"]
    token = asked["header"].get("correlationToken")
    refuse_unless(
        event["header"].get("correlationToken") == token,
        "answer.event.header.correlationToken",
        f"must be {token!r}, as in the directive",
    )
    refuse_unless(
        event["header"]["messageId"] != asked["header"]["messageId"],
        "answer.event.header.messageId",
        "is the directive's own",
    )
    if "endpoint" in event:
        wanted = asked.get("endpoint", {}).get("endpointId")
        refuse_unless(
            event["endpoint"]["endpointId"] == wanted,
            "answer.event.endpoint.endpointId",
            f"must be {wanted!r}, as in the directive",
        )


def _message(
    namespace: str,
    name: str,
    payload: Check,
    required: dict[str, Check] | None = None,
    context: Check | None = None,
    *,
    optional: dict[str, Check] | None = None,
    version: str = "3",
    is_context_needed: bool = False,
) -> Check:
    header = record(
        {
            "namespace": one_of(namespace),
            "name": one_of(name),
            "payloadVersion": one_of(version),
            "messageId": message_id,
        },
        {"correlationToken": text()},
    )
    event = record({"header": header, "payload": payload, **(required or {})}, optional)
    surroundings = {"context": context} if context else {}
    if is_context_needed:
        return record({"event": event, **surroundings})
    return record({"event": event}, surroundings)
