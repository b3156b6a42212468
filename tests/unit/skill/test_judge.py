"""The judge itself: it takes good answers and refuses every spoiled one."""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from alexa_ip_cam.alexa.errors import NoSuchEndpointError
from alexa_ip_cam.alexa.messages import error_response
from alexa_ip_cam.skill.dispatch import answer
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon import judge
from simulators.amazon.alexa import Alexa
from simulators.amazon.checks import ProtocolError, moment

# Left out, these do not spoil an answer's form. (That a correlation token is repeated is `repeats`'s business.)
OPTIONAL = {"additionalAttributes", "manufacturer", "model", "context", "correlationToken", "expirationTime"}
MAY_BE_EMPTY = {"endpoints", "additionalAttributes"}


class Recorder:
    """Remembers the last directive and its answer on their way through."""

    def __init__(self, settings: Settings) -> None:
        self.directive: dict[str, Any] = {}
        self.reply: dict[str, Any] = {}
        self._settings = settings

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        self.directive, self.reply = event, answer(event, self._settings, "request-1")
        return self.reply


@pytest.fixture
def recorder(settings: Settings) -> Recorder:
    return Recorder(settings)


@pytest.fixture
def answers(recorder: Recorder) -> dict[str, tuple[dict[str, Any], Callable[[Any], None]]]:
    alexa = Alexa(recorder)
    endpoint = alexa.find("front porch")
    discovery = recorder.reply
    alexa.show(endpoint)
    streams = recorder.reply
    refusal = error_response(recorder.directive, NoSuchEndpointError("no such camera"))
    return {
        "discovery": (discovery, judge.discover_response),
        "streams": (streams, judge.camera_streams_response),
        "refusal": (refusal, judge.error_response),
    }


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


KINDS = ["discovery", "streams", "refusal"]


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
        # An error may also answer a directive without endpoint.
        optional = path[-1] in OPTIONAL or (kind == "refusal" and path[-1] == "endpoint")
        assert refused(spoiled, form) is not optional, path


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
    free = {"message", "correlationToken"}  # any text that is not empty
    for path in places(reply):
        last = path[-1] if path else None
        if last in free and isinstance(wrong, str) and wrong not in {"", "x\n"}:
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
        ("displayCategories", ["CAMERA", "CAMERA"]),
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
def test_an_answer_to_something_else_is_refused(recorder: Recorder, path: tuple[str, str], value: str | None) -> None:
    alexa = Alexa(recorder)
    alexa.show(alexa.find("front porch"))
    judge.repeats(recorder.reply, recorder.directive)
    spoiled = copy.deepcopy(recorder.reply)
    if value is None:
        del spoiled["event"][path[0]][path[1]]
    else:
        spoiled["event"][path[0]][path[1]] = value
    with pytest.raises(ProtocolError, match=path[1]):
        judge.repeats(spoiled, recorder.directive)


def test_the_directives_own_message_id_is_refused(recorder: Recorder) -> None:
    Alexa(recorder).discover()
    recorder.reply["event"]["header"]["messageId"] = recorder.directive["directive"]["header"]["messageId"]
    with pytest.raises(ProtocolError, match="the directive's own"):
        judge.repeats(recorder.reply, recorder.directive)


@pytest.mark.parametrize("value", ["2026-11-22T10:05:00Z", "2026-11-22T10:05:00.1Z", "2026-11-22T10:05:00.123Z"])
def test_times_alexa_takes_pass(value: str) -> None:
    moment(value, "time")
    assert datetime.fromisoformat(value).tzinfo == UTC
