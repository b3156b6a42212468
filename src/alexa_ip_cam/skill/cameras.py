"""Alexa.CameraStreamController: where a camera's stream is to be had."""

from datetime import UTC, datetime

from alexa_ip_cam.alexa.errors import InvalidDirectiveError, InvalidValueError
from alexa_ip_cam.alexa.messages import Directive, Message, context_property, response, timestamp

from .caller import Caller
from .settings import Camera
from .urls import expiry_after, snapshot_url, stream_url

_IDLE_SECONDS = 30  # without a viewer, after which the device should let the stream go


def initialize_camera_streams(directive: Directive, caller: Caller) -> Message:
    """Answer InitializeCameraStreams with a freshly signed URL ("Alexa.CameraStreamController Interface" page).

    Touches neither network nor storage. A camera has one stream: it is offered whatever size and sound the device
    asks for, because a device may still know an earlier discovery; what could not be played is refused.

    Raises:
        NoSuchEndpointError: the endpoint is none of the caller's cameras.
        InvalidDirectiveError: the list of wanted streams is missing or malformed.
        InvalidValueError: the device takes no H.264 by RTSP.
    """
    site, camera = caller.camera(directive)
    _check_wishes(directive.payload.get("cameraStreams"))
    expiry = expiry_after(site.stream_ttl_seconds)
    stream = {"uri": stream_url(site, camera, expiry), **_form(camera), "idleTimeoutSeconds": _IDLE_SECONDS}
    if site.sign_streams:
        stream["expirationTime"] = timestamp(expiry)
    payload = {"cameraStreams": [stream], "imageUri": snapshot_url(site, camera, expiry)}
    message = response(directive, "Alexa.CameraStreamController", "Response", payload)
    health = context_property("Alexa.EndpointHealth", "connectivity", {"value": "OK"}, sampled=datetime.now(UTC))
    return {**message, "context": {"properties": [health]}}


def _check_wishes(wishes: object) -> None:
    if not isinstance(wishes, list) or not wishes or not all(isinstance(wish, dict) for wish in wishes):
        raise InvalidDirectiveError("The payload needs a list of cameraStreams.")
    if not any(wish.get("protocol") == "RTSP" and wish.get("videoCodec", "H264") == "H264" for wish in wishes):
        raise InvalidValueError("This camera streams H.264 by RTSP only.")


def _form(camera: Camera) -> Message:
    return {
        "protocol": "RTSP",
        "resolution": {"width": camera.width, "height": camera.height},
        "authorizationType": "NONE",
        "videoCodec": "H264",
        "audioCodec": camera.audio,
    }
