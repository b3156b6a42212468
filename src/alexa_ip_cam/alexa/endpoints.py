"""What Alexa knows a camera by."""


def endpoint_id(streams_name: str, camera_id: str) -> str:
    """The name Alexa keeps for a camera: ``cams_example_com:front-porch``.

    It must be unique among all users of Alexa and never change. The DNS name of the streams belongs to one owner;
    dots are not allowed in an endpoint id, and host names have no underscore, so that this stays unambiguous.
    """
    return f"{streams_name.replace('.', '_')}:{camera_id}"
