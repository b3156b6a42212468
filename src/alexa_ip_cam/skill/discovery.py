"""Alexa.Discovery: which cameras there are and what they can do."""

from alexa_ip_cam.alexa.messages import Directive, Message, response

from .settings import Camera, Settings

_MAX_DESCRIPTION = 128  # characters


def discover(directive: Directive, settings: Settings) -> Message:
    """Answer Discover with every camera of the inventory ("Alexa.Discovery Interface" page)."""
    endpoints = [_endpoint(endpoint_id, camera) for endpoint_id, camera in settings.cameras.items()]
    return response(directive, "Alexa.Discovery", "Discover.Response", {"endpoints": endpoints})


def _endpoint(endpoint_id: str, camera: Camera) -> Message:
    return {
        "endpointId": endpoint_id,
        "manufacturerName": camera.manufacturer,
        "friendlyName": camera.name,
        "description": f"{camera.manufacturer} {camera.model}"[:_MAX_DESCRIPTION],
        "displayCategories": ["CAMERA"],
        "additionalAttributes": {"manufacturer": camera.manufacturer, "model": camera.model},
        "capabilities": [
            {"type": "AlexaInterface", "interface": "Alexa", "version": "3"},
            {
                "type": "AlexaInterface",
                "interface": "Alexa.CameraStreamController",
                "version": "3",
                "cameraStreamConfigurations": [
                    {
                        "protocols": ["RTSP"],
                        # The true size: devices have refused streams of another size than advertised.
                        "resolutions": [{"width": camera.width, "height": camera.height}],
                        "authorizationTypes": ["NONE"],
                        "videoCodecs": ["H264"],
                        "audioCodecs": [camera.audio],
                    }
                ],
            },
        ],
    }
