"""Judges a skill's answers as strictly as Amazon documents them: nothing missing, nothing besides, every value.

After Amazon's interface pages and its published message schema. Stricter than Alexa, which forgives some of it.
"""

import ipaddress
import re
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


def _in_future(value: Any, where: str) -> None:
    moment(value, where)
    refuse_unless(datetime.fromisoformat(value) > datetime.now(UTC), where, f"{value} has passed")


endpoint_id = text(r"[a-zA-Z0-9_\-=#;:?@&]+", 256)
message_id = text(r"[a-zA-Z0-9\-]+", 127)
endpoint = record({"endpointId": endpoint_id}, {"scope": record({"type": one_of("BearerToken"), "token": text()})})
resolution = record({"width": whole(1), "height": whole(1)})
protocol = one_of("RTSP", "WEBRTC")
authorization = one_of("BASIC", "DIGEST", "NONE")
video_codec = one_of("H264", "MPEG2", "MJPEG", "JPG")
audio_codec = one_of("G711", "AAC", "NONE")

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
}


def capability(value: Any, where: str) -> None:
    """One capability of an endpoint, in the form of its interface."""
    refuse_unless(isinstance(value, dict), where, f"must be an object, not {value!r}")
    interface = value.get("interface")
    refuse_unless(isinstance(interface, str) and interface in _INTERFACES, where, f"unknown interface {interface!r}")
    version, own = _INTERFACES[interface]
    record({"type": one_of("AlexaInterface"), "interface": text(), "version": one_of(version), **own})(value, where)


_attribute = text(r".*", 256)
discovered_endpoint = record(
    {
        "endpointId": endpoint_id,
        "manufacturerName": text(longest=128),
        "friendlyName": text(r"[^\x00-\x1f!-/:-@\[-`{-~]+", 128),  # no punctuation
        "description": text(longest=128),
        "displayCategories": items(one_of("CAMERA")),
        "capabilities": items(capability),
    },
    {
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


def error_response(answer: Any) -> None:
    """The form of an ErrorResponse of the namespace Alexa."""
    payload = record({"type": one_of(*ERROR_TYPES), "message": text()})
    _message("Alexa", "ErrorResponse", payload, optional={"endpoint": endpoint})(answer, "answer")


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
) -> Check:
    header = record(
        {
            "namespace": one_of(namespace),
            "name": one_of(name),
            "payloadVersion": one_of("3"),
            "messageId": message_id,
        },
        {"correlationToken": text()},
    )
    event = record({"header": header, "payload": payload, **(required or {})}, optional)
    return record({"event": event}, {"context": context} if context else {})
