"""Whatever comes in, a well-formed answer goes out, and the log keeps no secrets."""

import json
import re
import sys
from typing import Any

import pytest

from alexa_ip_cam.alexa.messages import Directive, Message
from alexa_ip_cam.skill import dispatch
from alexa_ip_cam.skill.caller import Caller
from alexa_ip_cam.skill.dispatch import Handler, Skill
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, RefusedError
from simulators.amazon.judge import error_response


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("Alexa", "ReportSomething"),
        ("Alexa.PowerController", "TurnOn"),
        ("Alexa.Discovery", "InitializeCameraStreams"),
        ("alexa.discovery", "discover"),
        ("Alexa.Authorization", "Revoke"),
    ],
)
def test_an_unknown_directive_is_refused(alexa: Alexa, namespace: str, name: str) -> None:
    directive = alexa.directive(namespace, name, "cams_example_com:front-porch")
    with pytest.raises(RefusedError, match="does not know") as refusal:
        alexa.ask(directive, error_response)
    assert refusal.value.error_type == "INVALID_DIRECTIVE"


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("header", {"namespace": "Alexa.Discovery", "name": ["Discover"], "messageId": "m"}, "namespace, a name"),
        ("header", {"namespace": "Alexa.Discovery", "name": "Discover"}, "a payload version"),
        (
            "header",
            {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "2"},
            "only payload version 3",
        ),
        ("header", "Discover", "an object named header"),
        ("payload", None, "an object named payload"),
    ],
)
def test_a_malformed_directive_is_refused_with_the_reason(skill: Skill, part: str, value: object, reason: str) -> None:
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    event = {"directive": {"header": header, "payload": {}, part: value}}
    reply = skill.answer(event, "request-1")
    error_response(reply)
    assert reply["event"]["payload"]["type"] == "INVALID_DIRECTIVE"
    assert reason in reply["event"]["payload"]["message"]


def test_each_directive_leaves_one_line_of_json(alexa: Alexa, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = alexa.find("front porch")
    capsys.readouterr()
    alexa.show(endpoint)
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert entry.pop("ms") >= entry.pop("verify_ms") >= 0
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


def test_what_is_no_name_does_not_reach_the_log(skill: Skill, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"namespace": "Atza|token", "name": "x" * 200, "payloadVersion": "3", "messageId": "m-1"}
    skill.answer({"directive": {"header": header, "endpoint": {"endpointId": "AN0code"}, "payload": {}}}, "request-1")
    entry = json.loads(capsys.readouterr().out)
    assert (entry["directive"], entry["endpoint"]) == ("malformed", "malformed")


def test_tokens_and_signatures_stay_out_of_the_log(
    alexa: Alexa, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = alexa.show(alexa.find("front porch"))
    snapshot = alexa.snapshot(alexa.find("back yard"))
    with pytest.raises(RefusedError):
        alexa.ask(alexa.stream_directive("cams_example_com:garage", []), error_response)
    log = capsys.readouterr().out
    signature = re.search(r"[0-9a-f]{32}", stream.uri)
    assert signature is not None
    site = settings.sites[0]
    for secret in (alexa.token, signature[0], stream.image_uri, snapshot.uri, site.snapshot_key, site.stream_key.hex()):
        assert secret not in log


def test_a_fault_of_the_skill_is_answered_and_located_but_not_quoted(
    alexa: Alexa, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(directive: Directive, caller: Caller) -> Message:
        raise RuntimeError(f"{directive.token} {caller}")

    monkeypatch.setitem(dispatch.HANDLERS, ("Alexa.Discovery", "Discover"), Handler("3", broken))
    with pytest.raises(RefusedError) as refusal:
        alexa.discover()
    assert refusal.value.error_type == "INTERNAL_ERROR"
    log = capsys.readouterr().out
    assert alexa.token not in log
    assert alexa.token not in str(refusal.value)
    entry = json.loads(log)
    assert entry["reason"] == "RuntimeError"
    assert re.search(r"test_dispatch\.py:\d+ broken", entry["frames"][-1])


def test_even_a_fault_is_answered_in_the_right_namespace(alexa: Alexa, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(directive: Directive, caller: Caller) -> Message:
        raise KeyError(directive.token, caller.user_id)

    monkeypatch.setitem(dispatch.HANDLERS, ("Alexa.Authorization", "AcceptGrant"), Handler("3", broken))
    with pytest.raises(RefusedError, match="ACCEPT_GRANT_FAILED") as refusal:
        alexa.accept_grant("a code")
    assert refusal.value.error_type == "ACCEPT_GRANT_FAILED"


def test_without_boto3_only_what_needs_the_store_fails(alexa: Alexa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    alexa.show(alexa.find("front porch"))
    with pytest.raises(RefusedError) as refusal:
        alexa.report_state(alexa.find("front porch"))
    assert refusal.value.error_type == "INTERNAL_ERROR"


def test_the_answer_is_the_only_thing_a_caller_gets(alexa: Alexa, skill: Skill) -> None:
    event: dict[str, Any] = alexa.stream_directive("cams_example_com:den", [{"protocol": "RTSP"}])
    before = json.dumps(event)
    skill.answer(event, "request-1")
    assert json.dumps(event) == before
