"""Discover and InitializeCameraStreams, as Alexa sees the answers."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alexa_ip_cam.signing import sign_clip_uri, verify_stream
from alexa_ip_cam.skill.dispatch import answer
from alexa_ip_cam.skill.settings import Settings, parse_settings
from simulators.amazon.alexa import Alexa, Endpoint, RefusedError
from simulators.amazon.judge import camera_streams_response, discover_response


def test_discovery_tells_of_every_camera(alexa: Alexa) -> None:
    assert [(one.endpoint_id, one.friendly_name) for one in alexa.discover()] == [
        ("cams_example_com:front-porch", "Front Porch"),
        ("cams_example_com:back-yard", "Back Yard"),
        ("cams_example_com:den", "The Den"),
    ]


def test_discovery_advertises_the_true_size_and_sound(alexa: Alexa) -> None:
    (configuration,) = alexa.find("back yard").configurations
    assert configuration["resolutions"] == [{"width": 1920, "height": 1080}]
    assert configuration["audioCodecs"] == ["AAC"]


def test_discovery_advertises_only_what_is_answered(settings: Settings) -> None:
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    reply = answer({"directive": {"header": header, "payload": {}}}, settings, "request-1")
    discover_response(reply)
    for endpoint in reply["event"]["payload"]["endpoints"]:
        interfaces = [one["interface"] for one in endpoint["capabilities"]]
        assert interfaces == ["Alexa", "Alexa.CameraStreamController"]


def test_the_longest_names_of_maker_and_model_still_fit(document: dict[str, Any]) -> None:
    document["cameras"][0].update(manufacturer="m" * 128, model="n" * 256)
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    discover_response(answer({"directive": {"header": header, "payload": {}}}, parse_settings(document), "request-1"))


def test_showing_a_camera_gives_a_url_the_gateway_accepts(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("the front porch camera"))
    match = re.fullmatch(r"rtsp://cams\.example\.com:443/front-porch/([^/]+)", stream.uri)
    assert match is not None
    now = time.time()
    assert verify_stream([settings.stream_key], "front-porch", match[1], now + settings.stream_ttl_seconds - 5)
    assert not verify_stream([settings.stream_key], "front-porch", match[1], now + settings.stream_ttl_seconds + 1)


def test_showing_a_camera_says_when_the_url_expires(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("front porch"))
    assert stream.expires is not None
    left = stream.expires - datetime.now(UTC)
    assert timedelta(0) <= timedelta(seconds=settings.stream_ttl_seconds) - left < timedelta(seconds=3)
    assert f"/{int(stream.expires.timestamp())}-" in stream.uri


def test_showing_a_camera_gives_its_true_size_and_sound(alexa: Alexa) -> None:
    stream = alexa.show(alexa.find("back yard"))
    assert (stream.width, stream.height, stream.video_codec, stream.audio_codec) == (1920, 1080, "H264", "AAC")


def test_the_picture_has_a_query_that_apache_accepts(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("front porch"))
    uri = urlsplit(stream.image_uri)
    assert (uri.scheme, uri.netloc, uri.path) == ("https", "clips.example.com", "/snapshots/front-porch.jpg")
    assert stream.expires is not None
    assert uri.query == sign_clip_uri(settings.snapshot_key, uri.path, stream.expires)


def test_without_the_gateway_the_url_carries_no_signature(settings: Settings) -> None:
    plain = settings._replace(sign_streams=False)
    alexa = Alexa(lambda event: answer(event, plain, "request-1"))
    stream = alexa.show(alexa.find("front porch"))
    assert stream.uri == "rtsp://cams.example.com:443/front-porch"
    assert stream.expires is None


def test_a_device_may_want_one_of_the_advertised_streams(alexa: Alexa) -> None:
    endpoint = alexa.find("back yard")
    assert alexa.show(endpoint, endpoint.wishes()[:1]).width == 1920


def test_a_device_that_knows_an_earlier_discovery_gets_the_true_stream(alexa: Alexa) -> None:
    old = {**alexa.find("front porch").wishes()[0], "resolution": {"width": 640, "height": 480}, "audioCodec": "AAC"}
    directive = alexa.stream_directive("cams_example_com:front-porch", [old])
    reply = alexa.ask(directive, camera_streams_response)
    (stream,) = reply["event"]["payload"]["cameraStreams"]
    assert stream["resolution"] == {"width": 1280, "height": 720}
    assert stream["audioCodec"] == "NONE"


@pytest.mark.parametrize(
    "endpoint_id", ["cams_example_com:garage", "front-porch", "other_example_com:front-porch", "no such:thing!"]
)
def test_a_camera_that_is_not_there_is_refused(alexa: Alexa, endpoint_id: str) -> None:
    wishes = alexa.find("front porch").configurations
    with pytest.raises(RefusedError, match="inventory") as refusal:
        alexa.show(Endpoint(endpoint_id, "Garage", wishes))
    assert refusal.value.error_type == "NO_SUCH_ENDPOINT"


def test_webrtc_alone_is_refused(alexa: Alexa) -> None:
    endpoint = alexa.find("front porch")
    with pytest.raises(RefusedError, match="RTSP only") as refusal:
        alexa.show(endpoint, [{**endpoint.wishes()[0], "protocol": "WEBRTC"}])
    assert refusal.value.error_type == "INVALID_VALUE"


@pytest.mark.parametrize("wishes", [None, [], {}, "RTSP", ["RTSP"], [{"protocol": "RTSP"}, 1]])
def test_malformed_wishes_are_refused(alexa: Alexa, wishes: Any) -> None:
    directive = alexa.stream_directive("cams_example_com:front-porch", wishes)
    with pytest.raises(RefusedError, match="cameraStreams") as refusal:
        alexa.ask(directive, camera_streams_response)
    assert refusal.value.error_type == "INVALID_DIRECTIVE"
