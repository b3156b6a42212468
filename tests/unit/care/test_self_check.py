"""What the skill answers the self-check: enough to compare, and nothing that tells a key or a camera."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alexa_ip_cam.self_check import QUESTION, cameras_mark, is_question, key_mark
from alexa_ip_cam.signing import derive_key
from alexa_ip_cam.skill.discovery import endpoints
from alexa_ip_cam.skill.dispatch import Skill
from alexa_ip_cam.skill.settings import Settings, parse_settings
from unit.skill import family


@pytest.fixture
def settings() -> Settings:
    with family.login() as lwa:
        return parse_settings(family.document_for(lwa, family.inventory(), family.neighbours()))


def ask(settings: Settings, **question: Any) -> dict[str, Any]:
    answer = Skill(settings).answer_check({QUESTION: question})
    assert list(answer) == [QUESTION]
    told: dict[str, Any] = answer[QUESTION]
    return told


def test_the_marks_are_those_of_the_appliances_keys_and_cameras(settings: Settings) -> None:
    root = family.inventory()["appliance_signing_key"]
    told = ask(settings, site="cams.example.com", nonce="once")
    assert told["known"] is True
    assert told["keys"] == {
        "streams": key_mark(derive_key(root, "streams").hex(), "once"),
        "clips": key_mark(derive_key(root, "clips").hex()[:40], "once"),
        "media": key_mark(derive_key(root, "media").hex(), "once"),
    }
    assert told["cameras"] == cameras_mark(endpoints(settings.sites[0]))


def test_another_question_has_other_marks_of_keys(settings: Settings) -> None:
    first, second = (ask(settings, site="cams.example.com", nonce=nonce)["keys"] for nonce in ("a", "b"))
    assert not set(first.values()) & set(second.values())


def test_nothing_is_given_away(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    home = family.inventory()
    shown = json.dumps(ask(settings, site="cams.example.com", nonce="once")) + capsys.readouterr().out
    secrets = [home["appliance_signing_key"], settings.sites[0].stream_key.hex(), settings.sites[0].clip_key]
    assert [word for word in [*secrets, "front-porch", "Front Porch", "amzn1"] if word in shown] == []


@pytest.mark.parametrize(
    "question",
    [
        {"site": "cams.example.org", "nonce": "once"},
        {"site": "cams.example.com"},
        {"site": "cams.example.com", "nonce": ""},
        {"site": "cams.example.com", "nonce": "x" * 1000},
        {"site": ["cams.example.com"], "nonce": "once"},
    ],
)
def test_of_anything_else_nothing_is_known(settings: Settings, question: dict[str, Any]) -> None:
    assert ask(settings, **question) == {"known": False}


@pytest.mark.parametrize("event", [None, [], {}, {"directive": {}}, {QUESTION: {}, "directive": {}}, QUESTION])
def test_no_directive_is_taken_for_the_question(event: object) -> None:
    assert not is_question(event)
