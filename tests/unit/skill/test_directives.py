"""Discover and InitializeCameraStreams, as Alexa sees the answers."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from alexa_ip_cam.signing import sign_clip_uri, verify_stream
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, Endpoint, RefusedError
from simulators.amazon.judge import camera_streams_response
from simulators.amazon.lwa import Lwa
from unit.skill.family import NEIGHBOUR, alexa_for

EVERY_CAMERAS = {
    "Alexa",
    "Alexa.CameraStreamController",
    "Alexa.MotionSensor",
    "Alexa.EndpointHealth",
    "Alexa.SmartVision.SnapshotProvider",
}


def test_discovery_tells_of_every_camera_of_the_home(alexa: Alexa) -> None:
    assert [(one.endpoint_id, one.friendly_name) for one in alexa.discover()] == [
        ("cams_example_com:front-porch", "Front Porch"),
        ("cams_example_com:back-yard", "Back Yard"),
        ("cams_example_com:den", "The Den"),
    ]


def test_each_owner_discovers_the_own_home(document: dict[str, Any], lwa: Lwa) -> None:
    found = alexa_for(document, lwa, NEIGHBOUR).discover()
    assert [one.endpoint_id for one in found] == ["cams_example_net:den", "cams_example_net:garage"]


def test_who_owns_two_homes_discovers_both(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["owners"].append(NEIGHBOUR)
    assert len(alexa_for(document, lwa, NEIGHBOUR).discover()) == 5


def test_discovery_advertises_the_true_size_and_sound(alexa: Alexa) -> None:
    (configuration,) = alexa.find("back yard").configurations
    assert configuration["resolutions"] == [{"width": 1920, "height": 1080}]
    assert configuration["audioCodecs"] == ["AAC"]


def test_every_camera_can_what_it_can(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["media_metadata"] = False
    alexa = alexa_for(document, lwa)
    assert alexa.find("back yard").interfaces == EVERY_CAMERAS
    assert alexa.find("back yard").categories == ("CAMERA",)


def test_a_doorbell_rings_and_is_a_camera_first(alexa: Alexa) -> None:
    assert "Alexa.DoorbellEventSource" in alexa.find("front porch").interfaces
    assert alexa.find("front porch").categories == ("CAMERA", "DOORBELL")


def test_what_is_in_doubt_can_be_switched(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0].update(media_metadata=True, snapshots=False)
    interfaces = alexa_for(document, lwa).find("back yard").interfaces
    assert interfaces == EVERY_CAMERAS - {"Alexa.SmartVision.SnapshotProvider"} | {"Alexa.MediaMetadata"}


def test_the_longest_names_of_maker_and_model_still_fit(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["cameras"][0].update(manufacturer="m" * 128, model="n" * 256)
    alexa_for(document, lwa).discover()


def test_as_many_cameras_as_alexa_takes(document: dict[str, Any], lwa: Lwa) -> None:
    site = document["sites"][0]
    site["cameras"] = [{**site["cameras"][0], "id": f"c{n}", "name": f"Camera {n}"} for n in range(300)]
    assert len(alexa_for(document, lwa).discover()) == 300


def test_showing_a_camera_gives_a_url_the_gateway_accepts(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("the front porch camera"))
    match = re.fullmatch(r"rtsp://cams\.example\.com:443/front-porch/([^/]+)", stream.uri)
    assert match is not None
    site, now = settings.sites[0], time.time()
    assert verify_stream([site.stream_key], "front-porch", match[1], now + site.stream_ttl_seconds - 5)
    assert not verify_stream([site.stream_key], "front-porch", match[1], now + site.stream_ttl_seconds + 1)


def test_showing_a_camera_says_when_the_url_expires(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("front porch"))
    assert stream.expires is not None
    left = stream.expires - datetime.now(UTC)
    assert timedelta(0) <= timedelta(seconds=settings.sites[0].stream_ttl_seconds) - left < timedelta(seconds=3)
    assert f"/{int(stream.expires.timestamp())}-" in stream.uri


def test_showing_a_camera_gives_its_true_size_and_sound(alexa: Alexa) -> None:
    stream = alexa.show(alexa.find("back yard"))
    assert (stream.width, stream.height, stream.video_codec, stream.audio_codec) == (1920, 1080, "H264", "AAC")


def test_a_camera_may_be_shown_from_the_remote_name(alexa: Alexa) -> None:
    assert alexa.show(alexa.find("back yard")).uri.startswith("rtsp://away.example.com:443/back-yard/")


def test_showing_a_camera_tells_its_health_and_patience(alexa: Alexa) -> None:
    endpoint = alexa.find("front porch")
    reply = alexa.ask(alexa.stream_directive(endpoint.endpoint_id, endpoint.wishes()), camera_streams_response)
    assert reply["context"]["properties"][0]["value"] == {"value": "OK"}
    assert reply["event"]["payload"]["cameraStreams"][0]["idleTimeoutSeconds"] == 30


def test_the_picture_has_a_query_that_apache_accepts(alexa: Alexa, settings: Settings) -> None:
    stream = alexa.show(alexa.find("front porch"))
    uri = urlsplit(stream.image_uri)
    assert (uri.scheme, uri.netloc, uri.path) == ("https", "clips.example.com", "/snapshots/front-porch.jpg")
    assert stream.expires is not None
    assert uri.query == sign_clip_uri(settings.sites[0].snapshot_key, uri.path, stream.expires)


def test_without_the_gateway_the_url_carries_no_signature(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["sign_streams"] = False
    alexa = alexa_for(document, lwa)
    stream = alexa.show(alexa.find("front porch"))
    assert stream.uri == "rtsp://cams.example.com:443/front-porch"
    assert stream.expires is None


def test_a_device_may_want_one_of_the_advertised_streams(alexa: Alexa) -> None:
    endpoint = alexa.find("back yard")
    assert alexa.show(endpoint, endpoint.wishes()[:1]).width == 1920


def test_of_several_wishes_the_one_that_the_camera_has_is_granted(alexa: Alexa) -> None:
    endpoint = alexa.find("back yard")
    true = endpoint.wishes()[0]
    others = [{**true, "protocol": "WEBRTC"}, {**true, "audioCodec": "G711"}, {**true, "videoCodec": "MJPEG"}]
    assert alexa.show(endpoint, [*others, true]).audio_codec == "AAC"


def test_a_device_that_knows_an_earlier_discovery_gets_the_true_stream(alexa: Alexa) -> None:
    old = {**alexa.find("front porch").wishes()[0], "resolution": {"width": 640, "height": 480}, "audioCodec": "AAC"}
    directive = alexa.stream_directive("cams_example_com:front-porch", [old])
    reply = alexa.ask(directive, camera_streams_response)
    (stream,) = reply["event"]["payload"]["cameraStreams"]
    assert stream["resolution"] == {"width": 1280, "height": 720}
    assert stream["audioCodec"] == "NONE"


@pytest.mark.parametrize(
    "endpoint_id",
    [
        "cams_example_com:garage",
        "front-porch",
        "other_example_com:front-porch",
        "cams_example_net:den",
        "no such:thing!",
    ],
)
def test_a_camera_that_is_not_there_is_refused(alexa: Alexa, endpoint_id: str) -> None:
    wishes = alexa.find("front porch").configurations
    with pytest.raises(RefusedError, match="inventory") as refusal:
        alexa.show(Endpoint(endpoint_id, "Garage", wishes))
    assert refusal.value.error_type == "NO_SUCH_ENDPOINT"


@pytest.mark.parametrize("wish", [{"protocol": "WEBRTC"}, {"videoCodec": "MJPEG"}])
def test_what_the_camera_cannot_send_is_refused(alexa: Alexa, wish: dict[str, str]) -> None:
    endpoint = alexa.find("front porch")
    with pytest.raises(RefusedError, match="RTSP only") as refusal:
        alexa.show(endpoint, [{**endpoint.wishes()[0], **wish}])
    assert refusal.value.error_type == "INVALID_VALUE"


@pytest.mark.parametrize("wishes", [None, [], {}, "RTSP", ["RTSP"], [{"protocol": "RTSP"}, 1]])
def test_malformed_wishes_are_refused(alexa: Alexa, wishes: Any) -> None:
    directive = alexa.stream_directive("cams_example_com:front-porch", wishes)
    with pytest.raises(RefusedError, match="cameraStreams") as refusal:
        alexa.ask(directive, camera_streams_response)
    assert refusal.value.error_type == "INVALID_DIRECTIVE"
