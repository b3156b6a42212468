"""Who may ask: our own accounts' living tokens, and nobody else; before any signature is made."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from alexa_ip_cam.media_id import Media, media_id
from alexa_ip_cam.skill import dispatch, grants, urls, who
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import Settings
from simulators.amazon.alexa import Alexa, Endpoint, RefusedError
from simulators.amazon.judge import camera_streams_response, discover_response
from simulators.amazon.lwa import TOKEN_INFO, Cut, Delay, Fault, Lwa, Reply
from unit.skill.family import FOREIGN, LINKING, MESSAGING, NEIGHBOUR, OWNER, STRANGER, talk
from unit.skill.test_media import START

WISHES = [{"protocol": "RTSP", "videoCodec": "H264"}]
INVALID, EXPIRED = "INVALID_AUTHORIZATION_CREDENTIAL", "EXPIRED_AUTHORIZATION_CREDENTIAL"
Directive = dict[str, Any]
Ask = Callable[[Alexa, Settings], object]


def endpoint(endpoint_id: str = "cams_example_com:front-porch") -> Endpoint:
    return Endpoint(endpoint_id, "A camera", ())


def media(settings: Settings) -> list[str]:
    return [media_id(settings.sites[0].media_key, Media("den", START, timedelta(seconds=9), "motion"))]


def stream(alexa: Alexa, _: Settings) -> object:
    return alexa.ask(alexa.stream_directive("cams_example_com:front-porch", WISHES), camera_streams_response)


ASKS: dict[str, Ask] = {
    "discover": lambda alexa, _: alexa.discover(),
    "stream": stream,
    "snapshot": lambda alexa, _: alexa.snapshot(endpoint()),
    "state": lambda alexa, _: alexa.report_state(endpoint()),
    "media": lambda alexa, settings: alexa.media(media(settings)),
}
BAD_TOKENS: dict[str, Callable[[Lwa], str]] = {
    "made up": lambda _: "Atza|" + "x" * 400,
    "empty": lambda _: "",
    "no text at all": lambda _: "\ud800\n",
    "of another client": lambda lwa: lwa.new_bearer(FOREIGN, OWNER),
    "of the events": lambda lwa: lwa.new_bearer(MESSAGING.client_id, OWNER),
    "of a stranger": lambda lwa: lwa.new_bearer(LINKING, STRANGER),
    "ended before it was ever shown": lambda lwa: lwa.new_bearer(LINKING, OWNER, 0),
}


# As they are in life: the tests have more patience. A grant waits for all three, and AWS ends the function after 6 s.
PATIENCE = (who._PATIENCE_SECONDS, grants._PATIENCE_SECONDS, 2 * dispatch._STORE_SECONDS)


def test_the_function_answers_before_aws_ends_it() -> None:
    assert sum(PATIENCE) < 6


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every signature that is made, by its arguments."""
    made: list[object] = []

    def watch(name: str) -> None:
        sign = getattr(urls, name)

        def spy(*arguments: object) -> object:
            made.append(arguments)
            return sign(*arguments)

        monkeypatch.setattr(urls, name, spy)

    for name in ("sign_stream", "sign_clip_uri"):
        watch(name)
    return made


def refusal_type(ask: Ask, alexa: Alexa, settings: Settings) -> str:
    with pytest.raises(RefusedError) as refusal:
        ask(alexa, settings)
    assert not alexa.token or alexa.token not in str(refusal.value)
    return refusal.value.error_type


def last_entry(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return entry


def test_an_owners_token_opens_and_the_spy_sees_it(signatures: list[object], alexa: Alexa, settings: Settings) -> None:
    stream(alexa, settings)
    assert len(signatures) == 2
    alexa.snapshot(endpoint())
    assert len(signatures) == 3


@pytest.mark.parametrize("kind", list(BAD_TOKENS))
@pytest.mark.parametrize("directive", list(ASKS))
def test_any_other_token_opens_nothing(
    *, signatures: list[object], skill: Skill, settings: Settings, lwa: Lwa, kind: str, directive: str
) -> None:
    alexa = talk(skill, BAD_TOKENS[kind](lwa))
    assert refusal_type(ASKS[directive], alexa, settings) == INVALID
    assert signatures == []


@pytest.mark.parametrize("directive", list(ASKS))
def test_a_token_that_has_ended_since_is_called_expired(
    *,
    signatures: list[object],
    alexa: Alexa,
    settings: Settings,
    lwa: Lwa,
    monkeypatch: pytest.MonkeyPatch,
    directive: str,
) -> None:
    alexa.discover()
    later = time.time() + 3601
    monkeypatch.setattr(who, "time", SimpleNamespace(time=lambda: later))
    asked = len(lwa.requests)
    assert refusal_type(ASKS[directive], alexa, settings) == EXPIRED
    assert len(lwa.requests) == asked  # we know it ourselves
    assert signatures == []


def test_a_token_that_amazon_calls_expired_is(skill: Skill, settings: Settings, lwa: Lwa) -> None:
    lwa.fail(TOKEN_INFO, Reply(400, b'{"error":"invalid_token","error_description":"The access token expired"}'))
    assert refusal_type(stream, talk(skill, lwa.new_bearer(LINKING, OWNER)), settings) == EXPIRED


@pytest.mark.parametrize("fault", [Reply(500), Reply(429), Reply(200), Cut(), Cut(60), Delay(30)], ids=str)
def test_nothing_is_signed_while_amazon_does_not_answer(
    *,
    signatures: list[object],
    skill: Skill,
    settings: Settings,
    lwa: Lwa,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(who, "_PATIENCE_SECONDS", 0.3)
    alexa = talk(skill, lwa.new_bearer(LINKING, OWNER))
    lwa.fail(TOKEN_INFO, fault)
    assert refusal_type(stream, alexa, settings) == "INTERNAL_ERROR"
    assert signatures == []
    entry = last_entry(capsys)
    assert entry["reason"] == "The token could not be verified."
    assert entry["cause"]
    stream(alexa, settings)  # the next one is answered


@pytest.mark.parametrize("place", ["cams_example_net:den", "cams_example_net:garage", "cams_example_com:garage"])
@pytest.mark.parametrize("directive", ["stream", "snapshot", "state"])
def test_another_homes_camera_is_not_there(signatures: list[object], alexa: Alexa, place: str, directive: str) -> None:
    ask: dict[str, Callable[[], object]] = {
        "stream": lambda: alexa.ask(alexa.stream_directive(place, WISHES), camera_streams_response),
        "snapshot": lambda: alexa.snapshot(endpoint(place)),
        "state": lambda: alexa.report_state(endpoint(place)),
    }
    with pytest.raises(RefusedError) as refusal:
        ask[directive]()
    assert refusal.value.error_type == "NO_SUCH_ENDPOINT"
    assert signatures == []


def test_another_homes_recording_is_not_there(
    signatures: list[object], skill: Skill, settings: Settings, lwa: Lwa
) -> None:
    alexa = talk(skill, lwa.new_bearer(LINKING, NEIGHBOUR))
    (theirs,) = media(settings)
    assert alexa.media([theirs]) == ([], {theirs: "NOT_FOUND"})
    assert signatures == []


def test_a_strangers_id_is_in_the_log_and_nowhere_else(
    skill: Skill, settings: Settings, lwa: Lwa, capsys: pytest.CaptureFixture[str]
) -> None:
    alexa = talk(skill, lwa.new_bearer(LINKING, STRANGER))
    with pytest.raises(RefusedError) as refusal:
        alexa.discover()
    assert STRANGER not in str(refusal.value)
    assert last_entry(capsys)["user"] == STRANGER
    # That of a token for another client is none of our business.
    assert refusal_type(stream, talk(skill, lwa.new_bearer(FOREIGN, STRANGER)), settings) == INVALID
    assert "user" not in last_entry(capsys)


def test_amazon_is_asked_once_for_each_token(skill: Skill, lwa: Lwa) -> None:
    alexa = talk(skill, lwa.new_bearer(LINKING, OWNER))
    asked = len(lwa.requests)
    for _ in range(3):
        alexa.discover()
    assert len(lwa.requests) == asked + 1
    alexa.token = lwa.new_bearer(LINKING, OWNER)
    alexa.discover()
    assert len(lwa.requests) == asked + 2


def test_no_more_tokens_are_remembered_than_there_is_room_for(
    skill: Skill, lwa: Lwa, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(who, "_REMEMBERED", 3)
    tokens = [lwa.new_bearer(LINKING, OWNER) for _ in range(5)]
    for token in tokens:
        talk(skill, token).discover()
    asked = len(lwa.requests)
    for token in tokens[2:]:
        talk(skill, token).discover()
    assert len(lwa.requests) == asked
    talk(skill, tokens[0]).discover()
    assert len(lwa.requests) == asked + 1


def test_no_token_is_kept_in_memory(skill: Skill, lwa: Lwa) -> None:
    token = lwa.new_bearer(LINKING, OWNER)
    talk(skill, token).discover()
    assert token not in repr(vars(skill._verifier))


def test_a_token_with_a_partition_is_a_token(alexa: Alexa) -> None:
    scope = {"type": "BearerTokenWithPartition", "token": alexa.token, "partition": "Room 1", "userId": "u"}
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    alexa.ask({"directive": {"header": header, "payload": {"scope": scope}}}, discover_response)


@pytest.mark.parametrize(
    "scope", [None, "Atza|x", {}, {"type": "BearerToken"}, {"type": "BearerToken", "token": 1}, {"type": "Basic"}]
)
def test_a_directive_without_a_token_is_refused(alexa: Alexa, scope: Any) -> None:
    header = {"namespace": "Alexa.Discovery", "name": "Discover", "payloadVersion": "3", "messageId": "m-1"}
    with pytest.raises(RefusedError, match="no bearer token") as refusal:
        alexa.ask({"directive": {"header": header, "payload": {"scope": scope}}}, discover_response)
    assert refusal.value.error_type == INVALID
