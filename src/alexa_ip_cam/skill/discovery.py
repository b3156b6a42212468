"""Alexa.Discovery: which cameras there are and what they can do."""

from alexa_ip_cam.alexa.messages import Directive, Message, response

from .caller import Caller
from .settings import Camera, Site

_MAX_DESCRIPTION = 128  # characters


def discover(directive: Directive, caller: Caller) -> Message:
    """Answer Discover with every camera of the owner's homes ("Alexa.Discovery Interface" page)."""
    found = [endpoint for site in caller.sites for endpoint in endpoints(site)]
    return response(directive, "Alexa.Discovery", "Discover.Response", {"endpoints": found})


def endpoints(site: Site) -> list[Message]:
    """The site's cameras as Discover.Response and AddOrUpdateReport list them."""
    return [_endpoint(endpoint_id, camera, site) for endpoint_id, camera in site.cameras.items()]


def _endpoint(endpoint_id: str, camera: Camera, site: Site) -> Message:
    return {
        "endpointId": endpoint_id,
        "manufacturerName": camera.manufacturer,
        "friendlyName": camera.name,
        "description": f"{camera.manufacturer} {camera.model}"[:_MAX_DESCRIPTION],
        # A doorbell with a camera has to be a camera first.
        "displayCategories": ["CAMERA", "DOORBELL"] if camera.doorbell else ["CAMERA"],
        "additionalAttributes": {"manufacturer": camera.manufacturer, "model": camera.model},
        "cookie": {},
        "capabilities": _capabilities(camera, site),
    }


def _capabilities(camera: Camera, site: Site) -> list[Message]:
    capabilities = [
        _capability("Alexa", "3"),
        _capability("Alexa.CameraStreamController", "3", cameraStreamConfigurations=[_configuration(camera)]),
        _capability("Alexa.MotionSensor", "3", properties=_reported("detectionState")),
    ]
    if camera.doorbell:
        capabilities.append(_capability("Alexa.DoorbellEventSource", "3", proactivelyReported=True))
    if site.snapshots:
        capabilities.append(_capability("Alexa.SmartVision.SnapshotProvider", "1.1"))
    if site.media_metadata:
        capabilities.append(_capability("Alexa.MediaMetadata", "3", proactivelyReported=True))
    capabilities.append(_capability("Alexa.EndpointHealth", "3.1", properties=_reported("connectivity")))
    return capabilities


def _configuration(camera: Camera) -> Message:
    return {
        "protocols": ["RTSP"],
        # The true size: devices have refused streams of another size than advertised.
        "resolutions": [{"width": camera.width, "height": camera.height}],
        "authorizationTypes": ["NONE"],
        "videoCodecs": ["H264"],
        "audioCodecs": [camera.audio],
    }


def _reported(name: str) -> Message:
    return {"supported": [{"name": name}], "proactivelyReported": True, "retrievable": True}


def _capability(interface: str, version: str, **own: object) -> Message:
    return {"type": "AlexaInterface", "interface": interface, "version": version, **own}
