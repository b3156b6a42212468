"""Alexa.CameraStreamController: where a camera's stream is to be had."""

from datetime import UTC, datetime, timedelta

from alexa_ip_cam.alexa.errors import InvalidDirectiveError, InvalidValueError, NoSuchEndpointError
from alexa_ip_cam.alexa.messages import Directive, Message, context_property, response, timestamp
from alexa_ip_cam.signing import sign_clip_uri, sign_stream

from .settings import Camera, Settings


def initialize_camera_streams(directive: Directive, settings: Settings) -> Message:
    """Answer InitializeCameraStreams with a freshly signed URL ("Alexa.CameraStreamController Interface" page).

    Touches neither network nor storage. The device's wishes beyond RTSP are not held against it: a camera has one
    stream, and a device may still know an earlier discovery.

    Raises:
        NoSuchEndpointError: the endpoint is no camera of the inventory.
        InvalidDirectiveError: the list of wanted streams is missing or malformed.
        InvalidValueError: the device does not want RTSP.
    """
    camera = settings.cameras.get(directive.endpoint_id or "")
    if camera is None:
        raise NoSuchEndpointError("This camera is not, or no longer, in the inventory.")
    _check_wishes(directive.payload.get("cameraStreams"))
    now = datetime.now(UTC)
    expiry = (now + timedelta(seconds=settings.stream_ttl_seconds)).replace(microsecond=0)
    payload = {
        "cameraStreams": [_stream(camera, settings, expiry)],
        "imageUri": _image_uri(camera, settings, expiry),
    }
    message = response(directive, "Alexa.CameraStreamController", "Response", payload)
    health = context_property("Alexa.EndpointHealth", "connectivity", {"value": "OK"}, sampled=now)
    return {**message, "context": {"properties": [health]}}


def _check_wishes(wishes: object) -> None:
    if not isinstance(wishes, list) or not wishes or not all(isinstance(wish, dict) for wish in wishes):
        raise InvalidDirectiveError("The payload needs a list of cameraStreams.")
    if not any(wish.get("protocol") == "RTSP" for wish in wishes):
        raise InvalidValueError("This camera streams by RTSP only.")


def _stream(camera: Camera, settings: Settings, expiry: datetime) -> Message:
    stream = {
        "protocol": "RTSP",
        "resolution": {"width": camera.width, "height": camera.height},
        "authorizationType": "NONE",
        "videoCodec": "H264",
        "audioCodec": camera.audio,
    }
    # Alexa writes rtsp:// although the connection is TLS: port 443 says so.
    base = f"rtsp://{settings.streams_name}:{settings.port}"
    if not settings.sign_streams:
        return {"uri": f"{base}/{camera.id}", **stream}
    path = sign_stream(settings.stream_key, camera.id, int(expiry.timestamp()))
    return {"uri": f"{base}/{path}", "expirationTime": timestamp(expiry), **stream}


def _image_uri(camera: Camera, settings: Settings, expiry: datetime) -> str:
    path = f"/snapshots/{camera.id}.jpg"
    return f"https://{settings.clips_name}{path}?{sign_clip_uri(settings.snapshot_key, path, expiry)}"
