"""Directives in the shapes that Amazon's samples and other skills' tests show, told in our own words.

They differ from what `simulators.amazon.alexa` sends: order and mixture of wishes, authorisations that the published
schema does not know, cookies, parts left out. Token and endpoint are ours; the rest is as others write it.
"""

from typing import Any

import pytest

from alexa_ip_cam.alexa.store import Store
from simulators.amazon import judge
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.lwa import Lwa
from unit.skill.family import MESSAGING, OWNER

YARD = "cams_example_com:back-yard"
OPAQUE = "dGhpcyBpcyBvcGFxdWU+/9zq=="  # correlation tokens are base64, padding and all


def wish(protocol: str, width: int, height: int, *rest: str) -> dict[str, Any]:
    return {
        "protocol": protocol,
        "resolution": {"width": width, "height": height},
        **dict(zip(("authorizationType", "videoCodec", "audioCodec"), rest, strict=True)),
    }


def event(namespace: str, name: str, *, endpoint: Any = None, payload: Any = None, **header: str) -> dict[str, Any]:
    header = {"namespace": namespace, "name": name, "payloadVersion": "3", "messageId": "abc-123-def-456", **header}
    directive: dict[str, Any] = {"header": header, "payload": payload or {}}
    if endpoint is not None:
        directive["endpoint"] = endpoint
    return {"directive": directive}


Wishes = list[dict[str, Any]]
WISHES: dict[str, Wishes] = {
    # Amazon's sample request: two streams that share nothing, the first behind a log-in.
    "amazon's sample": [
        wish("RTSP", 1920, 1080, "BASIC", "H264", "AAC"),
        wish("RTSP", 1280, 720, "NONE", "MPEG2", "G711"),
    ],
    # An older sample asks for an authorisation that the schema does not know.
    "amazon's older sample": [
        wish("RTSP", 1920, 1080, "BEARER", "H264", "AAC"),
        wish("RTSP", 1280, 720, "NONE", "MPEG2", "G711"),
    ],
    # What a camera hub advertises expands into many combinations; ours is last.
    "every combination": [
        wish(protocol, width, height, authorisation, "H264", audio)
        for protocol in ("WEBRTC", "RTSP")
        for width, height in ((1280, 720), (1920, 1080))
        for authorisation in ("DIGEST", "NONE")
        for audio in ("G711", "AAC")
    ],
    # Home Assistant and openHAB answer HLS, which a device may ask for beside RTSP.
    "hls before rtsp": [
        wish("HLS", 1280, 720, "NONE", "H264", "AAC"),
        wish("RTSP", 1920, 1080, "NONE", "H264", "AAC"),
    ],
}


@pytest.mark.parametrize("source", list(WISHES))
def test_published_wishes_get_the_true_stream(alexa: Alexa, source: str) -> None:
    endpoint = {"endpointId": YARD, "scope": {"type": "BearerToken", "token": alexa.token}, "cookie": {}}
    directive = event(
        "Alexa.CameraStreamController",
        "InitializeCameraStreams",
        endpoint=endpoint,
        payload={"cameraStreams": WISHES[source]},
        correlationToken=OPAQUE,
    )
    reply = alexa.ask(directive, judge.camera_streams_response)
    (stream,) = reply["event"]["payload"]["cameraStreams"]
    offered = {key: stream[key] for key in judge.WISH_KEYS}
    assert offered == wish("RTSP", 1920, 1080, "NONE", "H264", "AAC")


@pytest.mark.parametrize("authorisation", ["NONE", "BASIC"])
def test_openhabs_hls_alone_is_refused(alexa: Alexa, authorisation: str) -> None:
    cookie = {"capabilities": '[{"name":"CameraStreamController","parameters":{"resolution":"720p"}}]'}
    endpoint = {"endpointId": YARD, "scope": {"type": "BearerToken", "token": alexa.token}, "cookie": cookie}
    directive = event(
        "Alexa.CameraStreamController",
        "InitializeCameraStreams",
        endpoint=endpoint,
        payload={"cameraStreams": [wish("HLS", 1280, 720, authorisation, "H264", "AAC")]},
    )
    assert refused(alexa, directive) == "INVALID_VALUE"


def test_a_report_without_cookie_and_with_the_token_first_is_answered(stored: Store, alexa: Alexa) -> None:
    stored.states()
    endpoint = {"scope": {"type": "BearerToken", "token": alexa.token}, "endpointId": YARD}
    directive = event("Alexa", "ReportState", endpoint=endpoint, correlationToken=OPAQUE)
    alexa.ask(directive, judge.state_report)


def test_amazons_grant_is_accepted(stored: Store, alexa: Alexa, lwa: Lwa) -> None:
    code = lwa.new_code(MESSAGING.client_id, OWNER)
    payload = {
        "grant": {"type": "OAuth2.AuthorizationCode", "code": code},
        "grantee": {"type": "BearerToken", "token": alexa.token},
    }
    alexa.ask(event("Alexa.Authorization", "AcceptGrant", payload=payload), judge.accept_grant_response)
    assert stored.grant() is not None


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("Alexa.Discovery", "Discover"), ("Alexa", "ReportState"), ("Alexa.CameraStreamController", "TurnOn")],
)
def test_placeholders_instead_of_tokens_open_nothing(alexa: Alexa, namespace: str, name: str) -> None:
    scope = {"type": "BearerToken", "token": "access-token-from-skill"}
    directive = event(namespace, name, endpoint={"endpointId": YARD, "scope": scope}, payload={"scope": scope})
    known = name != "TurnOn"
    assert refused(alexa, directive) == ("INVALID_AUTHORIZATION_CREDENTIAL" if known else "INVALID_DIRECTIVE")


def refused(alexa: Alexa, directive: dict[str, Any]) -> str:
    with pytest.raises(RefusedError) as refusal:
        alexa.ask(directive, judge.error_response)
    return refusal.value.error_type
