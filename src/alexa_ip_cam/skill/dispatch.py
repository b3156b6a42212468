"""From a Lambda event to an answer: finds the handler, turns every failure into an ErrorResponse, logs."""

import json
import re
import time
from collections.abc import Callable
from types import TracebackType

from alexa_ip_cam.alexa.errors import AlexaError, InternalError, InvalidDirectiveError
from alexa_ip_cam.alexa.messages import Directive, Message, error_response, parse_directive

from .cameras import initialize_camera_streams
from .discovery import discover
from .settings import Settings

Handler = Callable[[Directive, Settings], Message]

HANDLERS: dict[tuple[str, str], Handler] = {
    ("Alexa.Discovery", "Discover"): discover,
    ("Alexa.CameraStreamController", "InitializeCameraStreams"): initialize_camera_streams,
}

_DIRECTIVE_NAME = re.compile(r"[A-Za-z.]{1,100}")


def answer(event: object, settings: Settings, request_id: str) -> Message:
    """The answer to an event of any shape. Never raises: Alexa would retry, and blame the device.

    Writes one line of JSON to standard output: `request_id`, `directive`, `endpoint`, `outcome` (`ok` or the error
    type), `ms`, and on failure `reason`; on a fault of the skill also `frames`, outermost first. What the event
    carries besides, tokens above all, and the signed URLs of the answer stay out of it.

    Args:
        event: what Lambda was invoked with.
        settings: the skill's settings.
        request_id: Lambda's name for the invocation.
    """
    started = time.perf_counter()
    entry: Message = {"request_id": request_id, "directive": None, "endpoint": None}
    try:
        directive = parse_directive(event)
        entry["directive"] = _loggable_name(directive)
        entry["endpoint"] = directive.endpoint_id
        message = _handler(directive)(directive, settings)
        entry["outcome"] = "ok"
    except AlexaError as error:
        message = error_response(event, error)
        entry.update(outcome=error.error_type, reason=str(error))
    except Exception as fault:  # noqa: BLE001  (the last resort: every directive gets an answer)
        message = error_response(event, InternalError("The skill failed; its log says where."))
        # Not the fault's own text: it may quote the event.
        entry.update(outcome="INTERNAL_ERROR", reason=type(fault).__name__, frames=_frames(fault.__traceback__))
    entry["ms"] = round((time.perf_counter() - started) * 1000, 3)
    print(json.dumps(entry), flush=True)
    return message


def _handler(directive: Directive) -> Handler:
    handler = HANDLERS.get((directive.namespace, directive.name))
    if handler is None:
        raise InvalidDirectiveError("This skill does not know the directive.")
    return handler


def _loggable_name(directive: Directive) -> str:
    name = f"{directive.namespace}.{directive.name}"
    return name if _DIRECTIVE_NAME.fullmatch(name) else "malformed"


def _frames(trace: TracebackType | None) -> list[str]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames
