"""Alexa.ReportState: what the appliance last said of a camera."""

from datetime import UTC, datetime, timedelta

from alexa_ip_cam.alexa.errors import InternalError
from alexa_ip_cam.alexa.messages import Directive, Message, context_property, response
from alexa_ip_cam.alexa.store import Sample, StoreError

from .caller import Caller


def report_state(directive: Directive, caller: Caller) -> Message:
    """Answer ReportState with every property that Discover calls retrievable ("Alexa.ReportState" in Amazon's guide).

    Each has the time at which the appliance said so. A camera that the appliance has said nothing of is unreachable:
    whether it is there, nobody knows. (Amazon prefers that to an error; "Alexa.ErrorResponse Interface" page.)

    Raises:
        NoSuchEndpointError: the endpoint is none of the caller's cameras.
        InternalError: the store could not be asked.
    """
    site, camera = caller.camera(directive)
    try:
        state = caller.store(site).state(camera.id)
    except StoreError as problem:
        raise InternalError("The camera's state could not be looked up.", cause=str(problem)) from None
    now = datetime.now(UTC)
    detection = state.detection or Sample("NOT_DETECTED", now)
    connectivity = state.connectivity or Sample("UNREACHABLE", now)
    properties = [
        _property("Alexa.MotionSensor", "detectionState", detection.value, detection.at, now),
        _property("Alexa.EndpointHealth", "connectivity", {"value": connectivity.value}, connectivity.at, now),
    ]
    return {**response(directive, "Alexa", "StateReport", {}), "context": {"properties": properties}}


def _property(namespace: str, name: str, value: object, at: datetime, now: datetime) -> Message:
    # The appliance's clock may be a little ahead of ours.
    return context_property(namespace, name, value, sampled=at, uncertainty=max(now - at, timedelta()))
