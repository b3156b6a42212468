"""Directives taken apart, and responses put together.

Forms as in Amazon's smart home message guide and its published message schema (payload version 3).
"""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from .errors import AcceptGrantFailedError, AlexaError, InvalidDirectiveError

Message = dict[str, Any]

PAYLOAD_VERSION = "3"
ACCEPT_GRANT = ("Alexa.Authorization", "AcceptGrant")
MAX_ENDPOINTS = 300  # per discovery response
ENDPOINT_ID = re.compile(r"[a-zA-Z0-9_\-=#;:?@&]{1,256}")


class Directive(NamedTuple):
    """What a handler needs to know of a directive. `token`: the bearer token of its scope, wherever that stands."""

    namespace: str
    name: str
    payload_version: str
    payload: Message
    correlation_token: str | None
    endpoint_id: str | None
    token: str | None


def parse_directive(event: object) -> Directive:
    """Take a directive apart.

    Args:
        event: what Lambda was invoked with, of any shape.

    Raises:
        InvalidDirectiveError: a part is missing or has the wrong type.
    """
    directive = _object(event, "directive")
    header = _object(directive, "header")
    namespace, name, version = (header.get(key) for key in ("namespace", "name", "payloadVersion"))
    if not isinstance(namespace, str) or not isinstance(name, str) or not isinstance(version, str):
        raise InvalidDirectiveError("The directive's header needs a namespace, a name and a payload version.")
    payload = _object(directive, "payload")
    return Directive(
        namespace,
        name,
        version,
        payload,
        _correlation_token(header.get("correlationToken")),
        _endpoint_id(directive.get("endpoint")),
        _token(directive.get("endpoint"), payload),
    )


def response(directive: Directive, namespace: str, name: str, payload: Message) -> Message:
    """The answer to a directive: its version, correlation token and endpoint are repeated, the message id is new."""
    header = _header(namespace, name, directive.payload_version, directive.correlation_token)
    return _event(header, payload, directive.endpoint_id)


def error_response(event: object, error: AlexaError) -> Message:
    """The ErrorResponse to an event of any shape; repeats the correlation token and endpoint if it has them.

    What goes wrong with an AcceptGrant has one type only, in its own namespace ("Alexa.Authorization Interface" page).
    """
    correlation_token = endpoint_id = None
    namespace, error_type = "Alexa", error.error_type
    if isinstance(event, dict) and isinstance(directive := event.get("directive"), dict):
        if isinstance(header := directive.get("header"), dict):
            correlation_token = _correlation_token(header.get("correlationToken"))
            if (header.get("namespace"), header.get("name")) == ACCEPT_GRANT:
                namespace, error_type = ACCEPT_GRANT[0], AcceptGrantFailedError.error_type
        endpoint_id = _endpoint_id(directive.get("endpoint"))
    header = _header(namespace, "ErrorResponse", PAYLOAD_VERSION, correlation_token)
    return _event(header, {"type": error_type, "message": str(error)}, endpoint_id)


def context_property(
    namespace: str, name: str, value: object, *, sampled: datetime, uncertainty: timedelta = timedelta()
) -> Message:
    """One reported state for a response's context.

    Args:
        namespace: the interface, such as ``Alexa.EndpointHealth``.
        name: the property, such as ``connectivity``.
        value: in the property's own form.
        sampled: an aware time, when the value was known to be true.
        uncertainty: how long ago that was.
    """
    return {
        "namespace": namespace,
        "name": name,
        "value": value,
        "timeOfSample": timestamp(sampled),
        "uncertaintyInMilliseconds": uncertainty // timedelta(milliseconds=1),
    }


def timestamp(moment: datetime) -> str:
    """An aware time as Alexa takes it: UTC with milliseconds. Python's microseconds would be refused."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _header(namespace: str, name: str, version: str, correlation_token: str | None) -> Message:
    header = {"namespace": namespace, "name": name, "payloadVersion": version, "messageId": str(uuid.uuid4())}
    if correlation_token is not None:
        header["correlationToken"] = correlation_token
    return header


def _event(header: Message, payload: Message, endpoint_id: str | None) -> Message:
    event: Message = {"header": header, "payload": payload}
    if endpoint_id is not None:
        event["endpoint"] = {"endpointId": endpoint_id}
    return {"event": event}


def _object(parent: object, key: str) -> Message:
    value = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(value, dict):
        raise InvalidDirectiveError(f"The message needs an object named {key}.")
    return value


def _correlation_token(value: object) -> str | None:
    # A lone surrogate cannot be written as UTF-8: the Lambda runtime would fail on the finished answer.
    if isinstance(value, str) and value and value.isprintable():
        return value
    return None


def _endpoint_id(endpoint: object) -> str | None:
    value = endpoint.get("endpointId") if isinstance(endpoint, dict) else None
    return value if isinstance(value, str) and ENDPOINT_ID.fullmatch(value) else None


def _token(endpoint: object, payload: Message) -> str | None:
    # Of the endpoint; of all that the account owns (Discover, GetMediaMetadata); of who is granting (AcceptGrant).
    places = (
        endpoint.get("scope") if isinstance(endpoint, dict) else None,
        payload.get("scope"),
        payload.get("grantee"),
    )
    for scope in places:
        if isinstance(scope, dict) and scope.get("type") in ("BearerToken", "BearerTokenWithPartition"):
            token = scope.get("token")
            return token if isinstance(token, str) else None
    return None
