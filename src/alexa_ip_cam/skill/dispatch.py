"""From a Lambda event to an answer: who asks, who answers; every failure becomes an ErrorResponse; one line of log."""

import json
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple

from alexa_ip_cam.alexa.errors import AlexaError, InternalError, InvalidDirectiveError
from alexa_ip_cam.alexa.messages import ACCEPT_GRANT, Directive, Message, error_response, parse_directive
from alexa_ip_cam.alexa.store import Store

from .appliance import answer_check
from .caller import Caller
from .cameras import initialize_camera_streams
from .discovery import discover
from .grants import accept_grant
from .media import get_media_metadata
from .settings import Settings, Site
from .snapshots import get_snapshot
from .state import report_state
from .who import Verifier


class Handler(NamedTuple):
    """What answers one kind of directive, of one payload version."""

    version: str
    answer: Callable[[Directive, Caller], Message]


HANDLERS: dict[tuple[str, str], Handler] = {
    ("Alexa.Discovery", "Discover"): Handler("3", discover),
    ("Alexa.CameraStreamController", "InitializeCameraStreams"): Handler("3", initialize_camera_streams),
    ("Alexa", "ReportState"): Handler("3", report_state),
    ("Alexa.SmartVision.SnapshotProvider", "GetSnapshot"): Handler("1.1", get_snapshot),
    ("Alexa.MediaMetadata", "GetMediaMetadata"): Handler("3", get_media_metadata),
    ACCEPT_GRANT: Handler("3", accept_grant),
}

# Nothing of another form is logged: it could be a token in the wrong place.
_DIRECTIVE_NAME = re.compile(r"[A-Za-z.]{1,100}")
_ENDPOINT = re.compile(r"[a-z0-9_-]{1,253}:[a-z0-9-]{1,32}")
_STORE_SECONDS = 1.0  # for one of two attempts; the function may run 6


class Skill:
    """The skill with its settings. Keeps verified tokens and the stores' connections from one directive to the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._verifier = Verifier(settings)
        self._stores: dict[str, Store] = {}

    def answer(self, event: object, request_id: str) -> Message:
        """The answer to an event of any shape. Never raises: Alexa would retry, and blame the device.

        Writes one line of JSON to standard output: `request_id`, `directive`, `endpoint`, `outcome` (`ok` or the error
        type), `ms`, and of it `verify_ms` for finding out who asks; on failure `reason` and what else is known of it
        (`cause`, and `user` when an account is not on the list of owners); on a fault of the skill also `frames`,
        outermost first. What the event carries besides, tokens above all, and the signed URLs of the answer stay out.

        Args:
            event: what Lambda was invoked with.
            request_id: Lambda's name for the invocation.
        """
        started = time.perf_counter()
        entry: Message = {"request_id": request_id, "directive": None, "endpoint": None}
        try:
            directive = parse_directive(event)
            entry["directive"] = _loggable_name(directive)
            entry["endpoint"] = _loggable_endpoint(directive)
            handler = _handler(directive)
            asked = time.perf_counter()
            try:
                user_id = self._verifier.owner(directive.token)
            finally:
                entry["verify_ms"] = _milliseconds(asked)
            caller = Caller(user_id, self._settings.sites_of(user_id), self._settings, self._store)
            message = handler.answer(directive, caller)
            entry["outcome"] = "ok"
        except AlexaError as error:
            message = error_response(event, error)
            entry.update(outcome=message["event"]["payload"]["type"], reason=str(error), **error.details)
        except Exception as fault:  # noqa: BLE001  (the last resort: every directive gets an answer)
            message = error_response(event, InternalError("The skill failed; its log says where."))
            # Not the fault's own text: it may quote the event.
            outcome = message["event"]["payload"]["type"]
            entry.update(outcome=outcome, reason=type(fault).__name__, frames=_frames(fault.__traceback__))
        entry["ms"] = _milliseconds(started)
        print(json.dumps(entry), flush=True)
        return message

    def answer_check(self, event: dict[str, Any]) -> Message:
        """The answer to an appliance's self-check, whom AWS has let call the function; no account is needed for it."""
        return answer_check(event, self._settings)

    def _store(self, site: Site) -> Store:
        store = self._stores.get(site.streams_name)
        if store is None:
            store = Store(
                self._settings.table,
                site.streams_name,
                region=self._settings.region,
                endpoint_url=self._settings.store_url,
                timeout=_STORE_SECONDS,
            )
            self._stores[site.streams_name] = store
        return store


def _handler(directive: Directive) -> Handler:
    handler = HANDLERS.get((directive.namespace, directive.name))
    if handler is None:
        raise InvalidDirectiveError("This skill does not know the directive.")
    if directive.payload_version != handler.version:
        raise InvalidDirectiveError(f"Of this directive only payload version {handler.version} is supported.")
    return handler


def _loggable_name(directive: Directive) -> str:
    name = f"{directive.namespace}.{directive.name}"
    return name if _DIRECTIVE_NAME.fullmatch(name) else "malformed"


def _loggable_endpoint(directive: Directive) -> str | None:
    endpoint = directive.endpoint_id
    return endpoint if endpoint is None or _ENDPOINT.fullmatch(endpoint) else "malformed"


def _milliseconds(since: float) -> float:
    return round((time.perf_counter() - since) * 1000, 3)


def _frames(trace: TracebackType | None) -> list[str]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames
