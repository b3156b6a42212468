"""Alexa's side: how a family's words find a camera, and what Alexa asks and refuses."""

from typing import Any

import pytest

from alexa_ip_cam.skill.dispatch import Skill
from simulators.amazon.alexa import Alexa
from simulators.amazon.checks import ProtocolError
from simulators.amazon.lwa import Lwa
from unit.skill.family import alexa_for


@pytest.mark.parametrize(
    ("spoken", "name"),
    [
        ("Front Porch", "Front Porch"),
        ("front porch", "Front Porch"),
        ("the front porch", "Front Porch"),
        ("the  Front porch camera", "Front Porch"),
        ("my back yard camera", "Back Yard"),
        ("the den", "The Den"),
        ("the den camera", "The Den"),
    ],
)
def test_a_family_finds_its_cameras(alexa: Alexa, spoken: str, name: str) -> None:
    assert alexa.find(spoken).friendly_name == name


@pytest.mark.parametrize("spoken", ["garage", "front", "camera", "", "front porch back yard"])
def test_other_words_find_nothing(alexa: Alexa, spoken: str) -> None:
    with pytest.raises(LookupError, match=r"0 cameras are called .*there are: Front Porch, Back Yard, The Den"):
        alexa.find(spoken)


def test_the_most_literal_name_wins(document: dict[str, Any], lwa: Lwa) -> None:
    document["sites"][0]["cameras"][1]["name"] = "Front Porch Camera"
    alexa = alexa_for(document, lwa)
    assert alexa.find("front porch").endpoint_id == "cams_example_com:front-porch"
    assert alexa.find("the front porch camera").endpoint_id == "cams_example_com:back-yard"


def test_alexa_asks_for_each_combination_that_was_advertised(alexa: Alexa) -> None:
    endpoint = alexa.find("front porch")
    configuration = {**endpoint.configurations[0], "audioCodecs": ["AAC", "NONE"], "protocols": ["RTSP", "WEBRTC"]}
    wishes = type(endpoint)(endpoint.endpoint_id, "Front Porch", (configuration,)).wishes()
    assert [(wish["protocol"], wish["audioCodec"]) for wish in wishes] == [
        ("RTSP", "AAC"),
        ("RTSP", "NONE"),
        ("WEBRTC", "AAC"),
        ("WEBRTC", "NONE"),
    ]


def test_a_stream_that_was_not_asked_for_is_refused(alexa: Alexa) -> None:
    endpoint = alexa.find("front porch")
    smaller = {**endpoint.wishes()[0], "resolution": {"width": 640, "height": 360}}
    with pytest.raises(ProtocolError, match="was not asked for"):
        alexa.show(endpoint, [smaller])


def test_a_message_id_that_is_used_twice_is_refused(skill: Skill, alexa: Alexa) -> None:
    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        reply = skill.answer(event, "request-1")
        reply["event"]["header"]["messageId"] = "always-the-same"
        return reply

    forgetful = Alexa(invoke, alexa.token)
    forgetful.discover()
    with pytest.raises(ProtocolError, match="used before"):
        forgetful.discover()


@pytest.mark.parametrize("reply", [None, [], {}, {"event": []}, {"event": {"header": {"name": "ErrorResponse"}}}])
def test_what_is_no_message_is_refused(reply: Any) -> None:
    with pytest.raises(ProtocolError, match=r"^answer"):
        Alexa(lambda _event: reply, "Atza|any").discover()
