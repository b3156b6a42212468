"""Whatever comes in, a well-formed answer goes out, and the log keeps no secrets."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from alexa_ip_cam.alexa.messages import Directive, Message
from alexa_ip_cam.skill import dispatch
from alexa_ip_cam.skill.dispatch import answer
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.judge import discover_response, error_response, is_error_response

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
HEADER = st.fixed_dictionaries(
    {
        "namespace": JSON | st.sampled_from(["Alexa", "Alexa.Discovery", "Alexa.CameraStreamController"]),
        "name": JSON | st.sampled_from(["Discover", "InitializeCameraStreams", "ReportState"]),
        "payloadVersion": JSON | st.just("3"),
        "correlationToken": JSON,
    }
)
ENDPOINT = JSON | st.fixed_dictionaries({"endpointId": JSON | st.just("cams_example_com:den")})
PAYLOAD = JSON | st.fixed_dictionaries({"cameraStreams": JSON})
# Near misses find what pure noise never reaches.
NEAR = st.fixed_dictionaries(
    {"directive": JSON | st.fixed_dictionaries({"header": JSON | HEADER, "endpoint": ENDPOINT, "payload": PAYLOAD})}
)
few = effort(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@few
@given(JSON | NEAR)
def test_any_event_gets_a_well_formed_answer(settings: Settings, event: Any) -> None:
    before = copy.deepcopy(event)
    reply = answer(event, settings, "request-1")
    json.dumps(reply, ensure_ascii=False).encode()  # as the runtime client of Python 3.12 and later does
    assert event == before
    if is_error_response(reply):
        error_response(reply)
        assert reply["event"]["payload"]["type"] != "INTERNAL_ERROR"
    else:
        discover_response(reply)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("Alexa", "ReportState"),
        ("Alexa.PowerController", "TurnOn"),
        ("Alexa.Discovery", "InitializeCameraStreams"),
        ("alexa.discovery", "discover"),
    ],
)
def test_an_unknown_directive_is_refused(alexa: Alexa, namespace: str, name: str) -> None:
    directive = alexa.stream_directive("cams_example_com:front-porch", [])
    directive["directive"]["header"].update(namespace=namespace, name=name)
    with pytest.raises(RefusedError, match="does not know") as refusal:
        alexa.ask(directive, error_response)
    assert refusal.value.error_type == "INVALID_DIRECTIVE"


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("header", {"namespace": "Alexa.Discovery", "name": ["Discover"], "messageId": "m"}, "namespace and a name"),
        ("header", {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "2"}, "payload version 3"),
        ("header", "Discover", "an object named header"),
        ("payload", None, "an object named payload"),
    ],
)
def test_a_malformed_directive_is_refused_with_the_reason(
    settings: Settings, part: str, value: object, reason: str
) -> None:
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    event = {"directive": {"header": header, "payload": {}, part: value}}
    reply = answer(event, settings, "request-1")
    error_response(reply)
    assert reply["event"]["payload"]["type"] == "INVALID_DIRECTIVE"
    assert reason in reply["event"]["payload"]["message"]


def test_each_directive_leaves_one_line_of_json(alexa: Alexa, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = alexa.find("front porch")
    capsys.readouterr()
    alexa.show(endpoint)
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert entry.pop("ms") >= 0
    assert entry == {
        "request_id": "request-1",
        "directive": "Alexa.CameraStreamController.InitializeCameraStreams",
        "endpoint": "cams_example_com:front-porch",
        "outcome": "ok",
    }


def test_a_refusal_is_logged_with_its_reason(alexa: Alexa, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RefusedError):
        alexa.ask(alexa.stream_directive("cams_example_com:garage", []), error_response)
    entry = json.loads(capsys.readouterr().out)
    assert entry["outcome"] == "NO_SUCH_ENDPOINT"
    assert entry["endpoint"] == "cams_example_com:garage"
    assert "inventory" in entry["reason"]


def test_what_is_no_name_does_not_reach_the_log(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"namespace": "Atza|token", "name": "x" * 200, "payloadVersion": "3", "messageId": "m-1"}
    answer({"directive": {"header": header, "payload": {}}}, settings, "request-1")
    assert json.loads(capsys.readouterr().out)["directive"] == "malformed"


def test_tokens_and_signatures_stay_out_of_the_log(
    alexa: Alexa, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = alexa.show(alexa.find("front porch"))
    with pytest.raises(RefusedError):
        alexa.ask(alexa.stream_directive("cams_example_com:garage", []), error_response)
    log = capsys.readouterr().out
    signature = re.search(r"[0-9a-f]{32}", stream.uri)
    assert signature is not None
    for secret in (alexa.token, signature[0], stream.image_uri, settings.snapshot_key, settings.stream_key.hex()):
        assert secret not in log


def test_a_fault_of_the_skill_is_answered_and_located_but_not_quoted(
    alexa: Alexa, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(directive: Directive, settings: Settings) -> Message:
        raise RuntimeError(f"{directive.payload['scope']['token']} {settings}")

    monkeypatch.setitem(dispatch.HANDLERS, ("Alexa.Discovery", "Discover"), broken)
    with pytest.raises(RefusedError) as refusal:
        alexa.discover()
    assert refusal.value.error_type == "INTERNAL_ERROR"
    log = capsys.readouterr().out
    assert alexa.token not in log
    assert alexa.token not in str(refusal.value)
    entry = json.loads(log)
    assert entry["reason"] == "RuntimeError"
    assert re.search(r"test_dispatch\.py:\d+ broken", entry["frames"][-1])
