"""Every message to the letter of Amazon's documents, judged by the simulator's judge."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexa_ip_cam.events.config import INTERFACES
from alexa_ip_cam.events.messages import INTERFACES as NAMES
from alexa_ip_cam.events.messages import Event, Site, build
from alexa_ip_cam.events.queue import Message
from alexa_ip_cam.media_id import CAUSES, Media, media_id
from alexa_ip_cam.signing import sign_clip_uri
from simulators.amazon import events
from simulators.amazon.checks import ProtocolError

KEY, CLIPS_KEY = bytes(32), "0" * 40
SITE = Site("cams.example.com", "clips.example.com", CLIPS_KEY, 600, {"front-porch": "AAC"}, frozenset(INTERFACES))
START = datetime(2026, 11, 22, 10, 0, 0, 123_000, UTC)
MILLISECONDS = int(START.timestamp() * 1000)
TOKEN = "Atza|token"


def message(kind: str, body: dict[str, Any], *, camera: str = "front-porch", identity: str | None = None) -> Message:
    return Message(
        id=1,
        interface="any",
        camera_id=camera,
        kind=kind,
        message_id="6d0d3c1e-0a4e-4f0c-9d5f-0d2c2f3f8f3a",
        identity=identity,
        body=body,
        happened=MILLISECONDS,
        queued=MILLISECONDS,
        tries=0,
        due=0,
        parked=False,
        reason=None,
    )


def judged(one: Message, states: dict[str, str] | None = None, now: datetime | None = None, site: Site = SITE) -> Event:
    document = build(one, site, states or {}, TOKEN, now or datetime.now(UTC))
    assert json.loads(json.dumps(document)) == document
    assert events.message(document)[1] == one.kind
    assert events.token_of(document) == TOKEN
    assert document["event"]["header"]["messageId"] == one.message_id
    return document


def created(length: timedelta = timedelta(seconds=45), cause: str = "motion") -> Message:
    end = MILLISECONDS + length // timedelta(milliseconds=1)
    identity = media_id(KEY, Media("front-porch", START, length, cause))
    body = {"start": MILLISECONDS, "end": end, "cause": cause}
    return message("MediaCreatedOrUpdated", body, identity=identity)


def test_a_new_clip() -> None:
    now = datetime.now(UTC)
    one = created()
    document = judged(one, now=now)
    event = document["event"]
    assert set(document) == {"event"}
    assert event["endpoint"]["endpointId"] == "cams_example_com:front-porch"
    media = event["payload"]["media"]
    assert media["id"] == one.identity
    assert media["cause"] == "MOTION_DETECTED"
    recording = media["recording"]
    assert (recording["startTime"], recording["endTime"]) == ("2026-11-22T10:00:00Z", "2026-11-22T10:00:46Z")
    assert (recording["videoCodec"], recording["audioCodec"]) == ("H264", "AAC")
    expiry = datetime.fromisoformat(recording["uri"]["expireTime"])
    assert timedelta(seconds=599) <= expiry - now <= timedelta(seconds=600)
    parts = urlsplit(recording["uri"]["value"])
    assert parts.netloc == "clips.example.com"
    assert parts.path == f"/clips/front-porch/2026-11-22/{one.identity}.mp4"
    assert parts.query == sign_clip_uri(CLIPS_KEY, parts.path, expiry)


@given(st.timedeltas(timedelta(), timedelta(days=1)), st.sampled_from(sorted(CAUSES)))
def test_every_length_and_cause(length: timedelta, cause: str) -> None:
    judged(created(length, cause))


def test_a_deleted_clip() -> None:
    document = judged(message("MediaDeleted", {}, identity="front_porch_1"))
    assert document["event"]["payload"]["mediaIds"] == ["front_porch_1"]
    assert "endpoint" not in document["event"], "the token stands in the payload"


def test_motion_with_milliseconds_and_connectivity_beside_it() -> None:
    document = judged(message("ChangeReport", {"property": "detection", "value": "DETECTED"}))
    (changed,) = document["event"]["payload"]["change"]["properties"]
    assert (changed["namespace"], changed["name"]) == ("Alexa.MotionSensor", "detectionState")
    assert (changed["value"], changed["timeOfSample"]) == ("DETECTED", "2026-11-22T10:00:00.123Z")
    assert document["event"]["payload"]["change"]["cause"] == {"type": "PHYSICAL_INTERACTION"}
    (other,) = document["context"]["properties"]
    assert (other["namespace"], other["value"]) == ("Alexa.EndpointHealth", {"value": "OK"})


@pytest.mark.parametrize("known", ["OK", "UNREACHABLE"])
def test_motion_tells_the_connectivity_that_is_known(known: str) -> None:
    one = message("ChangeReport", {"property": "detection", "value": "NOT_DETECTED"})
    (other,) = judged(one, {"connectivity": known, "detection": "NOT_DETECTED"})["context"]["properties"]
    assert other["value"] == {"value": known}


def test_connectivity_with_motion_beside_it() -> None:
    one = message("ChangeReport", {"property": "connectivity", "value": "UNREACHABLE"})
    document = judged(one, {"detection": "DETECTED"})
    (changed,) = document["event"]["payload"]["change"]["properties"]
    assert changed["value"] == {"value": "UNREACHABLE"}
    (other,) = document["context"]["properties"]
    assert (other["name"], other["value"]) == ("detectionState", "DETECTED")
    without = SITE._replace(interfaces=frozenset(["health"]))
    assert judged(one, site=without)["context"] == {"properties": []}


def test_the_doorbell_without_a_fraction() -> None:
    document = judged(message("DoorbellPress", {}))
    assert document["context"] == {}
    assert document["event"]["payload"] == {
        "cause": {"type": "PHYSICAL_INTERACTION"},
        "timestamp": "2026-11-22T10:00:00Z",
    }


def test_devices_that_are_gone() -> None:
    one = message("DeleteReport", {"endpoints": [{"endpointId": "cams_example_com:shed"}]}, camera="")
    payload = judged(one)["event"]["payload"]
    assert payload["scope"] == {"type": "BearerToken", "token": TOKEN}


def test_an_unknown_kind_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="Nonsense"):
        build(message("Nonsense", {}), SITE, {}, TOKEN, START)


def test_every_interface_has_alexas_name() -> None:
    assert set(NAMES) == set(INTERFACES)


def _spoiled(document: Event, path: list[str], value: object) -> Event:
    copy: Event = json.loads(json.dumps(document))
    place: Any = copy
    for key in path[:-1]:
        place = place[int(key)] if key.isdigit() else place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


RECORDING = ["event", "payload", "media", "recording"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["event", "header", "payloadVersion"], "3.0"),
        (["event", "header", "messageId"], "a_b"),
        (["event", "header", "messageId"], "a" * 128),
        (["event", "header", "correlationToken"], "x"),
        (["event", "header", "name"], "MediaCreated"),
        (["event", "endpoint"], None),
        (["event", "endpoint", "scope"], None),
        (["event", "endpoint", "endpointId"], "a b"),
        (["event", "payload", "scope"], {"type": "BearerToken", "token": "x"}),
        (["event", "payload", "media", "id"], "a-b"),
        (["event", "payload", "media", "id"], "a" * 257),
        (["event", "payload", "media", "cause"], "MOTION"),
        ([*RECORDING, "startTime"], "2026-11-22T10:00:00.000Z"),
        ([*RECORDING, "startTime"], "2026-11-22T10:00:00+00:00"),
        ([*RECORDING, "startTime"], "2026-11-23T10:00:00Z"),
        ([*RECORDING, "endTime"], None),
        ([*RECORDING, "videoCodec"], "H265"),
        ([*RECORDING, "uri", "expireTime"], "2026-01-01T00:00:00Z"),
        ([*RECORDING, "uri", "value"], "http://clips.example.com/x.mp4"),
        ([*RECORDING, "uri", "extra"], 1),
        (["context"], {}),
    ],
)
def test_the_judge_sees_what_is_wrong(path: list[str], value: object) -> None:
    good = build(created(), SITE, {}, TOKEN, datetime.now(UTC))
    with pytest.raises(ProtocolError):
        events.message(_spoiled(good, path, value))


def test_the_judge_sees_properties_that_are_missing_doubled_or_yet_to_come() -> None:
    one = message("ChangeReport", {"property": "detection", "value": "DETECTED"})
    good = build(one, SITE, {}, TOKEN, datetime.now(UTC))
    changed = good["event"]["payload"]["change"]["properties"][0]
    soon = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for spoiled in (
        _spoiled(good, ["context", "properties"], []),
        _spoiled(good, ["context", "properties"], [changed]),
        _spoiled(good, ["context", "properties", "0", "timeOfSample"], soon),
        _spoiled(good, ["context", "properties", "0", "timeOfSample"], "2026-11-22T10:00:00.123456Z"),
        _spoiled(good, ["context", "properties", "0", "value"], "OK"),
        _spoiled(good, ["event", "payload", "change", "cause", "type"], "MOTION"),
    ):
        with pytest.raises(ProtocolError):
            events.message(spoiled)
