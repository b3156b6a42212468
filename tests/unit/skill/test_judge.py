"""The judge itself: it takes good answers and refuses every spoiled one."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alexa_ip_cam.alexa.errors import AcceptGrantFailedError, NoSuchEndpointError
from alexa_ip_cam.alexa.messages import error_response
from alexa_ip_cam.media_id import Media, media_id
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import parse_settings
from simulators.amazon import judge
from simulators.amazon.alexa import Alexa
from simulators.amazon.aws import Aws
from simulators.amazon.checks import ProtocolError, moment
from simulators.amazon.lwa import Lwa
from unit.skill import family
from unit.skill.family import LINKING, MESSAGING, OWNER
from unit.skill.test_media import START

# Left out, these do not spoil an answer's form. (That a correlation token is repeated is `repeats`'s business.)
OPTIONAL = {
    "additionalAttributes",
    "manufacturer",
    "model",
    "cookie",
    "context",
    "correlationToken",
    "expirationTime",
    "idleTimeoutSeconds",
    "errors",
}
MAY_BE_EMPTY = {"endpoints", "additionalAttributes", "media"}
FREE = {"message", "correlationToken", "token", "mediaId"}  # any text that is not empty
KINDS = ["discovery", "streams", "state", "snapshot", "media", "grant", "refusal", "grant refusal"]


class Recorder:
    """Remembers the last directive and its answer on their way through."""

    def __init__(self, skill: Skill) -> None:
        self.directive: dict[str, Any] = {}
        self.reply: dict[str, Any] = {}
        self._skill = skill

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        self.directive, self.reply = event, self._skill.answer(event, "request-1")
        return self.reply


Answers = dict[str, tuple[dict[str, Any], Callable[[Any], None]]]


@pytest.fixture
def recorder(skill: Skill) -> Recorder:
    return Recorder(skill)


@pytest.fixture
def talking(recorder: Recorder, lwa: Lwa) -> Alexa:
    return Alexa(recorder, lwa.new_bearer(LINKING, OWNER))


@pytest.fixture(scope="module")
def good_answers(lwa: Lwa, aws: Aws) -> Answers:
    with pytest.MonkeyPatch.context() as change:
        family.let_run(change)
        return collect(lwa, aws)


@pytest.fixture
def answers(good_answers: Answers) -> Answers:
    """An answer of each kind, to be spoiled, with its form."""
    return {kind: (copy.deepcopy(reply), form) for kind, (reply, form) in good_answers.items()}


def collect(lwa: Lwa, aws: Aws) -> Answers:
    document = family.document_for(lwa, family.inventory())
    family.with_store(document, aws, "table-of-the-judge")
    settings = parse_settings(document)
    recorder = Recorder(Skill(settings))
    talking = Alexa(recorder, lwa.new_bearer(LINKING, OWNER))
    endpoint = talking.find("front porch")
    found: Answers = {"discovery": (recorder.reply, judge.discover_response)}
    talking.show(endpoint)
    found["streams"] = (recorder.reply, judge.camera_streams_response)
    refusal = error_response(recorder.directive, NoSuchEndpointError("no such camera"))
    found["refusal"] = (refusal, judge.error_response)
    talking.report_state(endpoint)
    found["state"] = (recorder.reply, judge.state_report)
    talking.snapshot(endpoint)
    found["snapshot"] = (recorder.reply, judge.snapshot_response)
    recording = Media("front-porch", START, timedelta(seconds=9), "motion")
    talking.media([media_id(settings.sites[0].media_key, recording), "another"])
    found["media"] = (recorder.reply, judge.media_response)
    talking.accept_grant(lwa.new_code(MESSAGING.client_id, OWNER))
    found["grant"] = (recorder.reply, judge.accept_grant_response)
    failed = error_response(recorder.directive, AcceptGrantFailedError("it could not be exchanged"))
    found["grant refusal"] = (failed, judge.grant_error_response)
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a document, its own first."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def refused(document: Any, form: Callable[[Any], None]) -> bool:
    try:
        form(document)
    except ProtocolError:
        return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_good_answers_pass(answers: dict[str, Any], kind: str) -> None:
    reply, form = answers[kind]
    form(reply)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_key_is_refused(answers: dict[str, Any], kind: str) -> None:
    reply, form = answers[kind]
    for path in places(reply):
        if not path or isinstance(path[-1], int):
            continue
        spoiled = copy.deepcopy(reply)
        del at(spoiled, path[:-1])[path[-1]]
        assert refused(spoiled, form) is not is_optional(kind, path), path


def is_optional(kind: str, path: tuple[Any, ...]) -> bool:
    last = path[-1]
    if last == "context":
        return kind != "state"
    if "recording" in path:
        return last in {"videoCodec", "audioCodec"}
    # An error may also answer a directive without endpoint.
    return last in OPTIONAL or (kind == "refusal" and last == "endpoint")


@pytest.mark.parametrize("kind", KINDS)
def test_an_extra_key_is_refused_everywhere(answers: dict[str, Any], kind: str) -> None:
    reply, form = answers[kind]
    for path in places(reply):
        if isinstance(at(reply, path), dict):
            spoiled = copy.deepcopy(reply)
            at(spoiled, path)["surprise"] = "x"
            assert refused(spoiled, form), path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [None, True, 1.5, -1, "", "x\n", [], {}, [[]], "x" * 3000])
def test_a_wrong_value_is_refused_everywhere(answers: dict[str, Any], kind: str, wrong: Any) -> None:
    reply, form = answers[kind]
    for path in places(reply):
        last = path[-1] if path else None
        if last in FREE and isinstance(wrong, str) and wrong not in {"", "x\n"}:
            continue
        if type(wrong) is type(at(reply, path)) and wrong == at(reply, path):
            continue
        if last in MAY_BE_EMPTY and wrong == (type(at(reply, path)))():
            continue
        if last in {"manufacturer", "model"} and "additionalAttributes" in path and wrong == "":
            continue
        spoiled = copy.deepcopy(reply)
        if path:
            at(spoiled, path[:-1])[last] = wrong
        else:
            spoiled = wrong
        assert refused(spoiled, form), (path, wrong)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("uri", "rtsp://cams.example.com/front-porch"),
        ("uri", "rtsp://cams.example.com:554/front-porch"),
        ("uri", "rtsps://cams.example.com:443/front-porch"),
        ("uri", "rtsp://192.0.2.1:443/front-porch"),
        ("uri", "rtsp://[2001:db8::1]:443/front-porch"),
        ("uri", "rtsp://cams.example.com:443/"),
        ("uri", "rtsp://cams:443/front-porch"),
        ("uri", "rtsp://cams.example.com:443/front porch"),
        ("uri", "rtsp://cams.example.com:x/front-porch"),
        ("expirationTime", "2020-01-01T00:00:00Z"),
        ("expirationTime", "2090-01-01T00:00:00.123456Z"),
        ("expirationTime", "2090-01-01T00:00:00+00:00"),
        ("expirationTime", "2090-02-30T00:00:00Z"),
        ("authorizationType", "BEARER"),
        ("videoCodec", "H265"),
        ("audioCodec", "OPUS"),
        ("protocol", "HLS"),
        ("resolution", {"width": 0, "height": 720}),
        ("resolution", {"width": 1280.0, "height": 720}),
    ],
)
def test_a_stream_alexa_would_not_play_is_refused(answers: dict[str, Any], key: str, value: Any) -> None:
    reply, form = answers["streams"]
    reply["event"]["payload"]["cameraStreams"][0][key] = value
    with pytest.raises(ProtocolError, match=rf"cameraStreams\[0\]\.{key}"):
        form(reply)


@pytest.mark.parametrize("uri", ["http://clips.example.com/a.jpg", "https://192.0.2.1/a.jpg", "https:///a.jpg"])
def test_a_picture_alexa_would_not_fetch_is_refused(answers: dict[str, Any], uri: str) -> None:
    reply, form = answers["streams"]
    reply["event"]["payload"]["imageUri"] = uri
    with pytest.raises(ProtocolError, match="imageUri"):
        form(reply)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpointId", "cams.example.com:front-porch"),
        ("endpointId", "x" * 257),
        ("friendlyName", "Front-Porch"),
        ("friendlyName", "x" * 129),
        ("description", "x" * 129),
        ("displayCategories", ["CAMERA", "DOORBELL", "CAMERA"]),
        ("displayCategories", ["DOG"]),
    ],
)
def test_an_endpoint_alexa_would_not_list_is_refused(answers: dict[str, Any], key: str, value: Any) -> None:
    reply, form = answers["discovery"]
    reply["event"]["payload"]["endpoints"][0][key] = value
    with pytest.raises(ProtocolError, match=rf"endpoints\[0\]\.{key}"):
        form(reply)


def test_two_endpoints_of_one_id_are_refused(answers: dict[str, Any]) -> None:
    reply, form = answers["discovery"]
    endpoints = reply["event"]["payload"]["endpoints"]
    endpoints[1]["endpointId"] = endpoints[0]["endpointId"]
    with pytest.raises(ProtocolError, match="not unique"):
        form(reply)


def test_more_endpoints_than_alexa_takes_are_refused(answers: dict[str, Any]) -> None:
    reply, form = answers["discovery"]
    payload = reply["event"]["payload"]
    payload["endpoints"] = [{**payload["endpoints"][0], "endpointId": f"camera-{n}"} for n in range(300)]
    form(reply)
    payload["endpoints"].append({**payload["endpoints"][0], "endpointId": "camera-300"})
    with pytest.raises(ProtocolError, match="has 301 items"):
        form(reply)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("header", "correlationToken"), "another"),
        (("header", "correlationToken"), None),
        (("endpoint", "endpointId"), "cams_example_com:den"),
    ],
)
def test_an_answer_to_something_else_is_refused(
    recorder: Recorder, talking: Alexa, path: tuple[str, str], value: str | None
) -> None:
    talking.show(talking.find("front porch"))
    judge.repeats(recorder.reply, recorder.directive)
    spoiled = copy.deepcopy(recorder.reply)
    if value is None:
        del spoiled["event"][path[0]][path[1]]
    else:
        spoiled["event"][path[0]][path[1]] = value
    with pytest.raises(ProtocolError, match=path[1]):
        judge.repeats(spoiled, recorder.directive)


def test_the_directives_own_message_id_is_refused(recorder: Recorder, talking: Alexa) -> None:
    talking.discover()
    recorder.reply["event"]["header"]["messageId"] = recorder.directive["directive"]["header"]["messageId"]
    with pytest.raises(ProtocolError, match="the directive's own"):
        judge.repeats(recorder.reply, recorder.directive)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"displayCategories": ["DOORBELL", "CAMERA"]}, "a CAMERA first"),
        ({"displayCategories": ["CAMERA"]}, "DOORBELL if it rings"),
    ],
)
def test_a_doorbell_in_disguise_is_refused(answers: dict[str, Any], change: dict[str, Any], reason: str) -> None:
    reply, form = answers["discovery"]
    reply["event"]["payload"]["endpoints"][0].update(change)
    with pytest.raises(ProtocolError, match=reason):
        form(reply)


@pytest.mark.parametrize(
    ("interface", "reason"),
    [
        ("Alexa", "lacks the interface Alexa"),
        ("Alexa.EndpointHealth", "needs EndpointHealth"),
        ("Alexa.DoorbellEventSource", "DOORBELL if it rings"),
    ],
)
def test_interfaces_that_go_together_are_not_parted(answers: dict[str, Any], interface: str, reason: str) -> None:
    reply, form = answers["discovery"]
    endpoint = reply["event"]["payload"]["endpoints"][0]
    endpoint["capabilities"] = [one for one in endpoint["capabilities"] if one["interface"] != interface]
    with pytest.raises(ProtocolError, match=reason):
        form(reply)


def test_an_interface_named_twice_is_refused(answers: dict[str, Any]) -> None:
    reply, form = answers["discovery"]
    capabilities = reply["event"]["payload"]["endpoints"][0]["capabilities"]
    capabilities.append({**capabilities[-1], "properties": copy.deepcopy(capabilities[-1]["properties"])})
    with pytest.raises(ProtocolError, match="twice"):
        form(reply)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("startTime", "2026-11-22T10:00:00.123Z"),
        ("startTime", "2026-11-22T11:00:00Z"),
        ("uri", {"value": "https://clips.example.com/a.ts", "expireTime": "2090-01-01T00:00:00Z"}),
        ("uri", {"value": "https://clips.example.com/a.mp4", "expireTime": "2090-01-01T00:00:00.5Z"}),
        ("uri", {"value": "https://clips.example.com/a.mp4", "expireTime": "2020-01-01T00:00:00Z"}),
    ],
)
def test_a_recording_alexa_would_not_play_is_refused(answers: dict[str, Any], key: str, value: Any) -> None:
    reply, form = answers["media"]
    reply["event"]["payload"]["media"][0]["recording"][key] = value
    assert refused(reply, form)


def test_an_answer_without_recordings_needs_a_reason(answers: dict[str, Any]) -> None:
    reply, form = answers["media"]
    reply["event"]["payload"]["media"] = []
    form(reply)
    del reply["event"]["payload"]["errors"]
    with pytest.raises(ProtocolError, match="neither"):
        form(reply)


def test_a_state_told_twice_is_no_report_of_both(answers: dict[str, Any]) -> None:
    reply, form = answers["state"]
    properties = reply["context"]["properties"]
    properties[1] = {**properties[0], "uncertaintyInMilliseconds": 1}
    with pytest.raises(ProtocolError, match="are only"):
        form(reply)


@pytest.mark.parametrize("value", ["2026-11-22T10:05:00Z", "2026-11-22T10:05:00.1Z", "2026-11-22T10:05:00.123Z"])
def test_times_alexa_takes_pass(value: str) -> None:
    moment(value, "time")
    assert datetime.fromisoformat(value).tzinfo == UTC
