"""Directives taken apart, and responses put together.

Forms as in Amazon's smart home message guide and its published message schema (payload version 3).
"""

import re
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .errors import AlexaError, InvalidDirectiveError

Message = dict[str, Any]

PAYLOAD_VERSION = "3"
MAX_ENDPOINTS = 300  # per discovery response
ENDPOINT_ID = re.compile(r"[a-zA-Z0-9_\-=#;:?@&]{1,256}")


class Directive(NamedTuple):
    """What a handler needs to know of a directive."""

    namespace: str
    name: str
    payload: Message
    correlation_token: str | None
    endpoint_id: str | None


def parse_directive(event: object) -> Directive:
    """Take a directive apart.

    Args:
        event: what Lambda was invoked with, of any shape.

    Raises:
        InvalidDirectiveError: a part is missing or has the wrong type, or the payload version is not 3.
    """
    directive = _object(event, "directive")
    header = _object(directive, "header")
    namespace, name = header.get("namespace"), header.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        raise InvalidDirectiveError("The directive's header needs a namespace and a name.")
    if header.get("payloadVersion") != PAYLOAD_VERSION:
        raise InvalidDirectiveError(f"Only payload version {PAYLOAD_VERSION} is supported.")
    return Directive(
        namespace,
        name,
        _object(directive, "payload"),
        _correlation_token(header.get("correlationToken")),
        _endpoint_id(directive.get("endpoint")),
    )


def response(directive: Directive, namespace: str, name: str, payload: Message) -> Message:
    """The answer to a directive: its correlation token and endpoint are repeated, the message id is new."""
    return _event(namespace, name, payload, directive.correlation_token, directive.endpoint_id)


def error_response(event: object, error: AlexaError) -> Message:
    """The ErrorResponse to an event of any shape; repeats the correlation token and endpoint if it has them."""
    correlation_token = endpoint_id = None
    if isinstance(event, dict) and isinstance(directive := event.get("directive"), dict):
        if isinstance(header := directive.get("header"), dict):
            correlation_token = _correlation_token(header.get("correlationToken"))
        endpoint_id = _endpoint_id(directive.get("endpoint"))
    payload = {"type": error.error_type, "message": str(error)}
    return _event("Alexa", "ErrorResponse", payload, correlation_token, endpoint_id)


def context_property(namespace: str, name: str, value: object, *, sampled: datetime) -> Message:
    """One reported state for a response's context.

    Args:
        namespace: the interface, such as ``Alexa.EndpointHealth``.
        name: the property, such as ``connectivity``.
        value: in the property's own form.
        sampled: an aware time, when the value was known to be true.
    """
    return {
        "namespace": namespace,
        "name": name,
        "value": value,
        "timeOfSample": timestamp(sampled),
        "uncertaintyInMilliseconds": 0,
    }


def timestamp(moment: datetime) -> str:
    """An aware time as Alexa takes it: UTC with milliseconds. Python's microseconds would be refused."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _event(
    namespace: str, name: str, payload: Message, correlation_token: str | None, endpoint_id: str | None
) -> Message:
    header = {
        "namespace": namespace,
        "name": name,
        "payloadVersion": PAYLOAD_VERSION,
        "messageId": str(uuid.uuid4()),
    }
    if correlation_token is not None:
        header["correlationToken"] = correlation_token
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
